import { readFile } from "node:fs/promises";
import { text as readText } from "node:stream/consumers";
import type { ReadableStream } from "node:stream/web";
import { HttpRequest, HttpResponse, type HttpResponseInit, InvocationContext } from "@azure/functions";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AppError, type ErrorCode } from "../../src/errors.ts";
import { type EndpointHandler, endpoint } from "../../src/http/endpoint.ts";

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
  readonly logs: readonly string[];
}

async function respondWith(answer: HttpResponseInit): Promise<{ response: HttpResponse }> {
  const context = new InvocationContext({ functionName: "test", logHandler: () => {} });
  const request = new HttpRequest({ method: "GET", url: "http://localhost/api/test" });
  return { response: (await endpoint(async () => answer)(request, context)) as HttpResponse };
}

async function answerOf(handler: EndpointHandler): Promise<Answer> {
  const logs: string[] = [];
  const context = new InvocationContext({
    functionName: "test",
    invocationId: "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    logHandler: (level, ...parts) => logs.push(`${level} ${parts.join(" ")}`),
  });
  const request = new HttpRequest({ method: "GET", url: "http://localhost/api/test" });
  const answer = (await endpoint(handler)(request, context)) as HttpResponse;
  const text = await answer.text();
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: JSON.parse(text || "{}"), logs };
}

function failing(error: unknown): EndpointHandler {
  return async () => {
    throw error;
  };
}

function failureWith(code: ErrorCode): AppError {
  return code === "claims_challenge" ? new AppError(code, { claims: "{}" }) : new AppError(code);
}

const ANSWERS: Record<ErrorCode, [number, RegExp | undefined]> = {
  invalid_request: [400, undefined],
  not_signed_in: [401, /^Bearer realm=""$/],
  token_expired: [401, /^Bearer realm="", error="invalid_token"$/],
  token_rejected: [401, /^Bearer realm="", error="invalid_token"$/],
  tenant_not_allowed: [403, undefined],
  claims_challenge: [401, /^Bearer realm="", error="insufficient_claims", claims="e30="$/],
  insufficient_scope: [403, /^Bearer realm="", error="insufficient_scope", scope="user_impersonation"$/],
  consent_required: [403, undefined],
  blocked_by_policy: [403, undefined],
  user_not_assigned: [403, undefined],
  downstream_forbidden: [403, undefined],
  not_found: [404, undefined],
  conflict: [409, undefined],
  precondition_failed: [412, undefined],
  range_not_satisfiable: [416, undefined],
  downstream_failed: [502, undefined],
  downstream_timeout: [504, undefined],
  throttled: [503, undefined],
  overloaded: [503, undefined],
  identity_unavailable: [503, undefined],
  misconfigured: [500, undefined],
  internal_error: [500, undefined],
};

describe("a failure", () => {
  test.each(Object.entries(ANSWERS))(
    "%s is answered as problem+json with its status",
    async (code, [status, challenge]) => {
      const { body, headers, ...answer } = await answerOf(failing(failureWith(code as ErrorCode)));
      expect(answer.status).toBe(status);
      expect(headers["content-type"]).toBe("application/problem+json");
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["x-correlation-id"]).toBe(body.correlationId);
      const more = [...(status === 503 ? ["retryAfter"] : []), ...(code === "claims_challenge" ? ["claims"] : [])];
      expect(Object.keys(body)).toEqual(["type", "title", "status", "detail", "code", "correlationId", ...more]);
      expect(body).toMatchObject({ status, code });
      if (challenge) expect(headers["www-authenticate"]).toMatch(challenge);
      else expect(headers).not.toHaveProperty("www-authenticate");
      expect("retry-after" in headers).toBe(status === 503);
    },
  );

  test("has an entry with its status in docs/errors.md, which has no others", async () => {
    const page = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
    const entries = [...page.matchAll(/^## (\w+)\n\nStatus (\d+)/gm)].map(([, code, status]) => [code, Number(status)]);
    expect(Object.fromEntries(entries)).toEqual(
      Object.fromEntries(Object.entries(ANSWERS).map(([code, [status]]) => [code, status])),
    );
  });

  test("is logged once, with what its operator needs", async () => {
    const { logs, body } = await answerOf(
      failing(new AppError("misconfigured", { hint: "Entra: 401, invalid_client" })),
    );
    expect(logs).toHaveLength(1);
    const [level, ...entry] = logs[0]?.split(" ") ?? [];
    expect(level).toBe("error");
    expect(JSON.parse(entry.join(" "))).toMatchObject({
      code: "misconfigured",
      status: 500,
      correlationId: body.correlationId,
      hint: "Entra: 401, invalid_client",
    });
  });

  test("passes on how long to wait, in whole seconds", async () => {
    const { headers } = await answerOf(failing(new AppError("throttled", { retryAfterSeconds: 12.2 })));
    expect(headers["retry-after"]).toBe("13");
  });

  test("carries the claims that another sign-in has to satisfy", async () => {
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
    const { headers } = await answerOf(failing(new AppError("claims_challenge", { claims })));
    const encoded = /claims="([^"]+)"$/.exec(headers["www-authenticate"] ?? "")?.[1] ?? "";
    expect(Buffer.from(encoded, "base64").toString()).toBe(claims);
  });

  test("has the claims and the seconds to wait in its body, for scripts that cannot read headers", async () => {
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
    const challenge = await answerOf(failing(new AppError("claims_challenge", { claims })));
    expect(challenge.body.claims).toBe(claims);
    const wait = await answerOf(failing(new AppError("throttled", { retryAfterSeconds: 6.2 })));
    expect([wait.body.retryAfter, wait.headers["retry-after"]]).toEqual([7, "7"]);
  });

  test("names its function in the log", async () => {
    const { logs } = await answerOf(failing(new AppError("not_found")));
    expect(JSON.parse(logs[0]?.replace(/^\w+ /, "") ?? "")).toMatchObject({ function: "test", code: "not_found" });
  });

  test("that is a bug shows nothing of its message in the answer or in the log's text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 12 }), async (message) => {
        const { status, body, logs } = await answerOf(failing(new Error(message)));
        expect(status).toBe(500);
        expect(body.code).toBe("internal_error");
        expect(JSON.stringify(body)).not.toContain(JSON.stringify(message).slice(1, -1));
        expect(logs.join()).not.toContain(JSON.stringify(message).slice(1, -1));
      }),
    );
  });

  test("that is a bug is logged with the place where it happened", async () => {
    const { logs } = await answerOf(failing(new TypeError("x is undefined")));
    expect(logs[0]).toContain("TypeError");
    expect(logs[0]).toContain("endpoint.test.ts");
  });

  test.each<[string, object]>([
    ["a code that JSON cannot write", { code: 10n }],
    ["a code that is an object", { code: { token: "eyJsecret" } }],
    ["an errorCode of more than one word", { errorCode: "for eyJsecret" }],
    ["a stack that is no text", { stack: 5 }],
    ["lines in its message that look like stack frames", { message: "x\n    at token eyJsecret (file.ts:1:2)" }],
    ["a stack of another message", { stack: "Error: y\n    at token eyJsecret (file.ts:1:2)" }],
    ["a name of more than one word", { name: "eyJsecret of someone" }],
  ])("with %s is answered and logged without that part", async (_, properties) => {
    const thrown =
      "message" in properties ? new Error(String(properties.message)) : Object.assign(new Error("x"), properties);
    const { status, logs } = await answerOf(failing(thrown));
    expect([status, logs.length]).toEqual([500, 1]);
    expect(logs[0]).not.toContain("eyJsecret");
  });

  test("shows its own detail when it has one, and at most five frames", async () => {
    const { body } = await answerOf(failing(new AppError("invalid_request", { detail: "select takes names" })));
    expect(body).toMatchObject({ type: "http://localhost/api/errors#invalid_request", detail: "select takes names" });
    const deep = (depth: number): Error => (depth === 0 ? new Error("x") : deep(depth - 1));
    const { logs } = await answerOf(failing(deep(8)));
    expect(JSON.parse(logs[0]?.replace(/^\w+ /, "") ?? "").cause.at).toHaveLength(5);
  });

  test("is logged as a warning if the caller caused it, as an error if the app did", async () => {
    const levelOf = async (code: ErrorCode) => (await answerOf(failing(failureWith(code)))).logs[0]?.split(" ")[0];
    expect([await levelOf("not_signed_in"), await levelOf("downstream_failed")]).toEqual(["warning", "error"]);
  });

  test("for want of consent says where an administrator grants it, and nothing else does", async () => {
    const adminConsentUrl = "https://login.microsoftonline.com/t/adminconsent?client_id=c";
    const { body } = await answerOf(failing(new AppError("consent_required", { adminConsentUrl })));
    expect(body.adminConsentUrl).toBe(adminConsentUrl);
    expect((await answerOf(failing(new AppError("blocked_by_policy")))).body).not.toHaveProperty("adminConsentUrl");
  });

  test("that asks for claims says where to sign in", async () => {
    const authorizationUri = "https://login.microsoftonline.com/t/oauth2/v2.0/authorize";
    const { headers } = await answerOf(failing(new AppError("claims_challenge", { authorizationUri, claims: "{}" })));
    expect(headers["www-authenticate"]).toBe(
      `Bearer realm="", authorization_uri="${authorizationUri}", error="insufficient_claims", claims="e30="`,
    );
  });

  test.each([["a string"], [undefined], [null], [{ status: 200 }]])("thrown as %j is still a 500", async (thrown) => {
    expect((await answerOf(failing(thrown))).status).toBe(500);
  });
});

describe("an answer", () => {
  test("that its handler forgot becomes 500: with streaming on, the host would wait for it", async () => {
    const nothing = (async () => undefined) as unknown as EndpointHandler;
    expect((await answerOf(nothing)).body).toMatchObject({ status: 500, code: "internal_error" });
  });

  test("is kept out of caches unless its handler says otherwise, and browsers do not guess its type", async () => {
    const plain = await answerOf(async () => ({ status: 200 }));
    expect(plain.headers["cache-control"]).toBe("private, no-store");
    expect(plain.headers["x-content-type-options"]).toBe("nosniff");
    const cached = await answerOf(async () => ({ status: 200, headers: { "Cache-Control": "private, max-age=60" } }));
    expect(cached.headers["cache-control"]).toBe("private, max-age=60");
  });

  test.each<[string, () => HttpResponseInit | HttpResponse]>([
    ["an init", () => ({ status: 404, headers: { etag: "1" }, jsonBody: { a: 1 } })],
    ["an init with Headers", () => ({ status: 404, headers: new Headers({ etag: "1" }), jsonBody: { a: 1 } })],
    ["an init with pairs", () => ({ status: 404, headers: [["etag", "1"]], jsonBody: { a: 1 } })],
    ["a response", () => new HttpResponse({ status: 404, headers: { etag: "1" }, jsonBody: { a: 1 } })],
  ])("given as %s keeps its status, headers and body", async (_, answer) => {
    const { status, headers, body } = await answerOf(async () => answer());
    expect([status, headers.etag, body]).toEqual([404, "1", { a: 1 }]);
    expect(headers["x-correlation-id"]).toBe("3f2504e0-4f89-41d3-9a0c-0305e82c3301");
  });

  test("of JSON is the same however it is read", async () => {
    const { response } = await respondWith({ jsonBody: { name: "Zoë" } });
    const text = '{"name":"Zoë"}';
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(Buffer.from(await response.arrayBuffer()).toString()).toBe(text);
    expect(await response.text()).toBe(text);
    expect(await response.json()).toEqual({ name: "Zoë" });
    expect(await readText(response.body as ReadableStream)).toBe(text);
  });

  test.each([204, 205, 304])("with status %i has no body, whatever the handler gives", async (status) => {
    const { response } = await respondWith({ status, jsonBody: { a: 1 } });
    expect((await response.arrayBuffer()).byteLength).toBe(0);
  });

  test("keeps a content type of its own", async () => {
    const { response } = await respondWith({ jsonBody: {}, headers: { "Content-Type": "application/scim+json" } });
    expect(response.headers.get("content-type")).toBe("application/scim+json");
  });

  test("that cannot be written is a failure like any other", async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const answer of [{ jsonBody: circular }, { status: 99 }, { headers: { "bad name": "x" } }]) {
      expect(await answerOf(async () => answer)).toMatchObject({ status: 500, body: { code: "internal_error" } });
    }
  });
});

describe("a request", () => {
  test.each([
    ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af76519-16cd-43dd-8448-eb211c80319c"],
    ["00-00000000000000000000000000000000-b7ad6b7169203331-01", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"],
    ["garbage", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"],
  ])("with the traceparent %s has the correlation id %s", async (traceParent, expected) => {
    const context = new InvocationContext({
      functionName: "test",
      invocationId: "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
      logHandler: () => {},
      traceContext: { traceParent },
    });
    const request = new HttpRequest({ method: "GET", url: "http://localhost/api/test" });
    const answer = (await endpoint(async () => ({}))(request, context)) as HttpResponse;
    expect(answer.headers.get("x-correlation-id")).toBe(expected);
  });
});
