import { randomUUID } from "node:crypto";
import { TENANT_ID } from "easy-auth-local";
import type { SignedInUser } from "../../src/user.ts";

/** Makes a user whose request has 5 s, with one token that every resource takes. */
export function signedInUser(changes: Partial<SignedInUser> = {}): SignedInUser {
  return {
    tenantId: TENANT_ID,
    objectId: randomUUID(),
    expiresAt: Date.now() / 1000 + 3600,
    correlationId: randomUUID(),
    deadline: { signal: new AbortController().signal, timeLeft: () => 5000 },
    links: {
      authorizationUri: `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/authorize`,
      adminConsentUrl: `https://login.microsoftonline.com/${TENANT_ID}/adminconsent`,
    },
    accessToken: async () => "access-token",
    forgetAccessToken: () => {},
    ...changes,
  };
}
