import type { Account } from "../directory/directory.ts";

/** Who signed in, and when. */
export interface SignedInUser {
  readonly account: Account;
  /** The tenant that issues the tokens. */
  readonly tenantId: string;
  /** Seconds since 1970. */
  readonly signedInAt: number;
}

/** What a sign-in leaves behind for the app that asked for it. */
export interface SignIn extends SignedInUser {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  /** Authentication contexts that were satisfied. */
  readonly contexts: readonly string[];
}
