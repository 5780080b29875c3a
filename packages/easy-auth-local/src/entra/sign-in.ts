import type { Account } from "../directory/directory.ts";
import type { RedirectKind } from "./redirect-uris.ts";

/** User who signed in, and the time. */
export interface SignedInUser {
  readonly account: Account;
  /** The tenant that issues the tokens. */
  readonly tenantId: string;
  /** Seconds since 1970. */
  readonly signedInAt: number;
}

/** Sign-in of a user to an app, as a code or a refresh token stands for it. */
export interface SignIn extends SignedInUser {
  readonly clientId: string;
  /** Undefined for an exchange on behalf of the user, and for a device. */
  readonly redirectUri: string | undefined;
  /** Kind of client; decides how it has to authenticate when it redeems the sign-in. */
  readonly kind: RedirectKind;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  /** Whether the ID token says when the user signed in. */
  readonly wantsAuthTime: boolean;
  /** Authentication contexts that were satisfied. */
  readonly contexts: readonly string[];
}

/** Returns the claims of an ID token that depend on the request: email address, time of the sign-in, authentication contexts. */
export function idTokenChanges(
  {
    account,
    signedInAt,
    contexts,
    wantsAuthTime,
  }: Pick<SignIn, "account" | "signedInAt" | "contexts" | "wantsAuthTime">,
  { hasEmail }: { readonly hasEmail: boolean },
): Readonly<Record<string, unknown>> {
  const { mail } = account.profile;
  return {
    ...(hasEmail && typeof mail === "string" && { email: mail }),
    ...(wantsAuthTime && { auth_time: signedInAt }),
    ...(contexts.length > 0 && { acrs: contexts }),
  };
}
