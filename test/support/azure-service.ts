import { once } from "node:events";
import type http from "node:http";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { type Answer, answerWith, createCertificate, trust } from "easy-auth-local/parts";
import { decodeJwt } from "jose";
import { routeTlsHost } from "./route-tls-host.ts";

export interface ServiceRequest {
  readonly path: string;
  /** Empty without one. */
  readonly token: string;
  /** Whose token it is, and for what; empty without one. */
  readonly objectId: string;
  readonly audience: string;
}

/** What is answered in place of the service; undefined leaves the request to it. */
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

/** Starts one that this process finds, and trusts, at the service's own host name. */
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
