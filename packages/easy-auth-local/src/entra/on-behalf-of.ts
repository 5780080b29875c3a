import { errors, type JWTPayload, jwtVerify } from "jose";
import { CLOUDS, cloudOf, graphOriginOf } from "../directory/clouds.ts";
import type { Account, Directory, Registration } from "../directory/directory.ts";
import { claimsRequestOf } from "./claims-request.ts";
import { EntraError, entraError, revoked } from "./errors.ts";
import { type RequestedScopes, requestedScopes } from "./requested-scopes.ts";
import type { SignIn } from "./sign-in.ts";
import type { TokenRequest } from "./token-answer.ts";
import { issuerV1, issuerV2 } from "./tokens.ts";

const CLOCK_SKEW_SECONDS = 300;

/**
 * Judges an exchange as Entra does: the request, the assertion, the user's policies, consent. Returns what tokens may be
 * issued for; throws EntraError. https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
 */
export async function exchangeOnBehalfOf(request: TokenRequest, directory: Directory): Promise<SignIn> {
  const { client, form } = request;
  if (form.get("requested_token_use") !== "on_behalf_of") {
    throw entraError(900144, "invalid_request", "requested_token_use has to be on_behalf_of.");
  }
  const assertion = await verifyAssertion(request);
  const account = accountOf(assertion, directory);
  const scope = form.get("scope") ?? "";
  const scopes = requestedScopes(scope, client, directory, graphOriginOf(request.authority.origin));
  if (scopes.names.length === 0) {
    throw entraError(900144, "invalid_request", "The request must hold a scope of a resource.");
  }
  refuseByPolicy(account, assertion, form.get("claims"));
  refuseWithoutConsent(scopes, client, account, directory);
  const tenantId = String(assertion.tid);
  const signedInAt = Number(assertion.iat);
  const { clientId } = client;
  const none = { redirectUri: "", nonce: undefined, codeChallenge: undefined, contexts: [] };
  return { account, tenantId, clientId, scope, signedInAt, ...none };
}

/** Signature, issuer, time and audience. */
async function verifyAssertion({ client, form, authority, issuer }: TokenRequest): Promise<JWTPayload> {
  const { payload } = await jwtVerify(form.get("assertion") ?? "", issuer.keys.verificationKeys, {
    algorithms: ["RS256"],
    clockTolerance: CLOCK_SKEW_SECONDS,
  }).catch((error: unknown) => {
    if (error instanceof errors.JWTExpired) {
      throw entraError(500133, "invalid_grant", "The assertion is not within its valid time range.");
    }
    throw entraError(50013, "invalid_grant", "The assertion failed signature or issuer validation.");
  });
  const isAnyTenant = authority.tenant === "organizations" || authority.tenant === "common";
  const tenantId = isAnyTenant ? String(payload.tid) : authority.tenant;
  // Clouds do not take each other's tokens. An address on this machine belongs to the global one.
  const origins = [...new Set([(cloudOf(authority.origin) ?? CLOUDS[0]).authorityOrigin, authority.origin])];
  const issuers = origins.flatMap((origin) => [issuerV1(origin, tenantId), issuerV2(origin, tenantId)]);
  if (!issuers.includes(String(payload.iss))) {
    throw entraError(50013, "invalid_grant", "The assertion failed signature or issuer validation.");
  }
  if (payload.aud !== client.clientId && !client.identifierUris?.includes(String(payload.aud))) {
    throw entraError(500131, "invalid_grant", "The assertion's audience is not the app that presents it.");
  }
  return payload;
}

function accountOf({ oid, scp }: JWTPayload, directory: Directory): Account {
  const account = directory.accountById(String(oid));
  if (typeof scp === "string" && account) return account;
  throw entraError(240002, "invalid_grant", "The assertion is not an access token of a user, as the grant needs.");
}

function refuseByPolicy({ exchangeRefusal }: Account, { acrs, iat = 0 }: JWTPayload, claims: string | null): void {
  const { notBefore } = claimsRequestOf(claims);
  if (iat < notBefore) {
    throw revoked(JSON.stringify({ access_token: { nbf: { essential: true, value: String(notBefore) } } }));
  }
  if (!exchangeRefusal) return;
  const { untilContext, ...refusal } = exchangeRefusal;
  const isSatisfied = untilContext !== undefined && Array.isArray(acrs) && acrs.includes(untilContext);
  if (!isSatisfied) throw new EntraError(refusal);
}

function refuseWithoutConsent(
  { resource, names }: RequestedScopes,
  client: Registration,
  account: Account,
  { consents }: Directory,
): void {
  if (consents.has(client, { resource, names }, account)) return;
  const text = `The user or an administrator has not consented to the use of the app '${client.displayName}'.`;
  throw entraError(65001, "invalid_grant", text, "consent_required");
}
