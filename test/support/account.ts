import type { Account, Directory } from "easy-auth-local";

/** Returns the account of a key; throws if there is none. */
export function accountOf(directory: Directory, key: string): Account {
  const account = directory.accountByKey(key);
  if (!account) throw new Error(`The directory has no account ${key}.`);
  return account;
}
