import { createHmac } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { pipeline } from "node:stream";
import type { Certificate } from "../http/certificate.ts";
import { freePort, listenOnLoopback } from "../http/loopback-server.ts";
import { trust } from "../http/trust.ts";
import { type Gate, unauthorized, verifyToken } from "./access.ts";
import { ACCOUNT_NAME, type AzuriteService, launchAzurite } from "./azurite.ts";
import { azuriteFile } from "./azurite-file.ts";
import { answerWith, storageError } from "./errors.ts";

export interface TablesOptions extends Gate {
  readonly certificate: Certificate;
  /** Default 0: a free one. */
  readonly port?: number;
}

/** Table storage for apps, listening. */
export interface Tables {
  /** Address over https, without a slash at the end. */
  readonly url: string;
  /** Resolves with the reason when Azurite ends by itself. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts Table storage as apps see it: Azurite, and a server before it that verifies the app's own token, which Azurite does
 * not. An app with a token may do everything (Storage Table Data Contributor); users have no role. Does not check the scope
 * of the token, or which app it is.
 */
export async function startTables({ certificate, port = 0, ...gate }: TablesOptions): Promise<Tables> {
  const azurite = await launchAzurite(azuriteFile("main.js", "table"), ["--tablePort", String(await freePort())]);
  const server = https.createServer(certificate, (request, response) => {
    void answer(request, response, azurite, gate).catch(() => response.destroy());
  });
  const listening = await listenOnLoopback(server, port);
  const distrust = trust(certificate.cert);
  return {
    url: `${listening.url}/${ACCOUNT_NAME}`,
    ended: azurite.ended,
    close: async () => {
      distrust();
      server.closeAllConnections();
      await Promise.all([listening.close(), azurite.close()]);
    },
  };
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  azurite: AzuriteService,
  gate: Gate,
): Promise<void> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  const claims = token === undefined ? "The request has no token." : await verifyToken(token, gate);
  if (typeof claims === "string") return answerWith(response, unauthorized(gate, "InvalidAuthenticationInfo", claims));
  if (claims.idtyp !== "app") {
    const text = "This request is not authorized to perform this operation using this permission.";
    return answerWith(response, storageError(403, "AuthorizationPermissionMismatch", {}, text));
  }
  passOn(request, response, azurite);
}

function passOn(request: http.IncomingMessage, response: http.ServerResponse, azurite: AzuriteService): void {
  const { method, headers, url = "/" } = request;
  const date = new Date().toUTCString();
  const signed = { authorization: signatureOf(url, date, azurite), "x-ms-date": date, host: new URL(azurite.url).host };
  const passed = http.request(`${azurite.url}${url}`, { method, headers: { ...headers, ...signed } });
  passed.on("response", (given) => {
    response.writeHead(given.statusCode ?? 502, given.headers);
    pipeline(given, response, () => {});
  });
  passed.on("error", () => response.destroy());
  request.pipe(passed);
}

/**
 * Signs a request with the account's key:
 * https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key#table-service-shared-key-lite-authorization
 */
function signatureOf(url: string, date: string, { key }: AzuriteService): string {
  const [path] = url.split("?");
  const signature = createHmac("sha256", Buffer.from(key, "base64")).update(`${date}\n/${ACCOUNT_NAME}${path}`);
  return `SharedKeyLite ${ACCOUNT_NAME}:${signature.digest("base64")}`;
}
