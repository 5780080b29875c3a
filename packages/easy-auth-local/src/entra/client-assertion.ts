import { createHash, X509Certificate } from "node:crypto";
import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import type { Registration } from "../directory/directory.ts";
import type { RoutedRequest } from "../http/router.ts";
import { authorityOf } from "./authority.ts";
import { type EntraError, entraError } from "./errors.ts";

const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CLOCK_SKEW_SECONDS = 300;
const VERIFICATION: JWTVerifyOptions = { clockTolerance: CLOCK_SKEW_SECONDS, requiredClaims: ["exp"] };

/**
 * Verifies the client assertion of a request: the app's own, signed with the key of a certificate of its registration, or a
 * token that one of the registration's federated credentials trusts. Throws EntraError.
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 *
 * @param ownKeys Entra's: the emulator knows no other issuer of federated tokens
 */
export async function verifyClientAssertion(
  request: RoutedRequest,
  client: Registration,
  ownKeys: JWTVerifyGetKey,
): Promise<void> {
  const assertion = request.form.get("client_assertion") ?? "";
  if (request.form.get("client_assertion_type") !== JWT_BEARER) {
    throw refusal(50027, `client_assertion_type has to be ${JWT_BEARER}.`);
  }
  const { header, claims } = decode(assertion);
  const thumbprint = header["x5t#S256"];
  if (claims.iss === client.clientId) await verifyOwn(assertion, String(thumbprint), client, request);
  else await verifyFederated(assertion, claims, client, ownKeys);
}

function decode(assertion: string): { header: Record<string, unknown>; claims: JWTPayload } {
  try {
    return { header: { ...decodeProtectedHeader(assertion) }, claims: decodeJwt(assertion) };
  } catch {
    throw refusal(50027, "The client assertion is not a JWT.");
  }
}

async function verifyOwn(
  assertion: string,
  thumbprint: string,
  { clientId, certificates = [] }: Registration,
  request: RoutedRequest,
): Promise<void> {
  const certificate = certificates
    .map((pem) => new X509Certificate(pem))
    .find((one) => thumbprintOf(one) === thumbprint);
  if (!certificate) throw refusal(700027, "The certificate that the client assertion names is not registered.");
  const { origin, tenant } = authorityOf(request);
  const { payload } = await jwtVerify(assertion, certificate.publicKey, {
    ...VERIFICATION,
    algorithms: ["PS256", "RS256"],
    subject: clientId,
    audience: [`${origin}/${tenant}/oauth2/v2.0/token`, `${origin}/${tenant}/v2.0`],
  }).catch(rethrow);
  if (typeof payload.jti !== "string" || payload.jti === "") throw refusal(50027, "The client assertion has no jti.");
}

async function verifyFederated(
  assertion: string,
  { iss, sub, aud }: JWTPayload,
  { federatedCredentials = [] }: Registration,
  ownKeys: JWTVerifyGetKey,
): Promise<void> {
  const ofIssuer = federatedCredentials.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) throw refusal(700211, "No federated identity credential has the assertion's issuer.");
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0) throw refusal(700213, "No federated identity credential has the assertion's subject.");
  if (!ofSubject.some(({ audience }) => audience === aud)) {
    throw refusal(700212, "No federated identity credential has the assertion's audience.");
  }
  await jwtVerify(assertion, ownKeys, { ...VERIFICATION, algorithms: ["RS256"] }).catch(rethrow);
}

function thumbprintOf({ raw }: X509Certificate): string {
  return createHash("sha256").update(raw).digest("base64url");
}

function rethrow(error: unknown): never {
  if (error instanceof errors.JWTExpired)
    throw refusal(700024, "The client assertion is not within its valid time range.");
  if (error instanceof errors.JWTClaimValidationFailed) {
    throw refusal(700023, "The client assertion's audience or subject does not hold.");
  }
  throw refusal(700027, "The client assertion's signature does not hold.");
}

function refusal(number: number, text: string): EntraError {
  return entraError(number, "invalid_client", text);
}
