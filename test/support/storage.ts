import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline, Readable } from "node:stream";
import { ContainerClient } from "@azure/storage-blob";
import { decodeJwt } from "jose";
import { type Account, API, type Registration } from "../../emulator/directory.ts";
import type { TokenIssuer } from "../../emulator/entra/tokens.ts";
import { type Azurite, startAzurite } from "./azurite.ts";

/** Azure Storage as Entra knows it; its tokens are of version 1. */
export const STORAGE: Registration = {
  clientId: "e406a681-f3d4-42a8-90b6-c2b029497af1",
  displayName: "Azure Storage",
  clientSecret: "",
  identifierUris: ["https://storage.azure.com"],
  scopes: ["user_impersonation"],
  graphPermissions: [],
  requestedAccessTokenVersion: 1,
};

const ACCOUNT_PATH = "/devstoreaccount1";

export interface StorageRequest {
  readonly path: string;
  readonly token: string;
  readonly objectId: string;
}

/** An answer in place of Azurite's; undefined lets the request through. */
export type Answer = {
  readonly status: number;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Readable;
};
export type Answerer = (request: StorageRequest) => Answer | "hang" | "close" | undefined;

/** A storage account: Azurite, and before it what it lacks. */
export interface Storage {
  readonly accountUrl: string;
  readonly requests: StorageRequest[];
  /** Requests that wait for their answer. */
  readonly waiting: number;
  /** What is answered in place of Azurite from now on, and to whom. */
  answer(answerer: Answerer): void;
  /** The container as one of the users, for putting blobs there. */
  containerOf(account: Account, issuer: TokenIssuer): ContainerClient;
  close(): Promise<void>;
}

/** https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2 */
export function storageError(status: number, code: string, headers: http.OutgoingHttpHeaders = {}): Answer {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>about someone</Message></Error>`;
  const ids = { "content-type": "application/xml", "x-ms-error-code": code, "x-ms-request-id": randomUUID() };
  return { status, headers: { ...ids, ...headers }, body };
}

export async function startStorage(): Promise<Storage> {
  const azurite = await startAzurite();
  const requests: StorageRequest[] = [];
  let waiting = 0;
  let answerer: Answerer = () => undefined;
  const server = https.createServer(azurite.certificate, (request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const seen = { path: request.url ?? "", token, objectId: token && String(decodeJwt(token).oid) };
    requests.push(seen);
    waiting += 1;
    response.once("close", () => {
      waiting -= 1;
    });
    const answer = answerer(seen);
    if (answer === undefined) passOn(request, response, azurite);
    else if (answer === "close") request.socket.destroy();
    else if (answer !== "hang") answerWith(response, answer);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const accountUrl = `https://localhost:${(server.address() as AddressInfo).port}${ACCOUNT_PATH}`;
  return {
    accountUrl,
    requests,
    get waiting() {
      return waiting;
    },
    answer: (next) => {
      answerer = next;
    },
    containerOf: (account, issuer) =>
      new ContainerClient(`${accountUrl}/documents`, {
        getToken: async () => {
          const request = { account, audience: STORAGE, client: API, scope: "user_impersonation" };
          return { token: await issuer.apiToken(request), expiresOnTimestamp: Date.now() + 3_600_000 };
        },
      }),
    close: async () => {
      server.closeAllConnections();
      await Promise.all([once(server.close(), "close"), azurite.close()]);
    },
  };
}

/** A body that fails closes the connection. */
function answerWith(response: http.ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  if (body instanceof Readable) pipeline(body, response, () => {});
  else response.end(body);
}

function passOn(request: http.IncomingMessage, response: http.ServerResponse, { origin }: Azurite): void {
  const { method, headers } = request;
  // In Azure the account is in the host's name, here in the path.
  const path = request.url?.startsWith(ACCOUNT_PATH) ? request.url : `${ACCOUNT_PATH}${request.url}`;
  const passedHeaders = { ...headers, host: new URL(origin).host };
  const passed = https.request(new URL(path, origin), { method, headers: passedHeaders });
  passed.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  passed.on("error", () => response.destroy());
  request.pipe(passed);
}
