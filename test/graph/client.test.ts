import { randomUUID } from "node:crypto";
import http from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { GRAPH_ORIGIN } from "../../emulator/directory.ts";
import { listenOnLoopback } from "../../emulator/loopback-server.ts";
import { routeMicrosoftOrigins } from "../../emulator/microsoft-origins.ts";
import { AppError } from "../../src/errors.ts";
import { createGraphClient, graphFailure } from "../../src/graph/client.ts";
import { getProfile } from "../../src/graph/profile.ts";

async function graphAnswering(answer: http.RequestListener): Promise<void> {
  const server = await listenOnLoopback(http.createServer(answer), 0, [new URL(GRAPH_ORIGIN).host]);
  onTestFinished(() => server.close());
  onTestFinished(routeMicrosoftOrigins({ entra: "http://localhost:9", graph: server.url }));
}

async function failureOf(graphToken: () => Promise<string> = async () => "graph-token"): Promise<AppError> {
  const graph = createGraphClient({ graphToken, correlationId: randomUUID() });
  return getProfile(graph).then(
    () => {
      throw new Error("The call succeeded.");
    },
    (error) => graphFailure(error) as AppError,
  );
}

function graphError(status: number, code: string, headers: http.OutgoingHttpHeaders = {}): http.RequestListener {
  const body = { error: { code, message: "about someone", innerError: { "request-id": "graph-request-1" } } };
  return (_, response) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

describe("a call to Graph", () => {
  test("carries the user's token and the correlation id", async () => {
    const seen: http.IncomingHttpHeaders[] = [];
    await graphAnswering((request, response) => {
      seen.push(request.headers);
      response.setHeader("content-type", "application/json").end('{"id":"1"}');
    });
    const correlationId = randomUUID();
    const graph = createGraphClient({ graphToken: async () => "graph-token", correlationId });
    expect(await getProfile(graph)).toEqual({ id: "1" });
    expect(seen[0]).toMatchObject({ authorization: "Bearer graph-token", "client-request-id": correlationId });
  });

  test.each<[number, string, string]>([
    [400, "Request_BadRequest", "invalid_request"],
    [401, "InvalidAuthenticationToken", "downstream_failed"],
    [403, "Authorization_RequestDenied", "downstream_forbidden"],
    [404, "Request_ResourceNotFound", "downstream_failed"],
    [429, "TooManyRequests", "throttled"],
    [500, "InternalServerError", "downstream_failed"],
    [502, "BadGateway", "downstream_failed"],
    [503, "serviceNotAvailable", "throttled"],
    [504, "GatewayTimeout", "downstream_timeout"],
  ])("that Graph answers with %i %s fails as %s", async (status, graphCode, expected) => {
    await graphAnswering(graphError(status, graphCode));
    const { code, hint } = await failureOf();
    expect(code).toBe(expected);
    expect(hint).toBe(`Graph: ${status}, ${graphCode}, request graph-request-1`);
  });

  test("that Graph throttles says how long to wait", async () => {
    await graphAnswering(graphError(429, "TooManyRequests", { "retry-after": "21" }));
    expect((await failureOf()).retryAfterSeconds).toBe(21);
  });

  test.each<[string, http.RequestListener]>([
    ["with HTML", (_, response) => response.setHeader("content-type", "text/html").end("<html></html>")],
    ["with JSON cut short", (_, response) => response.setHeader("content-type", "application/json").end('{"id":')],
    ["with a JSON string", (_, response) => response.setHeader("content-type", "application/json").end('"id"')],
    ["with nothing", (_, response) => response.writeHead(204).end()],
    ["with a redirect", (_, response) => response.writeHead(302, { location: "http://localhost:9/" }).end()],
    ["by hanging up", (request) => request.socket.destroy()],
  ])("that is answered %s fails as downstream_failed", async (_, answer) => {
    await graphAnswering(answer);
    expect((await failureOf()).code).toBe("downstream_failed");
  });

  test("whose token could not be had fails as the exchange did", async () => {
    const failure = new AppError("consent_required");
    expect(await failureOf(() => Promise.reject(failure))).toBe(failure);
  });
});
