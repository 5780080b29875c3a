import http from "node:http";
import https from "node:https";
import { pipeline } from "node:stream";
import type { ContainerClient } from "@azure/storage-blob";
import { type Certificate, createCertificate } from "../http/certificate.ts";
import { listenOnLoopback } from "../http/loopback-server.ts";
import { trust } from "../http/trust.ts";
import { asksForDelegationKey, authenticate, type Gate, refusalByRole, type StorageRequest } from "./access.ts";
import { ACCOUNT_NAME, type Azurite, startAzurite } from "./azurite.ts";
import { type Answer, answerWith } from "./errors.ts";
import type { StoredFile } from "./sample-files.ts";
import { DelegationKeys } from "./shared-access.ts";

const CONTAINER = "documents";

/** Returns the answer in place of Azurite; undefined passes the request on. */
export type Answerer = (request: StorageRequest) => Answer | "hang" | "close" | undefined;

export interface StorageOptions extends Gate {
  /** Files in the container at the start. */
  readonly files: readonly StoredFile[];
  /** Certificate of the listener. Default: a new one. */
  readonly certificate?: Certificate | undefined;
  /** Port of the https address. Default 0: a free one. */
  readonly port?: number;
  /** Port of the public address. Default 0: a free one. */
  readonly publicPort?: number;
  /** Called with every request of a user, before it is answered. */
  readonly onRequest?: ((request: StorageRequest) => void) | undefined;
  /** Called with the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}

/** A storage account, listening. */
export interface Storage {
  /** Address over https, without a slash at the end. */
  readonly accountUrl: string;
  /**
   * Address for browsers, which would warn of the certificate: over http, but the account treats requests there as https.
   * Without a slash at the end.
   */
  readonly publicUrl: string;
  /** Certificate of the https address, in PEM. This process trusts it until the account is closed. */
  readonly certificate: string;
  /** Container with the rights of the account owner, for putting files there. */
  readonly container: ContainerClient;
  /** Number of requests that wait for the end of their answer. */
  readonly waiting: number;
  /** Sets the function that answers in place of Azurite from now on. */
  answer(answerer: Answerer): void;
  /** Resolves with the reason when Azurite ends by itself. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** The account's names besides `localhost`: the one in the documentation. */
const HOSTS = ["contoso.blob.core.windows.net"];

/**
 * Starts a storage account as users see it: Azurite behind a server that verifies tokens and roles, which Azurite does
 * not. It has one container, `documents`. Not checked: the scope of the token, and what policies, networks or access
 * conditions would forbid.
 */
export async function startStorage({
  files,
  port = 0,
  publicPort = 0,
  onServer,
  ...options
}: StorageOptions): Promise<Storage> {
  const [azurite, certificate] = await Promise.all([startAzurite(), options.certificate ?? createCertificate()]);
  const state = { waiting: 0, answerer: (() => undefined) as Answerer };
  try {
    const container = azurite.account.getContainerClient(CONTAINER);
    await fill(container, files);
    const delegationKeys = new DelegationKeys();
    const listener: http.RequestListener = (request, response) => {
      state.waiting += 1;
      response.once("close", () => {
        state.waiting -= 1;
      });
      const answering = {
        azurite,
        delegationKeys,
        answerer: (seen: StorageRequest) => state.answerer(seen),
        ...options,
      };
      void answer(request, response, answering).catch(() => response.destroy());
    };
    const servers = [https.createServer(certificate, listener), http.createServer(listener)] as const;
    for (const server of servers) onServer?.(server);
    const [own, open] = await Promise.all([
      listenOnLoopback(servers[0], port, HOSTS),
      listenOnLoopback(servers[1], publicPort),
    ]);
    const distrust = trust(certificate.cert);
    return {
      ...{ accountUrl: `${own.url}/${ACCOUNT_NAME}`, publicUrl: `${open.url}/${ACCOUNT_NAME}` },
      ...{ certificate: certificate.cert, container, ended: azurite.ended },
      get waiting() {
        return state.waiting;
      },
      answer: (answerer) => {
        state.answerer = answerer;
      },
      close: async () => {
        distrust();
        for (const server of servers) server.closeAllConnections();
        await Promise.all([own.close(), open.close(), azurite.close()]);
      },
    };
  } catch (error) {
    await azurite.close();
    throw error;
  }
}

async function fill(container: ContainerClient, files: readonly StoredFile[]): Promise<void> {
  await container.create();
  for (const { name, content, contentType, contentEncoding } of files) {
    const blobHTTPHeaders = {
      ...(contentType !== undefined && { blobContentType: contentType }),
      ...(contentEncoding !== undefined && { blobContentEncoding: contentEncoding }),
    };
    await container.getBlockBlobClient(name).upload(content, Buffer.byteLength(content), { blobHTTPHeaders });
  }
}

interface Answering extends Gate {
  readonly azurite: Azurite;
  readonly delegationKeys: DelegationKeys;
  readonly answerer: Answerer;
  readonly onRequest?: StorageOptions["onRequest"];
}

async function answer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { azurite, delegationKeys, answerer, onRequest, ...gate }: Answering,
): Promise<void> {
  const seen = await authenticate(request, gate, delegationKeys);
  if ("status" in seen) return answerWith(response, seen);
  onRequest?.(seen);
  const instead = answerer(seen) ?? refusalByRole(seen);
  if (instead === "close") request.socket.destroy();
  else if (instead !== undefined) instead === "hang" || answerWith(response, instead);
  else if (asksForDelegationKey(seen))
    answerWith(response, await delegationKeys.answerTo(request, seen.account, gate.directory));
  else passOn(request, response, seen.path, azurite);
}

function passOn(request: http.IncomingMessage, response: http.ServerResponse, url: string, azurite: Azurite): void {
  const { method, headers } = request;
  const { authorization: _, ...passedHeaders } = headers;
  // In Azure the account is in the host's name, here in the path.
  const path = url.startsWith(`/${ACCOUNT_NAME}`) ? url : `/${ACCOUNT_NAME}${url}`;
  const signed = `${azurite.url}${path}${path.includes("?") ? "&" : "?"}${azurite.readSignature}`;
  const passed = http.request(signed, { method, headers: { ...passedHeaders, host: new URL(azurite.url).host } });
  passed.on("response", (given) => {
    response.writeHead(given.statusCode ?? 502, given.headers);
    pipeline(given, response, () => {});
  });
  passed.on("error", () => response.destroy());
  request.pipe(passed);
}
