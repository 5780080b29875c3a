import { once } from "node:events";
import type http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { type Answer, answerWith, createCertificate, trust } from "easy-auth-local/parts";
import { decodeJwt } from "jose";
import { routeTlsHost } from "./route-tls-host.ts";

export interface ServiceRequest {
  readonly path: string;
  /** The token; empty without one. */
  readonly token: string;
  /** Object id of the token's user; empty without a token. */
  readonly objectId: string;
  readonly audience: string;
}

/** Returns the answer instead of the service's; undefined leaves the request to the service. */
type Answerer = (request: ServiceRequest) => Answer | "hang" | "close" | undefined;

/** Stand-in for a service of Azure: gives the chosen answers, otherwise the service's. */
export interface AzureService {
  readonly port: number;
  readonly requests: readonly ServiceRequest[];
  /** Number of requests that wait for their answer. */
  readonly waiting: number;
  /** Replaces the service's answers from now on. */
  answer(answerer: Answerer): void;
  close(): Promise<void>;
}

/** Starts a service that this process finds, and trusts, at the service's own host name. */
export async function startServiceAt(
  host: string,
  service: (request: ServiceRequest) => Answer,
): Promise<AzureService> {
  const requests: ServiceRequest[] = [];
  let waiting = 0;
  let answerer: Answerer = () => undefined;
  const certificate = await createCertificate();
  const server = https.createServer(certificate, (request, response) => {
    const seen = seenIn(request);
    requests.push(seen);
    waiting += 1;
    response.once("close", () => {
      waiting -= 1;
    });
    const answer = answerer(seen) ?? service(seen);
    if (answer === "close") request.socket.destroy();
    else if (answer !== "hang") answerWith(response, answer);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const distrust = trust(certificate.cert);
  const { port } = server.address() as AddressInfo;
  const unroute = routeTlsHost(host, port);
  return {
    ...{ port, requests },
    get waiting() {
      return waiting;
    },
    answer: (next) => {
      answerer = next;
    },
    close: async () => {
      unroute();
      distrust();
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

function seenIn({ url = "", headers }: http.IncomingMessage): ServiceRequest {
  const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
  const { oid = "", aud = "" } = token ? decodeJwt(token) : {};
  return { path: url, token, objectId: String(oid), audience: String(aud) };
}
