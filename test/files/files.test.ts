import type { Fault, StoredFile } from "easy-auth-local";
import { API, TENANT_ID } from "easy-auth-local";
import type { Answerer, Storage } from "easy-auth-local/parts";
import { STORAGE, storageError } from "easy-auth-local/parts";
import { Browser } from "easy-auth-local/vitest";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { accountOf } from "../support/account.ts";
import { startStack, type TestStack } from "../support/stack.ts";

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
    redirect: "manual",
    headers: { ...headers, authorization: `Bearer ${token ?? (await apiToken())}` },
  });
}

async function codeOf(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}

/** Returns the requests for tokens of Storage since that count. */
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

  test("makes one exchange, for Storage's one scope, for both routes", async () => {
    const token = await apiToken();
    const asked = stack.tokenRequests.length;
    await get("files", {}, token);
    await get("files/a%20b.txt", {}, token);
    const forms = exchangesSince(asked);
    expect(forms).toHaveLength(1);
    expect(forms[0]?.scope?.split(" ")).toContain("https://storage.azure.com/user_impersonation");
  });

  test("returns the requested pages, with each file once", async () => {
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

/** Follows the answer's link as a client without any token. */
function follow(response: Response, init: RequestInit = {}): Promise<Response> {
  return fetch(response.headers.get("location") ?? "", init);
}

describe("GET /api/files/{name}", () => {
  test("redirects the client to the file in Storage, by a link that is neither cached nor logged", async () => {
    const response = await get("files/a%20b.txt");
    expect([response.status, await response.text()]).toEqual([302, ""]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      location: expect.stringMatching(`^${storage.publicUrl}/documents/a%20b.txt\\?`),
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
    });
    const file = await follow(response);
    expect([file.status, await file.text()]).toEqual([200, TEXT]);
    expect(file.headers.get("content-type")).toBe("text/plain");
  });

  test("gives a link for this blob only: for reading, over https, for five minutes, as the user", async () => {
    const { searchParams } = new URL((await get("files/a%20b.txt")).headers.get("location") ?? "");
    expect(Object.fromEntries(searchParams)).toMatchObject({
      ...{ sr: "b", sp: "r", spr: "https", sv: "2025-11-05", rscd: "attachment; filename*=UTF-8''a%20b.txt" },
      ...{ skoid: account("works").objectId, sktid: TENANT_ID, sks: "b" },
    });
    const endsInMs = Date.parse(searchParams.get("se") ?? "") - Date.now();
    expect(endsInMs).toBeGreaterThan(290_000);
    expect(endsInMs).toBeLessThanOrEqual(300_000);
    expect(searchParams.get("ske")).toBe(searchParams.get("se"));
  });

  test("gives a link that expires no later than the user's token", async () => {
    const token = await stack.token("works", { exp: Math.floor(Date.now() / 1000) + 100 });
    const { searchParams } = new URL((await get("files/a%20b.txt", {}, token)).headers.get("location") ?? "");
    expect(Date.parse(searchParams.get("se") ?? "") - Date.now()).toBeLessThanOrEqual(100_000);
  });

  test("leaves ranges and conditions to Storage", async () => {
    const response = await get("files/large.bin");
    const part = await follow(response, { headers: { range: "bytes=1-4" } });
    const { status, headers } = part;
    expect(await part.text()).toBe("xxxx");
    expect([status, headers.get("content-range")]).toEqual([206, `bytes 1-4/${LARGE}`]);
    const ifNoneMatch = { "if-none-match": headers.get("etag") ?? "" };
    expect((await follow(response, { headers: ifNoneMatch })).status).toBe(304);
    expect((await (await follow(response)).arrayBuffer()).byteLength).toBe(LARGE);
  });

  test("makes every file a download, even an HTML page", async () => {
    const { headers } = await follow(await get("files/page.html"));
    expect(headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''page.html");
  });

  test("gives a browser the file, from sign-in to Storage, without a certificate warning", async () => {
    const browser = new Browser();
    await browser.signIn(`${stack.frontendUrl}/`, "works");
    const response = await browser.request(`${stack.frontendUrl}/api/files/a%20b.txt`);
    expect(await (await follow(response)).text()).toBe(TEXT);
  });

  test.each(["deep/er/%C3%A4%E2%82%AC.txt", "deep%2Fer%2F%C3%A4%E2%82%AC.txt"])(
    "finds a name of several parts: %s",
    async (path) => {
      const file = await follow(await get(`files/${path}`));
      expect(await file.text()).toBe("deep");
      expect(file.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''%C3%A4%E2%82%AC.txt");
    },
  );

  test("answers HEAD as it answers GET", async () => {
    const authorization = `Bearer ${await apiToken()}`;
    const init = { method: "HEAD", headers: { authorization }, redirect: "manual" } as const;
    const response = await fetch(`${stack.apiUrl}/api/files/a%20b.txt`, init);
    expect(response.status).toBe(302);
    expect((await follow(response, { method: "HEAD" })).headers.get("content-length")).toBe(String(TEXT.length));
  });

  test("answers 404 for a missing file, before the client is sent to Storage", async () => {
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

  test("tells a user whose role is only for the container which role gives links", async () => {
    expect((await get("files", {}, await apiToken("container-role"))).status).toBe(200);
    const response = await get("files/a%20b.txt", {}, await apiToken("container-role"));
    expect(await response.json()).toMatchObject({
      ...{ status: 403, code: "downstream_forbidden" },
      detail: expect.stringContaining("Storage Blob Delegator on the storage account"),
    });
  });

  test("shows no signature in the log or in the trace of the stack", async () => {
    const location = (await get("files/a%20b.txt")).headers.get("location") ?? "";
    const signature = new URL(location).searchParams.get("sig") ?? "";
    expect(signature).toHaveLength(44);
    await fetch(location);
    const trace = await (await fetch(`${stack.entraUrl}/trace`)).text();
    expect(trace).toContain("/documents/a%20b.txt");
    for (const text of [...stack.logs.map(({ message }) => message), trace]) {
      expect(text).not.toContain(signature);
      expect(text).not.toContain(encodeURIComponent(signature));
    }
  });
});

/** Claims of a revocation long ago, which every token satisfies. */
const CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}';
const challenge = (claims: string): Record<string, string> => ({
  "www-authenticate": `Bearer authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${Buffer.from(claims).toString("base64")}"`,
});
/** https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory#bearer-challenge */
const NAMING_TENANT = {
  "www-authenticate": `Bearer authorization_uri=https://login.microsoftonline.com/${TENANT_ID}/oauth2/authorize resource_id=https://storage.azure.com`,
};

describe("when Storage", () => {
  test.each(["files", "files/a%20b.txt"])("refuses a user without a role, /api/%s answers 403", async (path) => {
    expect(await codeOf(await get(path, {}, await apiToken("no-role")))).toBe("403 downstream_forbidden");
    expect((await get(path)).status).toBeLessThan(400);
  });

  test("refuses the token with a claims challenge, the app exchanges it once more with the claims and uses the new one", async () => {
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

  test("refuses the new token with a challenge as well, the client gets its claims after exactly one more exchange", async () => {
    storage.answer(() => storageError(401, "InvalidAuthenticationInfo", challenge(CLAIMS)));
    const [asked, requests] = [stack.tokenRequests.length, stack.storageRequests.length];
    const response = await get("files");
    expect(response.headers.get("www-authenticate")).toContain(
      `error="insufficient_claims", claims="${Buffer.from(CLAIMS).toString("base64")}"`,
    );
    expect(await codeOf(response)).toBe("401 claims_challenge");
    expect([exchangesSince(asked).length, stack.storageRequests.length - requests]).toEqual([2, 2]);
  });

  test("and Entra both refuse a revoked user, the client gets the claims for the next sign-in", async () => {
    const claims = JSON.stringify({
      access_token: { nbf: { essential: true, value: String(Math.floor(Date.now() / 1000) + 60) } },
    });
    storage.answer(() => storageError(401, "InvalidAuthenticationInfo", challenge(claims)));
    const response = await get("files/a%20b.txt");
    expect(await codeOf(response)).toBe("401 claims_challenge");
    expect(response.headers.get("www-authenticate")).toContain(`claims="${Buffer.from(claims).toString("base64")}"`);
  });

  test("refuses the token without a reason, the app exchanges it again and uses the new one", async () => {
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
    // An exchange without an answer from Entra is tried twice.
    ["is down", { kind: "status", status: 503 }, "503 identity_unavailable", 2],
  ])(
    "refuses the token without a reason, and Entra %s, the client is told that at once",
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

  test("asks for a token for another resource or tenant, it gets none", async () => {
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
  ])("%s, /api/files says so, and the rest of the app is unharmed", async (_, answer, expected) => {
    storage.answer(() => answer);
    const [files, profile] = await Promise.all([get("files"), get("profile")]);
    expect(await codeOf(files)).toBe(expected);
    expect(profile.status).toBe(200);
  });

  test.each(["files", "files/a%20b.txt"])(
    "never answers, nothing of /api/%s is still waiting after the time-out",
    async (path) => {
      storage.answer(() => "hang");
      expect(await codeOf(await get(path))).toBe("504 downstream_timeout");
      await vi.waitFor(() => expect(storage.waiting).toBe(0), 10_000);
    },
  );

  test.each(["files", "files/a%20b.txt"])("fails for a moment, /api/%s retries and is answered", async (path) => {
    const asked = stack.storageRequests.length;
    storage.answer(() => (stack.storageRequests.length === asked + 1 ? storageError(503, "ServerBusy") : undefined));
    expect((await get(path)).status).toBe(path === "files" ? 200 : 302);
    expect(stack.storageRequests.length).toBe(asked + (path === "files" ? 2 : 3));
  });

  test("fails in any of these ways, none of its words reach the client or the log", async () => {
    storage.answer(() => storageError(403, "AuthorizationPermissionMismatch"));
    const text = await (await get("files")).text();
    expect(text).not.toContain("about someone");
    const log = stack.logs.map(({ message }) => message).join("\n");
    expect(log).toContain("Azure: 403, AuthorizationPermissionMismatch");
    expect(log).not.toContain("about someone");
    expect(log).not.toContain("eyJ");
  });
});

test("a failure of Storage is reported, and the rest of the app is unharmed", async () => {
  const settings = { STORAGE_ACCOUNT_URL: storage.accountUrl, STORAGE_CONTAINER: "documents" };
  await stack.close();
  stack = await startStack({ registrations: { storage: STORAGE }, settings });
  expect(await codeOf(await get("files"))).toBe("502 downstream_failed");
  expect(await codeOf(await get("files/a%20b.txt"))).toBe("502 downstream_failed");
  expect((await get("profile")).status).toBe(200);
});

test("the files routes do not exist without their settings", async () => {
  await stack.close();
  stack = await startStack();
  expect((await get("files")).status).toBe(404);
  expect((await get("files/a%20b.txt")).status).toBe(404);
  expect(stack.functions.functions.map(({ name }) => name)).not.toContain("files");
});
