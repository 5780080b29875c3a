import { randomUUID } from "node:crypto";
import type http from "node:http";
import https from "node:https";
import { ContainerClient } from "@azure/storage-blob";
import { type Account, API, type Registration } from "../../emulator/directory.ts";
import type { TokenIssuer } from "../../emulator/entra/tokens.ts";
import { type Answer, type AzureService, startAzureService } from "./azure-service.ts";
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

/** A storage account: Azurite, and before it what it lacks. */
export interface Storage extends AzureService {
  readonly accountUrl: string;
  /** The container as one of the users, for putting blobs there. */
  containerOf(account: Account, issuer: TokenIssuer): ContainerClient;
}

/** https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2 */
export function storageError(status: number, code: string, headers: http.OutgoingHttpHeaders = {}): Answer {
  const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>about someone</Message></Error>`;
  const ids = { "content-type": "application/xml", "x-ms-error-code": code, "x-ms-request-id": randomUUID() };
  return { status, headers: { ...ids, ...headers }, body };
}

export async function startStorage(): Promise<Storage> {
  const azurite = await startAzurite();
  const service = await startAzureService(azurite.certificate, (_, request, response) =>
    passOn(request, response, azurite),
  );
  const { close } = service;
  const accountUrl = `https://localhost:${service.port}${ACCOUNT_PATH}`;
  return Object.assign(service, {
    accountUrl,
    containerOf: (account: Account, issuer: TokenIssuer) =>
      new ContainerClient(`${accountUrl}/documents`, {
        getToken: async () => {
          const request = { account, audience: STORAGE, client: API, scope: "user_impersonation" };
          return { token: await issuer.apiToken(request), expiresOnTimestamp: Date.now() + 3_600_000 };
        },
      }),
    close: async () => {
      await Promise.all([close(), azurite.close()]);
    },
  });
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
