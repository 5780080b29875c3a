import { Readable } from "node:stream";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { API, FRONTEND, TENANT_ID } from "../../packages/easy-auth-local/src/directory/directory.ts";
import type { Fault } from "../../packages/easy-auth-local/src/faults/fault.ts";
import { STORAGE } from "../../packages/easy-auth-local/src/storage/access.ts";
import { type Answer, storageError } from "../../packages/easy-auth-local/src/storage/errors.ts";
import type { StoredFile } from "../../packages/easy-auth-local/src/storage/sample-files.ts";
import type { Answerer, Storage } from "../../packages/easy-auth-local/src/storage/server.ts";
import { Browser } from "../../packages/easy-auth-local/src/test-kit/browser.ts";
import { startStack, type TestStack } from "../../packages/easy-auth-local/src/test-kit/stack.ts";
import { accountOf } from "../support/account.ts";

const TEXT = "0123456789";
const LARGE = 33 * 1_048_576;
const NAMES = ["a b.txt", "deep/er/ä€.txt", "empty.bin", "large.bin", "page.html", "zipped.txt"];

const FILES: readonly StoredFile[] = [
  { name: "a b.txt", content: TEXT, contentType: "text/plain" },
  { name: "deep/er/ä€.txt", content: "deep" },
  { name: "empty.bin", content: "" },
  { name: "large.bin", content: Buffer.alloc(LARGE, "x") },
  { name: "page.html", content: "<script>alert(1)</script>", contentType: "text/html" },
  { name: "zipped.txt", content: Buffer.from([31, 139]), contentEncoding: "br" },
];

let storage: Storage;
let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ files: FILES, settings: { REQUEST_TIMEOUT_MS: "3000" } });
  if (!stack.storage) throw new Error("The stack has no storage.");
  storage = stack.storage;
}, 60_000);
afterEach(() => storage.answer(() => undefined));

const account = (key: string) => accountOf(stack.directory, key);

function apiToken(key = "works"): Promise<string> {
  return stack.issuer.apiToken({ account: account(key), audience: API, scope: "user_impersonation" });
}

async function get(path: string, headers: Record<string, string> = {}, token?: string): Promise<Response> {
  return fetch(`${stack.apiUrl}/api/${path}`, {
    headers: { ...headers, authorization: `Bearer ${token ?? (await apiToken())}` },
  });
}

async function codeOf(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}

/** Requests for tokens of Storage that were made since. */
function exchangesSince(asked: number): readonly Readonly<Record<string, string>>[] {
  const forms = stack.tokenRequests.slice(asked).map(({ body }) => body as Record<string, string>);
  return forms.filter(({ scope }) => scope?.includes("https://storage.azure.com/"));
}

interface Page {
  readonly files: readonly { readonly name: string; readonly size: number }[];
  readonly continuation?: string;
}

describe("GET /api/files", () => {
  test("lists the container's blobs as the user", async () => {
    const asked = stack.storageRequests.length;
    const response = await get("files");
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    const { files, continuation } = (await response.json()) as Page;
    expect(files.map(({ name }) => name)).toEqual(NAMES);
    expect(files[0]).toEqual({
      name: "a b.txt",
      size: TEXT.length,
      contentType: "text/plain",
      lastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect(continuation).toBeUndefined();
    expect(stack.storageRequests.slice(asked).map((request) => request.account.key)).toEqual(["works"]);
  });

  test("works for a user in a browser, from sign-in to Storage", async () => {
    const browser = new Browser();
    await browser.signIn(`${stack.frontendUrl}/`, "sparse");
    const response = await browser.request(`${stack.frontendUrl}/api/files`);
    expect(((await response.json()) as Page).files).toHaveLength(NAMES.length);
    expect(stack.storageRequests.at(-1)?.account.key).toBe("sparse");
  });

  test("asks Entra for Storage's one scope, once for both routes", async () => {
    const token = await apiToken();
    const asked = stack.tokenRequests.length;
    await get("files", {}, token);
    await get("files/a%20b.txt", {}, token);
    const forms = exchangesSince(asked);
    expect(forms).toHaveLength(1);
    expect(forms[0]?.scope?.split(" ")).toContain("https://storage.azure.com/user_impersonation");
  });

  test("gives the pages that were asked for, each file once", async () => {
    const names: string[] = [];
    let continuation: string | undefined;
    let pages = 0;
    do {
      const query = continuation === undefined ? "" : `&continuation=${continuation}`;
      const page = (await (await get(`files?limit=4${query}`)).json()) as Page;
      expect(page.files.length).toBeLessThanOrEqual(4);
      names.push(...page.files.map(({ name }) => name));
      continuation = page.continuation;
      pages += 1;
    } while (continuation !== undefined);
    expect([names, pages]).toEqual([NAMES, 2]);
  });

  test.each([
    "limit=0",
    "limit=1001",
    "limit=x",
    "limit=1.5",
    "limit=",
    "continuation=",
    "continuation=a%20b",
    "limit=1&limit=2",
  ])("refuses ?%s before Storage is asked", async (query) => {
    const asked = stack.storageRequests.length;
    expect(await codeOf(await get(`files?${query}`))).toBe("400 invalid_request");
    expect(stack.storageRequests.length).toBe(asked);
  });
});

describe("GET /api/files/{name}", () => {
  test("answers the file's bytes, to be kept by nobody else and run nowhere", async () => {
    const response = await get("files/page.html");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("<script>alert(1)</script>");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/html",
      "content-disposition": "attachment; filename*=UTF-8''page.html",
      "content-security-policy": "sandbox; default-src 'none'",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-cache",
      "accept-ranges": "bytes",
      etag: expect.stringMatching(/^"0x/),
      "last-modified": expect.stringMatching(/GMT$/),
    });
  });

  test("is a download for a browser too, whatever the file holds, and a part only of the file it has", async () => {
    const browser = new Browser();
    await browser.signIn(`${stack.frontendUrl}/`, "works");
    const page = await browser.request(`${stack.frontendUrl}/api/files/page.html`);
    expect(page.headers.get("content-disposition")).toMatch(/^attachment;/);
    expect(page.headers.get("x-content-type-options")).toBe("nosniff");
    const headers = { range: "bytes=0-3", "if-range": '"other"' };
    const response = await browser.request(`${stack.frontendUrl}/api/files/a%20b.txt`, { headers });
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
  });

  test.each(["deep/er/%C3%A4%E2%82%AC.txt", "deep%2Fer%2F%C3%A4%E2%82%AC.txt"])(
    "finds a name of several parts: %s",
    async (path) => {
      const response = await get(`files/${path}`);
      expect(await response.text()).toBe("deep");
      expect(response.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''%C3%A4%E2%82%AC.txt");
    },
  );

  test("answers an empty file", async () => {
    const response = await get("files/empty.bin");
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
  });

  test("passes the encoding on that the bytes have", async () => {
    const { headers } = await rawHead("files/zipped.txt");
    expect(headers.get("content-encoding")).toBe("br");
  });

  test.each([
    ["bytes=2-5", "2345", "bytes 2-5/10"],
    ["bytes=0-", TEXT, "bytes 0-9/10"],
    ["bytes=7-", "789", "bytes 7-9/10"],
    ["bytes=8-99", "89", "bytes 8-9/10"],
  ])("answers 206 for Range: %s", async (range, expected, contentRange) => {
    const response = await get("files/a%20b.txt", { range });
    expect([response.status, await response.text()]).toEqual([206, expected]);
    expect(response.headers.get("content-range")).toBe(contentRange);
  });

  test.each(["bytes=-3", "bytes=0-1,4-5", "bytes=5-2", "lines=1-2", "garbage"])(
    "answers the whole file for Range: %s",
    async (range) => {
      const response = await get("files/a%20b.txt", { range });
      expect([response.status, await response.text()]).toEqual([200, TEXT]);
    },
  );

  test("answers 416 for a part after the end", async () => {
    expect(await codeOf(await get("files/a%20b.txt", { range: "bytes=20-" }))).toBe("416 range_not_satisfiable");
  });

  test("answers the part while the ETag of If-Range is the file's, else the whole", async () => {
    const etag = (await get("files/a%20b.txt")).headers.get("etag") ?? "";
    const answers = [etag, '"other"', `W/${etag}`, "Wed, 21 Oct 2015 07:28:00 GMT"].map(async (ifRange) => {
      const response = await get("files/a%20b.txt", { range: "bytes=0-3", "if-range": ifRange });
      return [response.status, await response.text()];
    });
    expect(await Promise.all(answers)).toEqual([
      [206, "0123"],
      [200, TEXT],
      [200, TEXT],
      [200, TEXT],
    ]);
  });

  test("answers 304 without bytes to a browser that has them", async () => {
    const etag = (await get("files/a%20b.txt")).headers.get("etag") ?? "";
    for (const known of [etag, `W/${etag}`]) {
      const response = await get("files/a%20b.txt", { "if-none-match": known });
      expect([response.status, response.headers.get("etag")]).toEqual([304, etag]);
      expect((await response.arrayBuffer()).byteLength).toBe(0);
    }
    expect((await get("files/a%20b.txt", { "if-none-match": '"other"' })).status).toBe(200);
  });

  test("answers a large file whole, and a part of it that is large", async () => {
    const whole = await get("files/large.bin");
    expect(whole.headers.get("content-length")).toBe(String(LARGE));
    expect((await whole.arrayBuffer()).byteLength).toBe(LARGE);
    const part = await get("files/large.bin", { range: "bytes=1-" });
    expect(part.headers.get("content-range")).toBe(`bytes 1-${LARGE - 1}/${LARGE}`);
    expect((await part.arrayBuffer()).byteLength).toBe(LARGE - 1);
  });

  test("answers 404 for a file that is not there", async () => {
    expect(await codeOf(await get("files/none.txt"))).toBe("404 not_found");
  });

  test.each(["..%2Fother%2Fsecret.txt", "a%2F..%2F..%2Fother", "..%5Cother", "x".repeat(1025)])(
    "answers 404 for a name that leads elsewhere, before Storage is asked: %s",
    async (path) => {
      const asked = stack.storageRequests.length;
      expect(await codeOf(await get(`files/${path}`))).toBe("404 not_found");
      expect(stack.storageRequests.length).toBe(asked);
    },
  );
});

/** Without decoding what the answer says it is encoded as. */
async function rawHead(path: string): Promise<Response> {
  const controller = new AbortController();
  const response = await fetch(`${stack.apiUrl}/api/${path}`, {
    headers: { authorization: `Bearer ${await apiToken()}` },
    signal: controller.signal,
  });
  controller.abort();
  return response;
}

const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const challenge = (claims: string): Record<string, string> => ({
  "www-authenticate": `Bearer authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${Buffer.from(claims).toString("base64")}"`,
});
/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#bearer-challenge */
const NAMING_TENANT = {
  "www-authenticate": `Bearer authorization_uri=https://login.microsoftonline.com/${TENANT_ID}/oauth2/authorize resource_id=https://storage.azure.com`,
};

describe("when Storage refuses", () => {
  test.each(["files", "files/a%20b.txt"])("a user without a role, /api/%s answers 403", async (path) => {
    expect(await codeOf(await get(path, {}, await apiToken("no-role")))).toBe("403 downstream_forbidden");
    expect((await get(path)).status).toBe(200);
  });

  test("the token with a claims challenge, it is exchanged once more with the claims, and the new one is used", async () => {
    const refused = new Set<string>();
    storage.answer(({ token }) => {
      if (refused.size > 0 && !refused.has(token)) return undefined;
      refused.add(token);
      return storageError(401, "InvalidAuthenticationInfo", challenge(CLAIMS));
    });
    const asked = stack.tokenRequests.length;
    expect((await get("files")).status).toBe(200);
    const forms = exchangesSince(asked);
    expect(forms).toHaveLength(2);
    expect(JSON.parse(forms[1]?.claims ?? "{}")).toMatchObject(JSON.parse(CLAIMS));
  });

  test("the new token with a challenge too, the caller is told its claims, after one more exchange and no more", async () => {
    storage.answer(() => storageError(401, "InvalidAuthenticationInfo", challenge(CLAIMS)));
    const [asked, requests] = [stack.tokenRequests.length, stack.storageRequests.length];
    const response = await get("files");
    expect(response.headers.get("www-authenticate")).toContain(
      `error="insufficient_claims", claims="${Buffer.from(CLAIMS).toString("base64")}"`,
    );
    expect(await codeOf(response)).toBe("401 claims_challenge");
    expect([exchangesSince(asked).length, stack.storageRequests.length - requests]).toEqual([2, 2]);
  });

  test("a revoked user, and Entra does too, the caller is told the claims of the next sign-in", async () => {
    const claims = JSON.stringify({
      access_token: { nbf: { essential: true, value: String(Math.floor(Date.now() / 1000) + 60) } },
    });
    storage.answer(() => storageError(401, "InvalidAuthenticationInfo", challenge(claims)));
    const response = await get("files/a%20b.txt");
    expect(await codeOf(response)).toBe("401 claims_challenge");
    expect(response.headers.get("www-authenticate")).toContain(`claims="${Buffer.from(claims).toString("base64")}"`);
  });

  test("the token without saying why, it is exchanged anew, and the new one is used", async () => {
    let refused = "";
    storage.answer(({ token }) => {
      refused ||= token;
      return token === refused ? storageError(401, "InvalidAuthenticationInfo", NAMING_TENANT) : undefined;
    });
    const asked = stack.tokenRequests.length;
    expect((await get("files")).status).toBe(200);
    expect(exchangesSince(asked)).toHaveLength(2);
  });

  test.each<[string, Fault, string, number]>([
    [
      "has no consent any more",
      { kind: "entraError", number: 65001, error: "invalid_grant" },
      "403 consent_required",
      1,
    ],
    [
      "asks for another sign-in",
      { kind: "entraError", number: 50076, error: "interaction_required", claims: CLAIMS },
      "401 claims_challenge",
      1,
    ],
    [
      "says that the user's token ended",
      { kind: "entraError", number: 500133, error: "invalid_grant" },
      "401 token_expired",
      1,
    ],
    // An exchange that Entra does not answer is tried twice.
    ["is down", { kind: "status", status: 503 }, "503 identity_unavailable", 2],
  ])(
    "the token without saying why, and Entra %s, the caller is told that at once",
    async (_, fault, expected, tries) => {
      let undo = () => {};
      storage.answer(() => {
        undo = stack.faults.add({ service: "entra", path: `/${TENANT_ID}/oauth2/v2.0/token`, fault });
        return storageError(401, "InvalidAuthenticationInfo", NAMING_TENANT);
      });
      const [asked, requests] = [stack.tokenRequests.length, stack.storageRequests.length];
      const response = await get("files");
      undo();
      expect(await codeOf(response)).toBe(expected);
      expect([exchangesSince(asked).length, stack.storageRequests.length - requests]).toEqual([1 + tries, 1]);
    },
  );

  test("and names another resource, or another tenant, no token goes there", async () => {
    for (const [authority, resource] of [
      [TENANT_ID, "https://graph.microsoft.com"],
      ["ffffffff-0000-0000-0000-000000000000", "https://storage.azure.com"],
    ]) {
      const headers = {
        "www-authenticate": `Bearer authorization_uri=https://login.microsoftonline.com/${authority}/oauth2/authorize resource_id=${resource}`,
      };
      storage.answer(() => storageError(401, "InvalidAuthenticationInfo", headers));
      const [asked, requests] = [stack.tokenRequests.length, stack.storageRequests.length];
      expect((await get("files")).status).toBeGreaterThanOrEqual(400);
      expect([stack.tokenRequests.length - asked, stack.storageRequests.length - requests]).toEqual([1, 1]);
    }
  });

  test.each<[string, ReturnType<Answerer>, string]>([
    ["asks to wait", storageError(503, "ServerBusy", { "retry-after": "7" }), "503 throttled"],
    ["asks to wait with 429", storageError(429, "TooManyRequests"), "503 throttled"],
    ["fails", storageError(500, "InternalError"), "502 downstream_failed"],
    ["times out itself", storageError(504, "OperationTimedOut"), "504 downstream_timeout"],
    [
      "sends no XML",
      { status: 200, headers: { "content-type": "application/xml" }, body: "<html>" },
      "502 downstream_failed",
    ],
    ["closes the connection", "close", "502 downstream_failed"],
    ["never answers", "hang", "504 downstream_timeout"],
  ])("or %s, /api/files says so, and the rest of the app is unharmed", async (_, answer, expected) => {
    storage.answer(() => answer);
    const [files, profile] = await Promise.all([get("files"), get("profile")]);
    expect(await codeOf(files)).toBe(expected);
    expect(profile.status).toBe(200);
  });

  test.each(["files", "files/a%20b.txt"])(
    "or never answers, nothing of /api/%s waits on after its time",
    async (path) => {
      storage.answer(() => "hang");
      expect(await codeOf(await get(path))).toBe("504 downstream_timeout");
      await vi.waitFor(() => expect(storage.waiting).toBe(0), 10_000);
    },
  );

  test.each(["files", "files/a%20b.txt"])("or fails for a moment, /api/%s asks again and is answered", async (path) => {
    const asked = stack.storageRequests.length;
    storage.answer(() => (stack.storageRequests.length === asked + 1 ? storageError(503, "ServerBusy") : undefined));
    expect((await get(path)).status).toBe(200);
    expect(stack.storageRequests.length).toBe(asked + 2);
  });

  test("no word of Storage reaches the caller or the log", async () => {
    storage.answer(() => storageError(403, "AuthorizationPermissionMismatch"));
    const text = await (await get("files")).text();
    expect(text).not.toContain("about someone");
    const log = stack.logs.map(({ message }) => message).join("\n");
    expect(log).toContain("Azure: 403, AuthorizationPermissionMismatch");
    expect(log).not.toContain("about someone");
    expect(log).not.toContain("eyJ");
  });
});

const CHUNK = Buffer.alloc(65_536, "x");
const MANY = 1000;
const SIZE = MANY * CHUNK.length;

/** What Storage answers for a file of 1,000 chunks. */
function file(body: Iterable<Buffer> | AsyncIterable<Buffer>): Answer {
  const headers = { "content-length": SIZE, "content-type": "application/octet-stream", etag: '"0x1"' };
  return { status: 200, headers, body: Readable.from(body) };
}

function* breakingOff(): Generator<Buffer> {
  for (let count = 0; count < 3; count += 1) yield CHUNK;
  throw new Error("broken off");
}

/** One chunk, and no end. */
function stuck(): Readable {
  const body = new Readable({ read: () => {} });
  body.push(CHUNK);
  return body;
}

/** Waits until a number has stopped to grow. */
async function settled(read: () => number): Promise<void> {
  let before: number;
  do {
    before = read();
    for (let turn = 0; turn < 500; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  } while (read() !== before);
}

describe("while a file is on its way", () => {
  test("its first bytes arrive before its last are there", async () => {
    let arrived = () => {};
    const hasArrived = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    async function* waiting() {
      yield CHUNK;
      await hasArrived;
      for (let count = 1; count < MANY; count += 1) yield CHUNK;
    }
    storage.answer(() => file(waiting()));
    let size = 0;
    for await (const chunk of (await get("files/any")).body ?? []) {
      size += chunk.length;
      arrived();
    }
    expect(size).toBe(SIZE);
  });

  test("no more of it is read than its caller takes, and nothing once they leave", async () => {
    let made = 0;
    function* counted() {
      for (; made < MANY; made += 1) yield CHUNK;
    }
    storage.answer(() => file(counted()));
    const leaving = new AbortController();
    const response = await fetch(`${stack.apiUrl}/api/files/any`, {
      headers: { authorization: `Bearer ${await apiToken()}` },
      signal: leaving.signal,
    });
    expect(response.status).toBe(200);
    await settled(() => made);
    expect(made).toBeLessThan(MANY / 2);
    leaving.abort();
    await vi.waitFor(() => expect(storage.waiting).toBe(0), 10_000);
    expect(made).toBeLessThan(MANY);
  });

  test("and breaks off, its caller does not take the part for the whole, and the rest of the app is unharmed", async () => {
    storage.answer(() => file(breakingOff()));
    const response = await get("files/any");
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow("terminated");
    expect((await get("profile")).status).toBe(200);
  });

  test("and no more of it comes, it is cut after the time a request has", async () => {
    storage.answer(() => file(stuck()));
    const response = await get("files/any");
    await expect(response.arrayBuffer()).rejects.toThrow("terminated");
    await vi.waitFor(() => expect(storage.waiting).toBe(0), 10_000);
  });

  test("ten more of the same user have to wait, and others do not", async () => {
    storage.answer(({ path }) => (path.includes("/any") ? file(stuck()) : undefined));
    const token = await apiToken();
    const responses = await Promise.all(Array.from({ length: 10 }, () => get("files/any", {}, token)));
    const refused = await get("files/any", {}, token);
    expect(refused.headers.get("retry-after")).toBe("5");
    expect(await codeOf(refused)).toBe("503 overloaded");
    const other = await get("files/a%20b.txt", {}, await apiToken("sparse"));
    expect(await other.text()).toBe(TEXT);
    await Promise.all(responses.map(({ body }) => body?.cancel()));
    await vi.waitFor(() => expect(storage.waiting).toBe(0), 10_000);
  });
});

test("Storage being down is said, and the rest of the app is unharmed", async () => {
  const settings = { STORAGE_ACCOUNT_URL: storage.accountUrl, STORAGE_CONTAINER: "documents" };
  await stack.close();
  stack = await startStack({ registrations: [API, FRONTEND, STORAGE], settings });
  expect(await codeOf(await get("files"))).toBe("502 downstream_failed");
  expect(await codeOf(await get("files/a%20b.txt"))).toBe("502 downstream_failed");
  expect((await get("profile")).status).toBe(200);
});

test("without their settings the routes are not there", async () => {
  await stack.close();
  stack = await startStack();
  expect((await get("files")).status).toBe(404);
  expect((await get("files/a%20b.txt")).status).toBe(404);
  expect(stack.functions.functions.map(({ name }) => name)).not.toContain("files");
});
