import type { Account } from "../directory.ts";

/** What a sign-in leaves behind for the app that asked for it. */
export interface SignIn {
  readonly account: Account;
  /** The tenant that issues its tokens. */
  readonly tenantId: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  /** Authentication contexts that were satisfied. */
  readonly contexts: readonly string[];
  /** Seconds since 1970. */
  readonly signedInAt: number;
}
