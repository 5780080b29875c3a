import { randomUUID } from "node:crypto";
import http from "node:http";
import { Readable } from "node:stream";
import {
  AuthenticationHandlerOptions,
  type Client,
  type GraphRequest,
  RedirectHandlerOptions,
  ResponseType,
} from "@microsoft/microsoft-graph-client";
import { GRAPH_ORIGIN } from "easy-auth-local";
import { listenOnLoopback, routeMicrosoftOrigins } from "easy-auth-local/parts";
import { describe, expect, onTestFinished, test } from "vitest";
import { createGraphClient, graphFailure } from "../../../src/downstream/graph/client.ts";
import { getPhoto } from "../../../src/downstream/graph/photo.ts";
import { getProfile } from "../../../src/downstream/graph/profile.ts";
import { AppError } from "../../../src/errors.ts";
import type { SignedInUser } from "../../../src/user.ts";
import { routeOrigin } from "../../support/route-origin.ts";
import { signedInUser } from "../../support/signed-in-user.ts";

async function graphAnswering(answer: http.RequestListener): Promise<void> {
  const server = await listenOnLoopback(http.createServer(answer), 0, [new URL(GRAPH_ORIGIN).host]);
  onTestFinished(() => server.close());
  onTestFinished(routeMicrosoftOrigins({ entra: "http://localhost:9", graph: server.url }));
}

function graphFor(changes?: Partial<SignedInUser>): Client {
  return createGraphClient(signedInUser(changes), GRAPH_ORIGIN);
}

async function failureOf(changes?: Partial<SignedInUser>): Promise<AppError> {
  return getProfile(graphFor(changes)).then(
    () => {
      throw new Error("The call succeeded.");
    },
    (error) => graphFailure(error) as AppError,
  );
}

async function photoFailureOf(changes?: Partial<SignedInUser>): Promise<AppError> {
  return getPhoto(graphFor(changes)).then(
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
    expect(await getProfile(graphFor({ correlationId }))).toEqual({ id: "1" });
    expect(seen[0]).toMatchObject({ authorization: "Bearer access-token", "client-request-id": correlationId });
  });

  test.each<[number, string, string]>([
    [400, "Request_BadRequest", "invalid_request"],
    [401, "InvalidAuthenticationToken", "downstream_failed"],
    [403, "Authorization_RequestDenied", "downstream_forbidden"],
    [404, "Request_ResourceNotFound", "not_found"],
    [429, "TooManyRequests", "throttled"],
    [500, "InternalServerError", "downstream_failed"],
    [502, "BadGateway", "downstream_failed"],
    [503, "serviceNotAvailable", "throttled"],
    [504, "GatewayTimeout", "downstream_timeout"],
  ])("that Graph answers with %i %s fails as %s", async (status, graphCode, expected) => {
    await graphAnswering(graphError(status, graphCode));
    const hint = `Graph: ${status}, ${graphCode}`;
    expect(await failureOf()).toMatchObject({ code: expected, hint, serviceRequestId: "graph-request-1" });
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
    [
      "with JSON that ends early",
      (_, response) =>
        response
          .writeHead(200, { "content-type": "application/json", "content-length": "99" })
          .write("{", () => response.destroy()),
    ],
    ["with a redirect", (_, response) => response.writeHead(302, { location: "http://localhost:9/" }).end()],
    ["by hanging up", (request) => request.socket.destroy()],
  ])("that is answered %s fails as downstream_failed", async (_, answer) => {
    await graphAnswering(answer);
    expect((await failureOf()).code).toBe("downstream_failed");
  });

  test("whose answer is longer than 8 MiB fails, even if it is valid", async () => {
    await graphAnswering((_, response) => {
      response.setHeader("content-type", "application/json").end(`{"id":"${"1".repeat(9 * 2 ** 20)}"}`);
    });
    expect(await failureOf()).toMatchObject({ code: "downstream_failed" });
  });

  test("whose token could not be acquired fails with the error of the exchange", async () => {
    const failure = new AppError("consent_required");
    expect(await failureOf({ accessToken: () => Promise.reject(failure) })).toBe(failure);
  });

  test("that Graph answers with 401 makes the token be forgotten", async () => {
    await graphAnswering(graphError(401, "InvalidAuthenticationToken"));
    let forgotten = 0;
    let asked = 0;
    await failureOf({
      accessToken: async () => {
        asked += 1;
        return `graph-token ${asked}`;
      },
      forgetAccessToken: () => {
        forgotten += 1;
      },
    });
    expect([asked, forgotten]).toEqual([2, 2]);
  });
});

describe("a user's token", () => {
  test.each(["https://evil.example/v1.0/me", "https://graph.microsoft.com.evil.example/v1.0/me"])(
    "never goes to %s",
    async (url) => {
      let asked = 0;
      await graphAnswering((_, response) => {
        asked += 1;
        response.end();
      });
      const calling = graphFor().api(url).get();
      expect(graphFailure(await calling.catch((error: unknown) => error))).toMatchObject({ code: "internal_error" });
      expect(asked).toBe(0);
    },
  );

  test("never goes to another thing than the endpoint meant, when a caller's id is ..", async () => {
    const calling = graphFor()
      .api(`/me/drive/items/${encodeURIComponent("..")}`)
      .delete();
    expect(graphFailure(await calling.catch((error: unknown) => error))).toMatchObject({ code: "invalid_request" });
  });

  test("goes along to the next page, whose address Graph gave", async () => {
    await graphAnswering((_, response) => response.setHeader("content-type", "application/json").end('{"value":[]}'));
    const page = await graphFor().api("https://graph.microsoft.com/v1.0/me/messages?$skip=10").get();
    expect(page).toEqual({ value: [] });
  });

  test.each<[string, (request: GraphRequest) => GraphRequest]>([
    ["a header", (request) => request.header("Authorization", "Bearer other").header("client-request-id", "other")],
    [
      "headers in capitals",
      (request) => request.headers({ AUTHORIZATION: "Bearer other", "Client-Request-Id": "other" }),
    ],
    ["options", (request) => request.options({ headers: { authorization: "Bearer other", Host: "evil.example" } })],
    ["a list of headers", (request) => request.options({ headers: [["Authorization", "Bearer other"]] })],
    ["Headers", (request) => request.options({ headers: new Headers({ authorization: "Bearer other" }) })],
    [
      "middleware options",
      (request) =>
        request.middlewareOptions([
          new AuthenticationHandlerOptions({ getAccessToken: async () => "other" }),
          new RedirectHandlerOptions(),
        ]),
    ],
  ])("is the only one that goes out when the handler sets another by %s", async (_, set) => {
    const seen: string[][] = [];
    await graphAnswering((request, response) => {
      seen.push(request.rawHeaders);
      response.setHeader("content-type", "application/json").end("{}");
    });
    const correlationId = randomUUID();
    await set(graphFor({ correlationId }).api("/me")).get();
    const [sent = []] = seen;
    const valuesOf = (name: string) => sent.filter((_, index) => sent[index - 1]?.toLowerCase() === name);
    expect([valuesOf("authorization"), valuesOf("client-request-id"), valuesOf("host")]).toEqual([
      ["Bearer access-token"],
      [correlationId],
      [new URL(GRAPH_ORIGIN).host],
    ]);
  });

  test("is not sent with an invalid header, which is a bug of this app", async () => {
    const calling = graphFor().api("/me").header("x-name", "Jürgen 日本").get();
    expect(graphFailure(await calling.catch((error: unknown) => error))).toMatchObject({ code: "internal_error" });
  });

  test("that Graph refuses is not replaced for a streamed body, which cannot be sent again", async () => {
    let asked = 0;
    await graphAnswering((request, response) => {
      asked += 1;
      request.resume();
      graphError(401, "InvalidAuthenticationToken")(request, response);
    });
    const calling = graphFor()
      .api("/me/photo/$value")
      .putStream(Readable.from(["x"]));
    expect(graphFailure(await calling.catch((error: unknown) => error))).toMatchObject({ code: "downstream_failed" });
    expect(asked).toBe(1);
  });
});

describe("a call that Graph could not serve at first", () => {
  /**
   * Starts a Graph that answers the given statuses in turn, then 200; the bodies are large enough to occupy a
   * connection until read.
   */
  async function graphStumbling(statuses: readonly number[], headers: http.OutgoingHttpHeaders = {}) {
    const seen = { requests: 0, connections: new Set<unknown>() };
    await graphAnswering((request, response) => {
      seen.connections.add(request.socket);
      const status = statuses[seen.requests];
      seen.requests += 1;
      response.setHeader("content-type", "application/json");
      if (status === undefined) response.end('{"id":"1"}');
      else if (status === 0) request.socket.destroy();
      else
        response
          .writeHead(status, headers)
          .end(JSON.stringify({ error: { code: "busy", message: "x".repeat(50_000) } }));
    });
    return seen;
  }

  test.each([429, 503, 504, 0])("with %i is made again, and succeeds", async (status) => {
    const seen = await graphStumbling([status]);
    expect(await getProfile(graphFor())).toEqual({ id: "1" });
    expect(seen.requests).toBe(2);
  });

  test("is made at most three times", async () => {
    const seen = await graphStumbling([503, 503, 503, 503]);
    expect((await failureOf()).code).toBe("throttled");
    expect(seen.requests).toBe(3);
  });

  test.each([400, 403, 404, 500, 502])("with %i is not made again", async (status) => {
    const seen = await graphStumbling([status]);
    await failureOf();
    expect(seen.requests).toBe(1);
  });

  test("is not made again when it changes something", async () => {
    const seen = await graphStumbling([503]);
    await expect(graphFor().api("/me").patch({ city: "Rome" })).rejects.toThrow();
    expect(seen.requests).toBe(1);
  });

  test("reuses the connection, since the first answer's body is read to its end", async () => {
    const seen = await graphStumbling([429], { "retry-after": "0" });
    await getProfile(graphFor());
    expect(seen.connections.size).toBe(1);
  });

  test("is final when Retry-After is longer than the request's time", async () => {
    const seen = await graphStumbling([429], { "retry-after": "6" });
    const failure = await failureOf();
    expect([failure.code, failure.retryAfterSeconds, seen.requests]).toEqual(["throttled", 6, 1]);
  });

  test("stops waiting when the request's time is up", async () => {
    await graphStumbling([429], { "retry-after": "4" });
    const controller = new AbortController();
    const failing = failureOf({ deadline: { signal: controller.signal, timeLeft: () => 5000 } });
    setImmediate(() => controller.abort());
    expect((await failing).code).toBe("downstream_timeout");
  });
});

describe("a call that hangs", () => {
  test.each<[string, http.RequestListener]>([
    ["before the answer", () => {}],
    [
      "in the middle of the answer",
      (_, response) => void response.writeHead(200, { "content-type": "application/json" }).write('{"id":'),
    ],
  ])("%s ends when the request's time is up", async (_, answer) => {
    const controller = new AbortController();
    await graphAnswering((request, response) => {
      answer(request, response);
      setImmediate(() => controller.abort());
    });
    const failure = await failureOf({ deadline: { signal: controller.signal, timeLeft: () => 5000 } });
    expect(failure.code).toBe("downstream_timeout");
  });
});

describe("a refusal by Graph, whatever its body is,", () => {
  const waits = { "retry-after": "7" };
  const answering = (body: string, type: string, status = 503): http.RequestListener => {
    return (_, response) => void response.writeHead(status, { "content-type": type, ...waits }).end(body);
  };

  test.each<[string, string, string]>([
    ['{"error":{"code":"accessDenied","innerError":null}}', "application/json", ", accessDenied"],
    ['{"error":{"code":"accessDenied","innererror":{"request-id":"1"}}}', "application/json", ", accessDenied"],
    ['{"error":{"code":"accessDenied"}}', "text/plain", ", accessDenied"],
    ['{"error":{"code":"accessDenied"}}', "image/png", ", accessDenied"],
    ['{"error":"invalid_request"}', "application/json", ", invalid_request"],
    ['{"error":null}', "application/json", ""],
    ["null", "application/json", ""],
    ["<html>", "text/html", ""],
    ["", "", ""],
  ])("keeps its status, code and Retry-After: %s as %s", async (body, type, code) => {
    await graphAnswering(answering(body, type));
    const user = { deadline: { signal: new AbortController().signal, timeLeft: () => 1 } };
    for (const failure of [await failureOf(user), await photoFailureOf(user)]) {
      expect(failure).toMatchObject({ code: "throttled", retryAfterSeconds: 7, hint: `Graph: 503${code}` });
    }
  });

  test("is a failure even with a status of success", async () => {
    await graphAnswering(
      answering('{"error":{"code":"accessDenied","message":"about someone"}}', "application/json", 200),
    );
    expect(await failureOf()).toMatchObject({ code: "downstream_failed", hint: "Graph: 200, accessDenied" });
  });

  test("counts as data if it has more than an error", async () => {
    await graphAnswering(answering('{"error":{"code":"x"},"id":"1"}', "application/json", 200));
    expect(await getProfile(graphFor())).toEqual({ error: { code: "x" }, id: "1" });
  });

  test.each(["ErrorInvalidUser", "MailboxNotEnabledForRESTAPI", "ErrorNonExistentMailbox"])(
    "is not_found for a user without a mailbox: 400 %s",
    async (code) => {
      await graphAnswering(graphError(400, code));
      expect(await photoFailureOf()).toMatchObject({ code: "not_found" });
    },
  );

  test("gives Graph's code for an invalid value, and none of its words", async () => {
    await graphAnswering(graphError(400, "Request_BadRequest"));
    const { code, detail } = await failureOf();
    expect([code, detail]).toEqual(["invalid_request", expect.stringContaining("(Request_BadRequest)")]);
    expect(detail).not.toContain("about someone");
  });
});

describe("a file of Graph", () => {
  const CONTENT_ORIGIN = "https://contoso-my.sharepoint.com";

  async function contentAnswering(answer: http.RequestListener): Promise<http.IncomingMessage[]> {
    const seen: http.IncomingMessage[] = [];
    const listener: http.RequestListener = (request, response) => {
      seen.push(request);
      answer(request, response);
    };
    const server = await listenOnLoopback(http.createServer(listener), 0, [new URL(CONTENT_ORIGIN).host]);
    onTestFinished(() => server.close());
    onTestFinished(routeOrigin(CONTENT_ORIGIN, server.url));
    return seen;
  }

  const contentOf = (graph: Client): Promise<ArrayBuffer> =>
    graph.api("/me/drive/items/1/content").header("range", "bytes=0-1").responseType(ResponseType.ARRAYBUFFER).get();

  test("is read at the other host that Graph names, without the token", async () => {
    await graphAnswering((_, response) => void response.writeHead(302, { location: `${CONTENT_ORIGIN}/x?t=1` }).end());
    const seen = await contentAnswering((_, response) => void response.end("content"));
    const { signal } = new AbortController();
    const user = { deadline: { signal, timeLeft: () => 5000 } };
    expect(Buffer.from(await contentOf(graphFor(user))).toString()).toBe("content");
    const { authorization, "client-request-id": id, range } = seen[0]?.headers ?? {};
    expect([authorization, id, range]).toEqual([undefined, undefined, "bytes=0-1"]);
  });

  test("is not read over http; a refusal by that host says nothing about the token", async () => {
    let location = "http://evil.example/";
    await graphAnswering((_, response) => void response.writeHead(302, { location }).end());
    const asked: unknown[] = [];
    const accessToken = async () => String(asked.push(1));
    const fails = () => contentOf(graphFor({ accessToken })).catch((error: unknown) => graphFailure(error) as AppError);
    expect(await fails()).toMatchObject({ code: "downstream_failed", hint: "Graph: 302" });
    location = `${CONTENT_ORIGIN}/x`;
    await contentAnswering((_, response) => void response.writeHead(401).end());
    expect(await fails()).toMatchObject({ code: "downstream_failed", hint: "Graph: 401" });
    expect(asked).toHaveLength(2);
  });
});

describe("a call that Graph answers with a claims challenge", () => {
  const CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}';
  const challenge = `Bearer realm="", error="insufficient_claims", claims="${Buffer.from(CLAIMS).toString("base64")}"`;

  /** Starts a Graph that accepts only the given token; the user's tokens are `old` at first, then `new <claims>`. */
  async function graphTaking(taken: string, wwwAuthenticate = challenge) {
    const calls: string[] = [];
    await graphAnswering((request, response) => {
      const token = request.headers.authorization?.replace("Bearer ", "") ?? "";
      calls.push(token);
      if (token === taken) response.setHeader("content-type", "application/json").end('{"id":"1"}');
      else graphError(401, "InvalidAuthenticationToken", { "www-authenticate": wwwAuthenticate })(request, response);
    });
    let forgotten = 0;
    const user = signedInUser({
      accessToken: async (_, claims) => (forgotten === 0 ? "old" : `new ${claims}`),
      forgetAccessToken: () => {
        forgotten += 1;
      },
    });
    return { calls, user };
  }

  test("is made once more with a token that satisfies it", async () => {
    const { calls, user } = await graphTaking(`new ${CLAIMS}`);
    expect(await getProfile(createGraphClient(user, GRAPH_ORIGIN))).toEqual({ id: "1" });
    expect(calls).toEqual(["old", `new ${CLAIMS}`]);
  });

  test("challenges the caller when the new token does not satisfy it either", async () => {
    const { calls, user } = await graphTaking("none");
    const failure = await failureOf(user);
    expect([failure.code, failure.claims, failure.authorizationUri]).toEqual([
      "claims_challenge",
      CLAIMS,
      user.links.authorizationUri,
    ]);
    expect(calls).toHaveLength(2);
  });

  test("is made once more with a plainly new token when no claims are asked for", async () => {
    const { calls, user } = await graphTaking("new undefined", 'Bearer realm=""');
    expect(await getProfile(createGraphClient(user, GRAPH_ORIGIN))).toEqual({ id: "1" });
    expect(calls).toEqual(["old", "new undefined"]);
  });

  test("fails as Entra says when the exchange with the claims is refused", async () => {
    await graphAnswering(graphError(401, "InvalidAuthenticationToken", { "www-authenticate": challenge }));
    const refusal = new AppError("claims_challenge", { claims: '{"access_token":{"acrs":{}}}' });
    const accessToken = async (_: string, claims?: string) => {
      if (claims !== undefined) throw refusal;
      return "old";
    };
    expect(await failureOf({ accessToken })).toBe(refusal);
  });

  test("challenges the caller at once when its body cannot be sent again", async () => {
    const { calls, user } = await graphTaking("none");
    const call = createGraphClient(user, GRAPH_ORIGIN)
      .api("/me/photo/$value")
      .putStream(Readable.from(["x"]));
    const failure = await call.then(
      () => undefined,
      (error: unknown) => graphFailure(error),
    );
    expect(failure).toMatchObject({ code: "claims_challenge", claims: CLAIMS });
    expect(calls).toHaveLength(1);
  });

  test("is made again even if it changes something, since Graph did nothing yet", async () => {
    const { calls, user } = await graphTaking(`new ${CLAIMS}`);
    await createGraphClient(user, GRAPH_ORIGIN).api("/me").patch({ city: "Rome" });
    expect(calls).toHaveLength(2);
  });
});
