import type { JWTVerifyGetKey } from "jose";
import type { Directory, Registration } from "../directory/directory.ts";
import type { RoutedRequest } from "../http/router.ts";
import { appAt, authorityOf } from "./authority.ts";
import { verifyClientAssertion } from "./client-assertion.ts";
import { type EntraError, entraError } from "./errors.ts";
import type { RedirectKind } from "./redirect-uris.ts";
import type { ClientProof, TokenRequest } from "./token-answer.ts";

/** Client of a request, and the proof of its identity. */
export interface AuthenticatedClient {
  readonly client: Registration;
  readonly proof: ClientProof;
}

/**
 * Finds the app that asks the token endpoint and checks its credential, if it has one: client_secret_post or
 * client_secret_basic (RFC 6749, 2.3.1), or a client assertion (RFC 7523, 2.2), for which the keys are Entra's own. Whether a
 * grant needs one is not checked here: see `refuseByKind`. Throws EntraError.
 */
export async function authenticateClient(
  request: RoutedRequest,
  directory: Directory,
  keys: JWTVerifyGetKey,
): Promise<AuthenticatedClient> {
  const { headers, form } = request;
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? "")?.[1];
  const [basicId, basicSecret] = basic ? Buffer.from(basic, "base64").toString().split(":").map(formDecoded) : [];
  const clientId = basicId ?? form.get("client_id") ?? "";
  const client = appAt(authorityOf(request), clientId, directory);
  if (headers.origin !== undefined && !client.redirectUris?.spa?.length) throw crossOrigin();
  if (form.has("client_assertion")) {
    await verifyClientAssertion(request, client, directory, keys);
    return { client, proof: "assertion" };
  }
  const secret = basicSecret ?? form.get("client_secret");
  if (!secret) return { client, proof: "none" };
  if (client.clientSecrets?.includes(secret)) return { client, proof: "secret" };
  const text = `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`;
  throw entraError(7000215, "invalid_client", text);
}

/**
 * Throws EntraError unless the client came as its kind has to: with a credential for the web, from a page's own origin for a
 * single-page app, without a credential from a device. https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
export function refuseByKind(
  { proof, isCrossOrigin }: Pick<TokenRequest, "proof" | "isCrossOrigin">,
  kind: RedirectKind,
): void {
  const refusal = REFUSALS[kind](proof, isCrossOrigin);
  if (refusal) throw refusal;
}

type Refuse = (proof: ClientProof, isCrossOrigin: boolean) => EntraError | undefined;

const REFUSALS: Readonly<Record<RedirectKind, Refuse>> = {
  web: (proof, isCrossOrigin) => {
    if (isCrossOrigin) return crossOrigin();
    return proof === "none" ? withoutCredential() : undefined;
  },
  spa: (_, isCrossOrigin) => (isCrossOrigin ? undefined : notCrossOrigin()),
  publicClient: (proof, isCrossOrigin) => {
    if (isCrossOrigin) return crossOrigin();
    return proof === "none" ? undefined : needlessCredential();
  },
};

function crossOrigin(): EntraError {
  const text = "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.";
  return entraError(9002326, "invalid_request", text);
}

function notCrossOrigin(): EntraError {
  const text =
    "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.";
  return entraError(9002327, "invalid_request", text);
}

function withoutCredential(): EntraError {
  const text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
  return entraError(7000218, "invalid_client", text);
}

function needlessCredential(): EntraError {
  const text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.";
  return entraError(700025, "invalid_client", text);
}

/** Decodes a client id or secret: they are form-encoded before they are joined (RFC 6749, 2.3.1). */
function formDecoded(value: string): string {
  return new URLSearchParams(`v=${value.replaceAll("&", "%26")}`).get("v") ?? "";
}
