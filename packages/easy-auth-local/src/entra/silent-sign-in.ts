import type { Refusal } from "../directory/account.ts";
import { type Directory, usernameOf } from "../directory/directory.ts";
import { type AuthorizeRequest, tenantOf, wantedConsents } from "./authorize-request.ts";
import type { BrowserSession } from "./browser-sessions.ts";
import { consentRequired } from "./consent.ts";
import { EntraError, entraError } from "./errors.ts";
import type { SignedInUser } from "./sign-in.ts";

export const UNKNOWN_USER: Refusal = {
  number: 50020,
  error: "invalid_request",
  text: "The user's account does not exist in this tenant, and cannot be used with this application.",
};

/**
 * Signs in the browser's user for `prompt=none`, when there is nothing to ask them. Throws EntraError otherwise.
 * https://learn.microsoft.com/entra/identity-platform/msal-js-prompt-behavior
 */
export function silentSignIn(
  asked: AuthorizeRequest,
  session: BrowserSession | undefined,
  directory: Directory,
): SignedInUser {
  if (!session || !isCurrent(session, directory) || !isMeant(session, asked)) {
    throw entraError(50058, "login_required", "A silent sign-in request was sent but no user is signed in.");
  }
  const { account, contexts, signedInAt } = session;
  const tenantId = tenantOf(asked, account, directory);
  if (!directory.isKnownIn(tenantId, account)) throw new EntraError({ ...UNKNOWN_USER, error: "interaction_required" });
  if (asked.contexts.some((context) => !contexts.includes(context))) {
    throw entraError(50076, "interaction_required", "The user must use multifactor authentication.");
  }
  if (wantedConsents(asked, account, directory).length > 0) {
    throw consentRequired(asked.client, "interaction_required");
  }
  return { account, tenantId, signedInAt };
}

/** Says why the account picker is shown to a browser that is signed in. Entra shows it only for some of the reasons. */
export function reasonToSignInAgain(asked: AuthorizeRequest, session: BrowserSession, directory: Directory): string {
  const name = session.account.profile.displayName;
  if (!isCurrent(session, directory)) return `The sessions of ${name} were revoked: sign in again.`;
  if (asked.contexts.length > 0) return `The API asked for a stronger sign-in: continue as ${name}.`;
  return `${name} signed in here before. Entra would go on without asking: continue as ${name}, or be somebody else.`;
}

function isCurrent({ account, signedInAt }: BrowserSession, { revocations }: Directory): boolean {
  return signedInAt >= revocations.validFrom(account);
}

function isMeant({ account, signedInAt }: BrowserSession, { loginHint, maxAgeSeconds }: AuthorizeRequest): boolean {
  const isYoung = maxAgeSeconds === undefined || Date.now() / 1000 - signedInAt <= maxAgeSeconds;
  return isYoung && (loginHint === undefined || loginHint.toLowerCase() === usernameOf(account).toLowerCase());
}
