import { readFile } from "node:fs/promises";
import { HttpRequest, InvocationContext } from "@azure/functions";
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

async function answerOf(handler: EndpointHandler): Promise<Answer> {
  const logs: string[] = [];
  const context = new InvocationContext({
    functionName: "test",
    invocationId: "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
    logHandler: (level, ...parts) => logs.push(`${level} ${parts.join(" ")}`),
  });
  const request = new HttpRequest({ method: "GET", url: "http://localhost/api/test" });
  const answer = (await endpoint(handler)(request, context)) as {
    status: number;
    headers: Record<string, string>;
    body?: string;
  };
  return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body ?? "{}"), logs };
}

function failing(error: unknown): EndpointHandler {
  return async () => {
    throw error;
  };
}

const ANSWERS: Record<ErrorCode, [number, RegExp | undefined]> = {
  invalid_request: [400, undefined],
  not_signed_in: [401, /^Bearer realm="api"$/],
  token_expired: [401, /^Bearer realm="api", error="invalid_token"$/],
  token_rejected: [401, /^Bearer realm="api", error="invalid_token"$/],
  claims_challenge: [401, /^Bearer realm="api", error="insufficient_claims"$/],
  insufficient_scope: [403, /^Bearer realm="api", error="insufficient_scope", scope="user_impersonation"$/],
  consent_required: [403, undefined],
  blocked_by_policy: [403, undefined],
  user_not_assigned: [403, undefined],
  downstream_forbidden: [403, undefined],
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
      const { body, headers, ...answer } = await answerOf(failing(new AppError(code as ErrorCode)));
      expect(answer.status).toBe(status);
      expect(headers["content-type"]).toBe("application/problem+json");
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["x-correlation-id"]).toBe(body.correlationId);
      expect(Object.keys(body)).toEqual(["type", "title", "status", "detail", "code", "correlationId"]);
      expect(body).toMatchObject({ status, code });
      if (challenge) expect(headers["www-authenticate"]).toMatch(challenge);
      else expect(headers).not.toHaveProperty("www-authenticate");
      expect("retry-after" in headers).toBe(status === 503);
    },
  );

  test("has its entry, with its status, in docs/errors.md, and no other entry is there", async () => {
    const page = await readFile(new URL("../../docs/errors.md", import.meta.url), "utf8");
    const entries = [...page.matchAll(/^\| `(\w+)` \| (\d+) \|/gm)].map(([, code, status]) => [code, Number(status)]);
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

  test("that nobody foresaw says nothing about itself, to the caller or in the log's text", async () => {
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

  test("that nobody foresaw tells its operator where it happened", async () => {
    const { logs } = await answerOf(failing(new TypeError("x is undefined")));
    expect(logs[0]).toContain("TypeError");
    expect(logs[0]).toContain("endpoint.test.ts");
  });

  test.each([["a string"], [undefined], [null], [{ status: 200 }]])("thrown as %j is still a 500", async (thrown) => {
    expect((await answerOf(failing(thrown))).status).toBe(500);
  });
});

describe("an answer", () => {
  test("is kept out of caches unless its handler says otherwise", async () => {
    const plain = await answerOf(async () => ({ status: 200 }));
    expect(plain.headers["cache-control"]).toBe("private, no-store");
    const cached = await answerOf(async () => ({ status: 200, headers: { "cache-control": "private, max-age=60" } }));
    expect(cached.headers["cache-control"]).toBe("private, max-age=60");
  });
});
