import { Agent, request } from "undici";

/** Answer of the stack: one of these members. */
interface Answer {
  readonly access_token: string;
  readonly accounts: readonly string[];
  /** Reason why there is no token. */
  readonly detail: string;
}

/** Returns an access token of an account for the API, as the frontend's sign-in would hold it. */
export async function fetchToken(account: string, entraUrl: string): Promise<string> {
  const url = `${entraUrl}/emulator/token?account=${encodeURIComponent(account)}`;
  // An agent of its own never asks a proxy.
  const response = await request(url, { dispatcher: new Agent() }).catch(() => {
    throw new Error(`Nothing answers at ${entraUrl}. Start the local stack first.`);
  });
  const answer = (await response.body.json()) as Partial<Answer>;
  if (answer.accounts) throw new Error(`No account ${account}. There are: ${answer.accounts.join(", ")}.`);
  if (!answer.access_token) throw new Error(answer.detail ?? `${entraUrl} gave no token.`);
  return answer.access_token;
}
