import http from "node:http";
import { Readable } from "node:stream";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { listenOnLoopback } from "easy-auth-local/parts";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Api, type FetchOptions, fetchAs, relayed } from "../../src/downstream/fetch-as.ts";
import type { SignedInUser } from "../../src/user.ts";
import { routeOrigin } from "../support/route-origin.ts";
import { signedInUser } from "../support/signed-in-user.ts";

const ORDERS: Api = { origin: "https://orders.contoso.example", scope: "api://orders/Orders.Read" };
const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const CHALLENGE = {
  "www-authenticate": `Bearer error="insufficient_claims", claims="${Buffer.from(CLAIMS).toString("base64")}"`,
};

interface RecordedUser extends SignedInUser {
  /** Arguments of each request for a token. */
  readonly asked: (string | undefined)[][];
}

function recordedUser(signal = new AbortController().signal): RecordedUser {
  const asked: (string | undefined)[][] = [];
  let forgotten = 0;
  const user = signedInUser({
    deadline: { signal, timeLeft: () => 1000 },
    accessToken: async (...args) => {
      asked.push(args);
      return `token-${forgotten + 1}`;
    },
    forgetAccessToken: () => {
      forgotten += 1;
    },
  });
  return { ...user, asked };
}

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

async function ordersAnswering(...answers: http.RequestListener[]): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    seen.push({
      method: request.method,
      url: request.url,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: Buffer.concat(chunks).toString(),
    });
    (answers[seen.length - 1] ?? answers.at(-1))?.(request, response);
  });
  const listening = await listenOnLoopback(server, 0, [new URL(ORDERS.origin).host]);
  onTestFinished(() => {
    server.closeAllConnections();
    return listening.close();
  });
  onTestFinished(routeOrigin(ORDERS.origin, listening.url));
  return seen;
}

const answer =
  (status: number, headers: http.OutgoingHttpHeaders = {}, body?: string): http.RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(body);

function fetching(path = "/orders", options?: FetchOptions, user = recordedUser()): Promise<Response> {
  return fetchAs(user, ORDERS, path, options);
}

describe("a fetch as the user", () => {
  test("carries their token for the API, and the correlation id", async () => {
    const seen = await ordersAnswering(answer(200, { "content-type": "application/json", "x-total": "1" }, '{"id":1}'));
    const user = recordedUser();
    const response = await fetchAs(user, ORDERS, "/orders?top=5", { headers: { accept: "application/json" } });
    expect([response.status, response.headers.get("x-total"), await response.json()]).toEqual([200, "1", { id: 1 }]);
    expect(seen[0]).toMatchObject({
      method: "GET",
      url: "/orders?top=5",
      headers: { authorization: "Bearer token-1", accept: "application/json", "client-request-id": user.correlationId },
    });
    expect(user.asked).toEqual([["api://orders", undefined]]);
  });

  test("sends a body", async () => {
    const seen = await ordersAnswering(answer(204));
    const response = await fetching("/orders", { method: "POST", body: '{"id":2}' });
    expect([response.status, await response.text()]).toEqual([204, ""]);
    expect(seen[0]).toMatchObject({ method: "POST", body: '{"id":2}', headers: { authorization: "Bearer token-1" } });
  });

  test.each<[string, FetchOptions["headers"]]>([
    ["an object", { Authorization: "Bearer other", "CLIENT-REQUEST-ID": "other", Host: "evil.example" }],
    [
      "a list",
      [
        ["AUTHORIZATION", "Bearer other"],
        ["authorization", "Bearer third"],
        ["client-request-id", "other"],
      ],
    ],
    ["Headers", new Headers({ authorization: "Bearer other", "client-request-id": "other", host: "evil.example" })],
  ])("sends no token, correlation id or host but its own, whatever %s gives", async (_, headers) => {
    const seen = await ordersAnswering(answer(204));
    const user = recordedUser();
    await fetching("/orders", headers === undefined ? {} : { headers }, user);
    const { rawHeaders = [] } = seen[0] ?? {};
    const valuesOf = (name: string) => rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === name);
    expect([valuesOf("authorization"), valuesOf("client-request-id"), valuesOf("host")]).toEqual([
      ["Bearer token-1"],
      [user.correlationId],
      [expect.not.stringContaining("evil")],
    ]);
  });

  test("is sent again when the API could not serve it at first, unless it changes something", async () => {
    const seen = await ordersAnswering(answer(503), answer(200), answer(503));
    expect((await fetching()).status).toBe(200);
    await expect(fetching("/orders", { method: "POST", body: "x" })).rejects.toMatchObject({ code: "throttled" });
    expect(seen.map(({ method }) => method)).toEqual(["GET", "GET", "POST"]);
  });

  test.each([
    "https://orders.contoso.example.evil.example/",
    "//evil.example/x",
    "http://orders.contoso.example/x",
    "https://orders.contoso.example:8443/",
    "http://[",
  ])("to %s gets no token: it leads away from the API", async (path) => {
    const user = recordedUser();
    await expect(fetching(path, {}, user)).rejects.toMatchObject({ code: "internal_error" });
    expect(user.asked).toEqual([]);
  });

  test.each([
    "/orders/..",
    "/orders/../admin",
    "/orders/.",
    "/orders/%2E./x?a=b",
    "/orders/..\\x",
    `${ORDERS.origin}/a/..#b`,
  ])("to %s is refused: such an id of a caller would lead to another resource", async (path) => {
    const user = recordedUser();
    await expect(fetching(path, { method: "DELETE" }, user)).rejects.toMatchObject({ code: "invalid_request" });
    expect(user.asked).toEqual([]);
  });

  test.each(["/orders/...", "/orders/a.b", "/orders/..;", "/orders?path=/../x", "/.well-known/x", "/orders#/../"])(
    "to %s goes through, for no segment of its path is . or ..",
    async (path) => {
      const seen = await ordersAnswering(answer(200));
      await fetching(path);
      expect(seen[0]?.url).toBe(path.replace(/#.*/, ""));
    },
  );

  test("to the address of a next page, which the API gave, goes through", async () => {
    const seen = await ordersAnswering(answer(200));
    await fetching("https://orders.contoso.example/orders?page=2");
    expect(seen[0]?.url).toBe("/orders?page=2");
  });

  test("over http gets no token, even if the API's origin has that scheme", async () => {
    await expect(fetchAs(recordedUser(), { ...ORDERS, origin: "http://localhost:9" }, "/")).rejects.toMatchObject({
      code: "internal_error",
    });
  });

  test.each([401, 403])("that is challenged with %i is made once more, with the claims", async (status) => {
    const seen = await ordersAnswering(answer(status, CHALLENGE), answer(200));
    const user = recordedUser();
    expect((await fetching("/orders", { method: "POST", body: "x" }, user)).status).toBe(200);
    expect(seen.map(({ headers, body }) => [headers.authorization, body])).toEqual([
      ["Bearer token-1", "x"],
      ["Bearer token-2", "x"],
    ]);
    expect(user.asked[1]).toEqual(["api://orders", CLAIMS]);
  });

  test.each([401, 403])("that the API challenges again (%i) asks the caller for the claims", async (status) => {
    const seen = await ordersAnswering(answer(status, CHALLENGE));
    const user = recordedUser();
    await expect(fetching("/orders", {}, user)).rejects.toMatchObject({
      code: "claims_challenge",
      claims: CLAIMS,
      authorizationUri: user.links.authorizationUri,
    });
    expect(seen).toHaveLength(2);
  });

  test("whose token the API refuses without saying why is made once more with a new one", async () => {
    const seen = await ordersAnswering(answer(401));
    await expect(fetching()).rejects.toMatchObject({ code: "downstream_failed" });
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(["Bearer token-1", "Bearer token-2"]);
  });

  test("whose challenge is no claims request is made once more without claims", async () => {
    const claims = Buffer.from('{"access_token":null}').toString("base64");
    await ordersAnswering(
      answer(401, { "www-authenticate": `Bearer error="insufficient_claims", claims="${claims}"` }),
    );
    const user = recordedUser();
    await expect(fetching("/orders", {}, user)).rejects.toMatchObject({ code: "downstream_failed" });
    expect(user.asked[1]).toEqual(["api://orders", undefined]);
  });

  test.each<[number, string]>([
    [302, "downstream_failed"],
    [400, "invalid_request"],
    [403, "downstream_forbidden"],
    [404, "not_found"],
    [409, "conflict"],
    [410, "not_found"],
    [412, "precondition_failed"],
    [422, "invalid_request"],
    [428, "precondition_failed"],
    [429, "throttled"],
    [500, "downstream_failed"],
    [503, "throttled"],
    [504, "downstream_timeout"],
  ])("that is answered %i fails as %s, once, without the API's words", async (status, code) => {
    const seen = await ordersAnswering(
      answer(status, { location: "https://evil.example/", "retry-after": "9" }, "about someone"),
    );
    await expect(fetching()).rejects.toMatchObject({ code, hint: `https://orders.contoso.example: ${status}` });
    expect(seen).toHaveLength(1);
  });

  test.each<[string, string]>([
    ['{"error":{"code":"accessDenied","innerError":null}}', "accessDenied"],
    ['{"error":"invalid_request","error_description":"about someone"}', "invalid_request"],
    ['{"type":"about:blank","code":"OutOfStock"}', "OutOfStock"],
    ['{"error":{"code":"about someone"}}', ""],
    ["<html>", ""],
  ])("tells the operator the code in %s", async (body, code) => {
    await ordersAnswering(answer(403, {}, body));
    const hint = ["https://orders.contoso.example: 403", code].filter(Boolean).join(", ");
    await expect(fetching()).rejects.toMatchObject({ code: "downstream_forbidden", hint });
  });

  test("returns whole answers with the statuses in alsoReturn", async () => {
    const body = '{"type":"about:blank","title":"Out of stock"}';
    await ordersAnswering(
      answer(
        409,
        { "content-type": "application/problem+json", etag: '"1"', "set-cookie": "a=b", location: "/x" },
        body,
      ),
    );
    const response = await fetching("/orders", { method: "POST", body: "x", alsoReturn: [409, 422] });
    expect([response.status, await response.clone().text()]).toEqual([409, body]);
    const { body: bytes, ...relayedAnswer } = await relayed(response);
    expect(relayedAnswer).toEqual({
      status: 409,
      headers: { "content-type": "application/problem+json", etag: '"1"' },
    });
    expect(Buffer.from(bytes as ArrayBuffer).toString()).toBe(body);
  });

  test("says that the API's own app lacks consent", async () => {
    await ordersAnswering(answer(403, { "www-authenticate": 'Bearer consentUri="https://evil.example/", claims=""' }));
    await expect(fetching()).rejects.toMatchObject({ code: "consent_required", resource: "api://orders" });
  });

  test("says so when the new token is refused as well", async () => {
    const withoutConsent = answer(403, { "www-authenticate": 'Bearer consentUri="https://evil.example/", claims=""' });
    await ordersAnswering(answer(401), withoutConsent);
    await expect(fetching()).rejects.toMatchObject({ code: "consent_required", resource: "api://orders" });
  });

  test.each([301, 302, 303, 307, 308])("follows a redirect within the API (%i), with the token", async (status) => {
    const seen = await ordersAnswering(answer(status, { location: "/orders/?a=1" }), answer(200, {}, "there"));
    const response = await fetching("/orders", { headers: { "x-own": "1" } });
    expect(await response.text()).toBe("there");
    expect(seen[1]).toMatchObject({ url: "/orders/?a=1", headers: { authorization: "Bearer token-1", "x-own": "1" } });
  });

  test("follows three redirects and no more, and none of a call that changes something", async () => {
    const seen = await ordersAnswering(answer(302, { location: "/orders" }));
    await expect(fetching()).rejects.toMatchObject({ code: "downstream_failed" });
    expect(seen).toHaveLength(4);
    await expect(fetching("/orders", { method: "POST", body: "x" })).rejects.toMatchObject({
      code: "downstream_failed",
    });
    expect(seen).toHaveLength(5);
  });

  test("is made again when the answer breaks off, once, unless it changes something", async () => {
    const breaking: http.RequestListener = (_, response) =>
      void response.writeHead(200, { "content-length": 99 }).write("{", () => response.destroy());
    const seen = await ordersAnswering(breaking, answer(200, {}, "whole"), breaking);
    expect(await (await fetching()).text()).toBe("whole");
    await expect(fetching("/orders", { method: "POST", body: "x" })).rejects.toMatchObject({
      code: "downstream_failed",
    });
    await expect(fetching()).rejects.toMatchObject({ code: "downstream_failed" });
    expect(seen.map(({ method }) => method)).toEqual(["GET", "GET", "POST", "GET", "GET"]);
  });

  test.each<[string, (text: string) => Buffer]>([
    ["gzip", (text) => gzipSync(text)],
    ["GZIP", (text) => gzipSync(text)],
    ["deflate", (text) => deflateSync(text)],
    ["br", (text) => brotliCompressSync(text)],
  ])("is decoded when it comes as %s", async (coding, encode) => {
    const text = "about orders ".repeat(1000);
    await ordersAnswering(
      (_, response) => void response.writeHead(200, { "content-encoding": coding }).end(encode(text)),
    );
    const response = await fetching("/orders", { headers: { "accept-encoding": "gzip" } });
    expect([await response.text(), response.headers.get("content-encoding")]).toEqual([text, null]);
  });

  test.each<[string, Buffer, string]>([
    ["of more than 8 MiB when decoded", gzipSync(Buffer.alloc(64 * 1_048_576)), "gzip"],
    ["that is no gzip", Buffer.from("about orders"), "gzip"],
    ["in a coding nobody knows", Buffer.from("x"), "compress"],
    ["in two codings", gzipSync("x"), "gzip, br"],
  ])("%s fails as downstream_failed", async (_, bytes, coding) => {
    await ordersAnswering(
      (_request, response) => void response.writeHead(200, { "content-encoding": coding }).end(bytes),
    );
    await expect(fetching()).rejects.toMatchObject({ code: "downstream_failed" });
  });

  test("has no body to decode for HEAD and 304", async () => {
    await ordersAnswering(answer(200, { "content-encoding": "gzip" }), answer(304, { "content-encoding": "gzip" }));
    expect((await fetching("/orders", { method: "HEAD" })).status).toBe(200);
    expect((await fetching()).status).toBe(304);
  });

  const form = new FormData();
  form.set("name", new Blob(["about"]), "a.txt");
  test.each<[string, () => FetchOptions["body"], RegExp, RegExp | undefined]>([
    ["a form", () => form, /name="name"; filename="a.txt".*about/s, /^multipart\/form-data; boundary=/],
    ["parameters", () => new URLSearchParams({ a: "1" }), /^a=1$/, /^application\/x-www-form-urlencoded/],
    ["a blob", () => new Blob(["x"], { type: "image/png" }), /^x$/, /^image\/png$/],
    ["bytes", () => new TextEncoder().encode("x").buffer as ArrayBuffer, /^x$/, undefined],
    ["a view of bytes", () => new DataView(new TextEncoder().encode("axb").buffer, 1, 1), /^x$/, undefined],
    ["a web stream", () => new Blob(["x"]).stream(), /^x$/, undefined],
    ["a Node stream", () => Readable.from(["x"]), /^x$/, undefined],
  ])("sends %s", async (_, make, expected, contentType) => {
    const seen = await ordersAnswering(answer(204));
    await fetching("/orders", { method: "POST", body: make() });
    expect(seen[0]?.body).toMatch(expected);
    if (contentType) expect(seen[0]?.headers["content-type"]).toMatch(contentType);
    else expect(seen[0]?.headers["content-type"]).toBeUndefined();
  });

  test.each([[{ id: 1 }], [[1]], [3], [new Map()]])(
    "sends nothing when its body is %j, and says what to do",
    async (body) => {
      const seen = await ordersAnswering(answer(204));
      await expect(fetching("/orders", { method: "POST", body: body as never })).rejects.toMatchObject({
        code: "internal_error",
        hint: expect.stringContaining("JSON.stringify"),
      });
      expect(seen).toEqual([]);
    },
  );

  test("returns 304 when the request was conditional", async () => {
    await ordersAnswering(answer(304, { etag: '"1"' }));
    const response = await fetching("/orders", { headers: { "if-none-match": '"1"' } });
    expect([response.status, response.headers.get("etag")]).toEqual([304, '"1"']);
  });

  test.each<[string, http.RequestListener]>([
    ["hangs up", (request) => request.socket.destroy()],
    [
      "breaks off",
      (_, response) => response.writeHead(200, { "content-length": 99 }).write("{", () => response.destroy()),
    ],
    ["sends more than 8 MiB", (_, response) => response.end(Buffer.alloc(9 * 1_048_576))],
  ])("of an API that %s fails as downstream_failed", async (_, listener) => {
    await ordersAnswering(listener);
    await expect(fetching()).rejects.toMatchObject({ code: "downstream_failed" });
  });

  test("ends when the request's time is up", async () => {
    const controller = new AbortController();
    await ordersAnswering(() => controller.abort());
    await expect(fetching("/orders", {}, recordedUser(controller.signal))).rejects.toMatchObject({
      code: "downstream_timeout",
    });
  });
});
