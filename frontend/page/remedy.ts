import type { Problem } from "./problem.ts";

/** What the user can do about a problem. */
export type Remedy =
  | { readonly kind: "sign-in"; readonly href: string }
  | { readonly kind: "ask-administrator"; readonly consentHref: string | undefined }
  | { readonly kind: "try-again" };

/** The remedy for a problem. `currentPath` is where a sign-in comes back to. */
export function remedyFor(problem: Problem, currentPath: string): Remedy {
  // Of the API's answers, 401 alone means that another sign-in can help.
  if (problem.status === 401) {
    return { kind: "sign-in", href: `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(currentPath)}` };
  }
  if (problem.code === "consent_required") {
    return { kind: "ask-administrator", consentHref: httpsUrl(problem.adminConsentUrl) };
  }
  return { kind: "try-again" };
}

/** The URL when it is https: never a `javascript:` link because an answer said so. */
function httpsUrl(value: string | undefined): string | undefined {
  if (value === undefined || !URL.canParse(value)) return undefined;
  const url = new URL(value);
  return url.protocol === "https:" ? url.href : undefined;
}
