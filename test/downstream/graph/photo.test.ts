import type { Fault } from "easy-auth-local";
import { API } from "easy-auth-local";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { accountOf } from "../../support/account.ts";
import { startStack, type TestStack } from "../../support/stack.ts";

let stack: TestStack;
/** The bytes as Graph sent them last. */
let sentByGraph: Buffer;

beforeAll(async () => {
  stack = await startStack({
    settings: { REQUEST_TIMEOUT_MS: "2000" },
    onAnswered: (service, { reply }) => {
      if (service === "graph") sentByGraph = Buffer.from(reply.body ?? "");
    },
  });
});

async function photo(query = "", key = "works", headers: Record<string, string> = {}): Promise<Response> {
  const account = accountOf(stack.directory, key);
  const token = await stack.issuer.apiToken({ account, audience: API, scope: "user_impersonation" });
  return fetch(`${stack.apiUrl}/api/photo${query}`, { headers: { ...headers, authorization: `Bearer ${token}` } });
}

function graphAnswers(fault: Fault): void {
  onTestFinished(stack.faults.add({ service: "graph", path: "/v1.0/me/photo", fault }));
}

describe("GET /api/photo", () => {
  test("answers the bytes of the user's largest photo", async () => {
    const response = await photo();
    expect(response.status).toBe(200);
    expect(stack.graphRequests.at(-1)?.url.pathname).toBe("/v1.0/me/photo/$value");
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    expect(bytes).toEqual(sentByGraph);
  });

  test("lets no shared cache store the photo, and a browser only with revalidation", async () => {
    const { headers } = await photo();
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "image/jpeg",
      "cache-control": "private, no-cache",
      "x-content-type-options": "nosniff",
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
    });
  });

  test.each([48, 64, 96, 120, 240, 360, 432, 504, 648])("returns the size %i", async (size) => {
    const response = await photo(`?size=${size}`);
    expect(response.status).toBe(200);
    expect(stack.graphRequests.at(-1)?.url.pathname).toBe(`/v1.0/me/photos/${size}x${size}/$value`);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(sentByGraph);
  });

  test.each(["", "0", "50", "120x120", "120,48", "../../users", "120&size=48"])(
    "refuses ?size=%s before Graph is asked, and lists the sizes",
    async (size) => {
      const asked = stack.graphRequests.length;
      const response = await photo(`?size=${size}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        code: "invalid_request",
        detail: "size takes one of 48, 64, 96, 120, 240, 360, 432, 504, 648.",
      });
      expect(stack.graphRequests.length).toBe(asked);
    },
  );

  test("answers 304 without bytes to a browser that has them", async () => {
    const etag = (await photo()).headers.get("etag") ?? "";
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const response = await photo("", "works", { "if-none-match": known });
      expect(response.status).toBe(304);
      expect((await response.arrayBuffer()).byteLength).toBe(0);
      expect(response.headers.get("etag")).toBe(etag);
      expect(response.headers.get("cache-control")).toBe("private, no-cache");
    }
  });

  test("answers the bytes to a browser that has another version or size", async () => {
    const etag = (await photo("?size=48")).headers.get("etag") ?? "";
    for (const known of [etag, '"other"', "garbage", ""]) {
      expect((await photo("", "works", { "if-none-match": known })).status).toBe(200);
    }
  });

  test("answers 404 not_found for a user without a photo, and forbids caching", async () => {
    const response = await photo("", "no-photo");
    expect(response.status).toBe(404);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toMatchObject({ code: "not_found", status: 404 });
  });

  test("is refused without a token", async () => {
    expect((await fetch(`${stack.apiUrl}/api/photo`)).status).toBe(401);
  });

  test.each<[string, Fault, number, string]>([
    ["hangs", { kind: "hang" }, 504, "downstream_timeout"],
    ["breaks off", { kind: "closeMidway" }, 502, "downstream_failed"],
    ["sends a page", { kind: "html" }, 502, "downstream_failed"],
    ["sends bytes it calls text", { kind: "wrongContentType" }, 502, "downstream_failed"],
    [
      "sends an image that can hold scripts",
      { kind: "wrongContentType", contentType: "image/svg+xml" },
      502,
      "downstream_failed",
    ],
    ["does not say what it sends", { kind: "wrongContentType", contentType: "" }, 502, "downstream_failed"],
    ["sends nothing", { kind: "status", status: 200 }, 502, "downstream_failed"],
    ["never ends", { kind: "hugeBody" }, 502, "downstream_failed"],
    ["asks to wait", { kind: "status", status: 429, retryAfter: 9 }, 503, "throttled"],
    ["refuses", { kind: "graphError", status: 403, code: "ErrorAccessDenied" }, 403, "downstream_forbidden"],
  ])("answers with the right code when Graph %s", async (_, fault, status, code) => {
    graphAnswers(fault);
    const response = await photo();
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });
});
