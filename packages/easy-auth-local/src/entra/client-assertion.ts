import { createHash, X509Certificate } from "node:crypto";
import { compactVerify, decodeJwt, decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey } from "jose";
import { AUTHORITY_HOSTS } from "../directory/clouds.ts";
import type { Directory, Registration } from "../directory/directory.ts";
import { LOOPBACK_NAMES } from "../http/loopback-server.ts";
import type { RoutedRequest } from "../http/router.ts";
import { authorityOf, isForSeveralTenants, tenantAt } from "./authority.ts";
import { type EntraError, entraError } from "./errors.ts";

const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CLOCK_SKEW_SECONDS = 300;
/** Paths below the tenant that an assertion may be for: the token endpoints, and the issuers. */
const AUDIENCE_PATHS = ["oauth2/v2.0/token", "oauth2/token", "v2.0", ""];

/**
 * Verifies the client assertion of a request: the app's own, signed with the key of a certificate of its registration, or a
 * token that one of the registration's federated credentials trusts. Throws EntraError, which says what was wrong.
 * https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 *
 * @param ownKeys Entra's: federated tokens of other issuers cannot be verified
 */
export async function verifyClientAssertion(
  request: RoutedRequest,
  client: Registration,
  directory: Directory,
  ownKeys: JWTVerifyGetKey,
): Promise<void> {
  const assertion = request.form.get("client_assertion") ?? "";
  const type = request.form.get("client_assertion_type");
  if (type !== JWT_BEARER) throw refusal(50027, `client_assertion_type is '${type}', but has to be '${JWT_BEARER}'.`);
  const { header, claims } = decode(assertion);
  if (claims.iss === client.clientId) await verifyOwn(assertion, header, claims, client, request, directory);
  else await verifyFederated(assertion, claims, client, ownKeys);
}

type Header = Readonly<Record<string, unknown>>;

function decode(assertion: string): { readonly header: Header; readonly claims: JWTPayload } {
  try {
    return { header: { ...decodeProtectedHeader(assertion) }, claims: decodeJwt(assertion) };
  } catch {
    throw refusal(50027, "The client assertion is not a JWT.");
  }
}

async function verifyOwn(
  assertion: string,
  header: Header,
  claims: JWTPayload,
  { clientId, certificates = [] }: Registration,
  request: RoutedRequest,
  directory: Directory,
): Promise<void> {
  const certificate = certificates.map((pem) => new X509Certificate(pem)).find((one) => isNamedBy(header, one));
  if (!certificate) {
    const registered = certificates.map((pem) => thumbprint(new X509Certificate(pem), "sha256")).join(", ") || "none";
    const text = `The certificate that the client assertion names is not registered: its header has ${namesIn(header)}. Registered, by x5t#S256: ${registered}.`;
    throw refusal(700027, text);
  }
  await verifySignature(assertion, certificate.publicKey, ["PS256", "RS256"]);
  refuseOutOfTime(claims);
  if (claims.sub !== clientId)
    throw refusal(700023, `The client assertion's sub is '${claims.sub}', not '${clientId}'.`);
  if (!isForThisEndpoint(claims, request, directory)) {
    const { origin, tenant } = authorityOf(request);
    const text = `The client assertion's aud is '${claims.aud}', not this endpoint, '${origin}/${tenant}/oauth2/v2.0/token'.`;
    throw refusal(700023, text);
  }
  if (typeof claims.jti !== "string" || claims.jti === "") throw refusal(50027, "The client assertion has no jti.");
}

/** Whether a header names the certificate. Older clients do so by SHA-1, in `x5t`, or in hexadecimal in `kid`. */
function isNamedBy(header: Header, certificate: X509Certificate): boolean {
  if (typeof header["x5t#S256"] === "string") return header["x5t#S256"] === thumbprint(certificate, "sha256");
  if (typeof header.x5t === "string") return header.x5t === thumbprint(certificate, "sha1");
  return String(header.kid).toLowerCase() === certificate.fingerprint.replaceAll(":", "").toLowerCase();
}

function namesIn(header: Header): string {
  const names = ["x5t#S256", "x5t", "kid"].filter((name) => header[name] !== undefined);
  return names.map((name) => `${name} '${header[name]}'`).join(", ") || "no x5t#S256, x5t or kid";
}

function thumbprint({ raw }: X509Certificate, algorithm: "sha256" | "sha1"): string {
  return createHash(algorithm).update(raw).digest("base64url");
}

/**
 * Whether the audience is an endpoint or issuer of the request's tenant, at any address of this Entra and by any name of
 * the tenant.
 */
function isForThisEndpoint({ aud }: JWTPayload, request: RoutedRequest, directory: Directory): boolean {
  if (typeof aud !== "string" || !URL.canParse(aud)) return false;
  const { host, hostname, pathname } = new URL(aud);
  const [, tenant = "", ...rest] = pathname.split("/");
  const named = tenantAt(tenant, directory);
  const isOfTenant =
    named !== undefined && (isForSeveralTenants({ tenant: named }) || named === authorityOf(request).tenant);
  const isOfEntra = LOOPBACK_NAMES.has(hostname) || AUTHORITY_HOSTS.includes(host);
  return isOfEntra && isOfTenant && AUDIENCE_PATHS.includes(rest.join("/"));
}

async function verifyFederated(
  assertion: string,
  claims: JWTPayload,
  { federatedCredentials = [] }: Registration,
  ownKeys: JWTVerifyGetKey,
): Promise<void> {
  const { iss, sub, aud } = claims;
  const ofIssuer = federatedCredentials.filter(({ issuer }) => issuer === iss);
  if (ofIssuer.length === 0) {
    const issuers = federatedCredentials.map(({ issuer }) => issuer).join(", ") || "none";
    throw refusal(
      700211,
      `No federated identity credential has the assertion's issuer '${iss}'. Registered: ${issuers}.`,
    );
  }
  const ofSubject = ofIssuer.filter(({ subject }) => subject === sub);
  if (ofSubject.length === 0) {
    const subjects = ofIssuer.map(({ subject }) => subject).join(", ");
    throw refusal(
      700213,
      `No federated identity credential has the assertion's subject '${sub}'. Registered: ${subjects}.`,
    );
  }
  if (!ofSubject.some(({ audience }) => audience === aud)) {
    const audiences = ofSubject.map(({ audience }) => audience).join(", ");
    throw refusal(
      700212,
      `No federated identity credential has the assertion's audience '${aud}'. Registered: ${audiences}.`,
    );
  }
  await verifySignature(assertion, ownKeys, ["RS256"]);
  refuseOutOfTime(claims);
}

async function verifySignature(
  assertion: string,
  key: X509Certificate["publicKey"] | JWTVerifyGetKey,
  algorithms: readonly string[],
): Promise<void> {
  try {
    // jose takes a key and a function that finds one by different overloads.
    if (typeof key === "function") await compactVerify(assertion, key, { algorithms: [...algorithms] });
    else await compactVerify(assertion, key, { algorithms: [...algorithms] });
  } catch (error) {
    const text =
      error instanceof errors.JOSEAlgNotAllowed
        ? `its alg has to be ${algorithms.join(" or ")}`
        : "it does not match the key";
    throw refusal(700027, `The client assertion's signature does not hold: ${text}.`);
  }
}

/**
 * Throws EntraError for an assertion that has ended, is for later or has no valid times. Takes times written as text too,
 * as MSAL.NET writes them:
 * https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/src/client/Microsoft.Identity.Client/Internal/JsonWebToken.cs
 */
function refuseOutOfTime({ nbf = 0, exp }: JWTPayload): void {
  const now = Date.now() / 1000;
  const [begin, end] = [Number(nbf), Number(exp)];
  if (exp === undefined || Number.isNaN(end) || Number.isNaN(begin)) {
    throw refusal(700023, "The client assertion has no exp, or its exp or nbf is not a number of seconds.");
  }
  if (now - CLOCK_SKEW_SECONDS < end && begin <= now + CLOCK_SKEW_SECONDS) return;
  const [from, until] = [begin, end].map((seconds) => new Date(seconds * 1000).toISOString());
  const text = `The client assertion is not within its valid time range, from ${from} until ${until}. It is ${new Date().toISOString()}.`;
  throw refusal(700024, text);
}

function refusal(number: number, text: string): EntraError {
  return entraError(number, "invalid_client", text);
}
