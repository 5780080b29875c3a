import { once } from "node:events";
import type http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { pipeline, Readable } from "node:stream";
import { decodeJwt } from "jose";
import { type Certificate, createCertificate } from "../../emulator/entra/certificate.ts";
import { trust } from "../../emulator/storage/trust.ts";
import { routeTlsHost } from "./route-tls-host.ts";

export interface ServiceRequest {
  readonly path: string;
  /** Empty without one. */
  readonly token: string;
  /** Whose token it is, and for what; empty without one. */
  readonly objectId: string;
  readonly audience: string;
}

/** An answer; undefined leaves the request to the service. */
export type Answer = {
  readonly status: number;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string | Readable;
};
type Answerer = (request: ServiceRequest) => Answer | "hang" | "close" | undefined;

/** What stands where a service of Azure would: answers as it is told, else as the service. */
export interface AzureService {
  readonly port: number;
  readonly requests: readonly ServiceRequest[];
  /** Requests that wait for their answer. */
  readonly waiting: number;
  /** What is answered in place of the service from now on, and to whom. */
  answer(answerer: Answerer): void;
  close(): Promise<void>;
}

type Service = (seen: ServiceRequest, request: http.IncomingMessage, response: http.ServerResponse) => void;

/** Starts one on `localhost`. */
async function startAzureService(certificate: Certificate, service: Service): Promise<AzureService> {
  const requests: ServiceRequest[] = [];
  let waiting = 0;
  let answerer: Answerer = () => undefined;
  const server = https.createServer(certificate, (request, response) => {
    const seen = seenIn(request);
    requests.push(seen);
    waiting += 1;
    response.once("close", () => {
      waiting -= 1;
    });
    const answer = answerer(seen);
    if (answer === undefined) service(seen, request, response);
    else if (answer === "close") request.socket.destroy();
    else if (answer !== "hang") answerWith(response, answer);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    get waiting() {
      return waiting;
    },
    answer: (next) => {
      answerer = next;
    },
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

/** Starts one that this process finds, and trusts, at the service's own host name. */
export async function startServiceAt(host: string, answer: (request: ServiceRequest) => Answer): Promise<AzureService> {
  const certificate = await createCertificate();
  const service = await startAzureService(certificate, (seen, _, response) => {
    answerWith(response, answer(seen));
  });
  const { close: stop } = service;
  const undo = [trust(certificate.cert), routeTlsHost(host, service.port)];
  const close = async () => {
    for (const one of undo.reverse()) one();
    await stop();
  };
  return Object.assign(service, { close });
}

/** A body that fails closes the connection. */
function answerWith(response: http.ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  if (body instanceof Readable) pipeline(body, response, () => {});
  else response.end(body);
}

function seenIn({ url = "", headers }: http.IncomingMessage): ServiceRequest {
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
  const { oid = "", aud = "" } = token ? decodeJwt(token) : {};
  return { path: url, token, objectId: String(oid), audience: String(aud) };
}
