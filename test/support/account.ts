import type { Account, Directory } from "easy-auth-local";

/** The account of a key; a test that names one that does not exist fails. */
export function accountOf(directory: Directory, key: string): Account {
  const account = directory.accountByKey(key);
  if (!account) throw new Error(`The directory has no account ${key}.`);
  return account;
}
