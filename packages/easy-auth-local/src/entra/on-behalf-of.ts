import { errors, type JWTPayload, jwtVerify } from "jose";
import { graphOriginOf } from "../directory/clouds.ts";
import type { Account, Directory } from "../directory/directory.ts";
import { isForSeveralTenants } from "./authority.ts";
import { claimsRequestOf } from "./claims-request.ts";
import { EntraError, entraError, revoked } from "./errors.ts";
import { requestedScopes } from "./requested-scopes.ts";
import type { SignIn } from "./sign-in.ts";
import type { TokenRequest } from "./token-answer.ts";
import { issuerV1, issuerV2 } from "./tokens.ts";

const CLOCK_SKEW_SECONDS = 300;

/**
 * Judges an exchange as Entra does: the request, the assertion, the user's policies. Returns the sign-in that tokens may
 * be issued for, if there is consent; throws EntraError.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow
 */
export async function exchangeOnBehalfOf(request: TokenRequest, directory: Directory): Promise<SignIn> {
  const { client, form, authority } = request;
  if (form.get("requested_token_use") !== "on_behalf_of") {
    throw entraError(900144, "invalid_request", "The request must contain 'requested_token_use' with 'on_behalf_of'.");
  }
  const assertion = await verifyAssertion(request);
  const account = accountOf(assertion, directory);
  const scope = form.get("scope") ?? "";
  const { names } = requestedScopes(scope, client, directory, graphOriginOf(authority.issuerOrigin));
  if (names.length === 0)
    throw entraError(900144, "invalid_request", "The request must contain a scope of a resource.");
  refuseByPolicy(account, assertion, form.get("claims"));
  return {
    ...{
      account,
      scope,
      tenantId: String(assertion.tid),
      signedInAt: Number(assertion.iat),
      clientId: client.clientId,
    },
    ...{ redirectUri: undefined, kind: "web", nonce: undefined, codeChallenge: undefined, wantsAuthTime: false },
    contexts: contextsIn(assertion),
  };
}

/** Checks signature, issuer, time and audience. */
async function verifyAssertion({ client, form, authority, issuer }: TokenRequest): Promise<JWTPayload> {
  const { payload } = await jwtVerify(form.get("assertion") ?? "", issuer.keys.verificationKeys, {
    algorithms: ["RS256"],
    clockTolerance: CLOCK_SKEW_SECONDS,
  }).catch((error: unknown) => {
    if (error instanceof errors.JWTExpired) {
      throw entraError(500133, "invalid_grant", "The assertion is not within its valid time range.");
    }
    throw entraError(50013, "invalid_grant", `The assertion failed signature validation: ${reasonOf(error)}.`);
  });
  const tenantId = isForSeveralTenants(authority) ? String(payload.tid) : authority.tenant;
  const issuers = [issuerV1(authority.issuerOrigin, tenantId), issuerV2(authority.issuerOrigin, tenantId)];
  if (!issuers.includes(String(payload.iss))) {
    const text = `The assertion failed issuer validation: it is of '${payload.iss}', not of ${issuers.join(" or ")}.`;
    throw entraError(50013, "invalid_grant", text);
  }
  if (payload.aud !== client.clientId && !client.identifierUris?.includes(String(payload.aud))) {
    const text = `The assertion's audience '${payload.aud}' is not the app that presents it, '${client.clientId}'.`;
    throw entraError(500131, "invalid_grant", text);
  }
  return payload;
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWKSNoMatchingKey) return "none of this Entra's keys has the token's key id";
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return "the signature does not match. Tokens for Microsoft Graph cannot be exchanged";
  }
  return "it is not a signed JWT";
}

function accountOf({ oid, scp }: JWTPayload, directory: Directory): Account {
  const account = directory.accountById(String(oid));
  if (typeof scp === "string" && account) return account;
  throw entraError(240002, "invalid_grant", "The assertion is not an access token of a user, as the grant needs.");
}

function refuseByPolicy({ exchangeRefusal }: Account, assertion: JWTPayload, claims: string | null): void {
  const { iat = 0 } = assertion;
  const { notBefore } = claimsRequestOf(claims);
  if (iat < notBefore) {
    throw revoked(JSON.stringify({ access_token: { nbf: { essential: true, value: String(notBefore) } } }));
  }
  if (!exchangeRefusal) return;
  const { untilContext, ...refusal } = exchangeRefusal;
  if (untilContext === undefined || !contextsIn(assertion).includes(untilContext)) throw new EntraError(refusal);
}

/** Authentication contexts that the user's sign-in satisfied. */
function contextsIn({ acrs }: JWTPayload): readonly string[] {
  return Array.isArray(acrs) ? acrs.map(String) : [];
}
