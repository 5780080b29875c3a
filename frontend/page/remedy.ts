import type { Problem } from "./client/problem.ts";

/** Actions of the user against a problem, and who else can help. */
export interface Remedy {
  readonly action: "sign-in" | "try-again" | "ask-administrator";
  readonly whatToDo: string;
  readonly who: string;
}

const YOU = "You.";
const ADMINISTRATOR = "An administrator of your organization. Send them the correlation ID below.";
const OPERATOR = "The people who run this app. Send them the correlation ID below.";
const NOBODY = "Nobody has to, it passes. If it stays, tell the people who run this app the correlation ID below.";

const SIGN_IN: Remedy = {
  action: "sign-in",
  whatToDo: "Sign in again. You come back to this page.",
  who: "You. If it happens again right after you signed in, the people who run this app can.",
};
const WAIT: Remedy = { action: "try-again", whatToDo: "Wait a moment, then try again.", who: NOBODY };
const REPORT: Remedy = {
  action: "try-again",
  whatToDo: "Nothing on your side is wrong, and signing in again does not help.",
  who: OPERATOR,
};

/** Remedies by code. Other codes get theirs by status. */
const REMEDIES = new Map<string, Remedy>(
  Object.entries({
    claims_challenge: {
      action: "sign-in",
      whatToDo: "Sign in again and complete the step that is asked for, such as a code from your phone.",
      who: YOU,
    },
    consent_required: {
      action: "ask-administrator",
      whatToDo: "Send an administrator the consent link. Some seconds after it is granted, try again.",
      who: "An administrator of your organization.",
    },
    app_refused: REPORT,
    blocked_by_policy: {
      action: "try-again",
      whatToDo: "Try from a device or network that your organization trusts, or ask which rule applies.",
      who: ADMINISTRATOR,
    },
    user_not_assigned: {
      action: "try-again",
      whatToDo: "Ask to be assigned to this app. Then try again.",
      who: ADMINISTRATOR,
    },
    downstream_forbidden: {
      action: "try-again",
      whatToDo: "Ask for the permission that your account lacks. Then try again.",
      who: ADMINISTRATOR,
    },
    offline: {
      action: "try-again",
      whatToDo: "Check your connection. This page tries again as soon as it is back.",
      who: YOU,
    },
    unreachable: {
      action: "try-again",
      whatToDo: "Check your connection, then try again.",
      who: "You. If other sites work, the people who run this app can.",
    },
  }),
);

export function remedyFor({ code, status }: Problem): Remedy {
  const remedy = REMEDIES.get(code);
  if (remedy) return remedy;
  // Of the API's answers, 401 alone means that another sign-in can help.
  if (status === 401) return SIGN_IN;
  return [0, 429, 502, 503, 504].includes(status) ? WAIT : REPORT;
}

/** Returns an administrator's link if it is https, or on this machine: an answer must not make a `javascript:` link. */
export function consentLink({ adminConsentUrl = "" }: Problem): string | undefined {
  if (!URL.canParse(adminConsentUrl)) return undefined;
  const url = new URL(adminConsentUrl);
  return url.protocol === "https:" || url.origin.startsWith("http://localhost:") ? url.href : undefined;
}

/** Returns the address of this app's own page about the code, for codes that a server gave. */
export function explanationLink({ code, type }: Problem): string | undefined {
  return type === undefined ? undefined : `/api/errors#${encodeURIComponent(code)}`;
}
