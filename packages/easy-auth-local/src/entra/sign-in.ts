import type { Account } from "../directory/directory.ts";
import type { RedirectKind } from "./redirect-uris.ts";

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
  /** Undefined for an exchange on behalf of the user, and for a device. */
  readonly redirectUri: string | undefined;
  /** How the client has to prove itself when it redeems what the sign-in left behind. */
  readonly kind: RedirectKind;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  /** Whether the ID token says when the user signed in. */
  readonly wantsAuthTime: boolean;
  /** Authentication contexts that were satisfied. */
  readonly contexts: readonly string[];
}

/** Claims of the sign-in's ID token besides the user's: what the app asked to know. */
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
