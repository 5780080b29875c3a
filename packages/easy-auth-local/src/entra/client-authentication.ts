import type { JWTVerifyGetKey } from "jose";
import type { Directory, Registration } from "../directory/directory.ts";
import type { RoutedRequest } from "../http/router.ts";
import { authorityOf, refusalOfApp } from "./authority.ts";
import { verifyClientAssertion } from "./client-assertion.ts";
import { entraError } from "./errors.ts";

/**
 * The app that asks the token endpoint: by client_secret_post or client_secret_basic (RFC 6749, 2.3.1), or by a client
 * assertion (RFC 7523, 2.2), for which the keys are Entra's own. Throws EntraError.
 */
export async function authenticateClient(
  request: RoutedRequest,
  directory: Directory,
  keys: JWTVerifyGetKey,
): Promise<Registration> {
  const { headers, form } = request;
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1];
  const [basicId, basicSecret] = basic ? Buffer.from(basic, "base64").toString().split(":").map(formDecoded) : [];
  const client = directory.registrationById(basicId ?? form.get("client_id") ?? "");
  const refusal = refusalOfApp(client, authorityOf(request));
  if (!client || refusal) throw refusal ?? entraError(700016, "unauthorized_client", "No such application.");
  if (headers.origin !== undefined) {
    // https://learn.microsoft.com/entra/identity-platform/reference-error-codes: no registration here is a single-page app.
    const text = "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type.";
    throw entraError(9002326, "invalid_request", text);
  }
  if (form.has("client_assertion")) {
    await verifyClientAssertion(request, client, keys);
    return client;
  }
  const secret = basicSecret ?? form.get("client_secret");
  if (!secret) throw entraError(7000218, "invalid_client", "The request must hold client_assertion or client_secret.");
  if (!client.clientSecrets?.includes(secret))
    throw entraError(7000215, "invalid_client", "Invalid client secret provided.");
  return client;
}

/** Client id and secret are form-encoded before they are joined (RFC 6749, 2.3.1). */
function formDecoded(value: string): string {
  return new URLSearchParams(`v=${value.replaceAll("&", "%26")}`).get("v") ?? "";
}
