import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
import { controlRoutes } from "../src/control/control-routes.ts";
import { API, createDirectory, TENANT_ID } from "../src/directory/directory.ts";
import { createSigningKeys } from "../src/entra/keys.ts";
import { startEntra } from "../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../src/entra/tokens.ts";
import type { Fault, FaultRule, Service } from "../src/faults/fault.ts";
import { Faults } from "../src/faults/faults.ts";
import { FAULT_TEXT } from "../src/faults/show-fault.ts";
import { startGraph } from "../src/graph/server.ts";
import type { LoopbackServer } from "../src/http/loopback-server.ts";

const KEYS_PATH = `/${TENANT_ID}/discovery/v2.0/keys`;
const TOKEN_PATH = `/${TENANT_ID}/oauth2/v2.0/token`;
const SERVICES: readonly Service[] = ["entra", "graph"];
const directory = createDirectory();
const faults = new Faults(directory);
let issuer: TokenIssuer;
let servers: Readonly<Record<Service, LoopbackServer>>;

beforeAll(async () => {
  const keys = await createSigningKeys(inject("stateFolder"));
  issuer = createTokenIssuer(keys);
  servers = {
    entra: await startEntra({ directory, issuer, faults, moreRoutes: controlRoutes({ directory, issuer, faults }) }),
    graph: await startGraph({ directory, keys, faults }),
  };
});
afterEach(() => faults.clear());
afterAll(() => Promise.all(SERVICES.map((service) => servers[service].close())));

const account = (key: string) => accountOf(directory, key);

/** Sends a request as the app does: an exchange for the account, or for its profile. */
async function ask(service: Service, key = "works", init: RequestInit = {}): Promise<Response> {
  if (service === "graph") {
    const graphToken = await issuer.graphToken(account(key), API, "User.Read");
    const headers = { authorization: `Bearer ${graphToken}` };
    return fetch(`${servers.graph.url}/v1.0/me`, { headers, redirect: "manual", ...init });
  }
  const body = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    requested_token_use: "on_behalf_of",
    scope: "https://graph.microsoft.com/.default",
    assertion: await issuer.apiToken({ account: account(key), audience: API, scope: "user_impersonation" }),
    client_id: API.clientId,
    client_secret: API.clientSecrets[0],
  });
  return fetch(servers.entra.url + TOKEN_PATH, { method: "POST", body, redirect: "manual", ...init });
}

function askWith(service: Service, fault: Fault, init?: RequestInit): Promise<Response> {
  faults.add({ service, fault });
  return ask(service, "works", init);
}

const SUCCESS: Readonly<Record<Service, object>> = {
  entra: { token_type: "Bearer", access_token: expect.stringMatching(/^eyJ/) },
  graph: { displayName: "Adele Vance" },
};

describe.each(SERVICES)("%s, told to", (service) => {
  test("be slow: gives the same answer later", async () => {
    const begun = performance.now();
    const response = await askWith(service, { kind: "slow", delayMs: 150 });
    expect(performance.now() - begun).toBeGreaterThan(145);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject(SUCCESS[service]);
  });

  test("hang: gives no answer, and notices when the client gives up", async () => {
    const client = new AbortController();
    const asking = askWith(service, { kind: "hang" }, { signal: client.signal });
    const refused = expect(asking).rejects.toMatchObject({ name: "AbortError" });
    await vi.waitFor(() => expect(faults.held).toBe(1), 10_000);
    client.abort();
    await refused;
    await vi.waitFor(() => expect(faults.held).toBe(0), 10_000);
  });

  test("close the connection: closes it without an answer", async () => {
    await expect(askWith(service, { kind: "close" })).rejects.toMatchObject({ cause: { code: "UND_ERR_SOCKET" } });
  });

  test("close it midway: sends the headers and half of the announced body", async () => {
    const response = await askWith(service, { kind: "closeMidway" });
    expect(response.status).toBe(200);
    const chunks: Uint8Array[] = [];
    const reading = async () => {
      for await (const chunk of response.body ?? []) chunks.push(chunk);
    };
    await expect(reading()).rejects.toThrow("terminated");
    const received = Buffer.concat(chunks).length;
    expect(received).toBe(Math.floor(Number(response.headers.get("content-length")) / 2));
  });

  test.each([
    [{ status: 429, retryAfter: 7 }, "7"],
    [{ status: 503, retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT" }, "Wed, 21 Oct 2026 07:28:00 GMT"],
    [{ status: 429 }, null],
    [{ status: 500 }, null],
  ])("answer %j: does so with Retry-After %s and without a body", async (fault, retryAfter) => {
    const response = await askWith(service, { kind: "status", ...fault });
    expect(response.status).toBe(fault.status);
    expect(response.headers.get("retry-after")).toBe(retryAfter);
    expect(await response.text()).toBe("");
  });

  test("answer a status with a body: sends that body as JSON", async () => {
    const response = await askWith(service, { kind: "status", status: 418, body: { odd: ["answer"] } });
    expect(response.status).toBe(418);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await response.json()).toEqual({ odd: ["answer"] });
  });

  test("truncate its JSON: sends the first half as if it were all", async () => {
    const response = await askWith(service, { kind: "truncatedJson" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/json");
    const body = await response.text();
    expect(body).toMatch(/^\{"/);
    expect(() => JSON.parse(body)).toThrow(SyntaxError);
  });

  test.each([undefined, 502] as const)("answer HTML: does so with the status %s, by default 200", async (status) => {
    const response = await askWith(service, { kind: "html", ...(status && { status }) });
    expect(response.status).toBe(status ?? 200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await response.text()).toContain(FAULT_TEXT);
  });

  test.each([
    [undefined, "text/plain"],
    ["application/octet-stream", "application/octet-stream"],
    ["", null],
  ])("use the content type %j: sends the right body as %s", async (contentType, sent) => {
    const fault: Fault = { kind: "wrongContentType", ...(contentType !== undefined && { contentType }) };
    const response = await askWith(service, fault);
    expect(response.headers.get("content-type")).toBe(sent);
    expect(await response.json()).toMatchObject(SUCCESS[service]);
  });

  test("redirect: redirects", async () => {
    const response = await askWith(service, { kind: "redirect", location: "http://localhost:9/elsewhere" });
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe("http://localhost:9/elsewhere");
  });

  test("send a huge body: stops when the client leaves", async () => {
    const response = await askWith(service, { kind: "hugeBody" });
    expect(response.headers.get("content-type")).toBe("application/json");
    const reader = response.body?.getReader();
    await reader?.read();
    expect(faults.held).toBe(1);
    await reader?.cancel();
    await vi.waitFor(() => expect(faults.held).toBe(0), 10_000);
  });

  test("send a huge body: stops at 50 MB", async () => {
    const response = await askWith(service, { kind: "hugeBody" });
    let size = 0;
    for await (const chunk of response.body ?? []) size += chunk.length;
    expect(size).toBeGreaterThanOrEqual(50_000_000);
    expect(size).toBeLessThan(51_000_000);
  });
});

describe("entra, told to", () => {
  test("refuse: refuses in Entra's form", async () => {
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
    const details = { number: 50076, error: "interaction_required", suberror: "basic_action", claims };
    const response = await askWith(
      "entra",
      { kind: "entraError", ...details },
      {
        headers: { "client-request-id": "0af76519-16cd-43dd-8448-eb211c80319c" },
      },
    );
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: "interaction_required",
      error_description: expect.stringContaining(`AADSTS50076: ${FAULT_TEXT} Trace ID: `),
      error_codes: [50076],
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/),
      trace_id: expect.any(String),
      correlation_id: "0af76519-16cd-43dd-8448-eb211c80319c",
      error_uri: "https://login.microsoftonline.com/error?code=50076",
      suberror: "basic_action",
      claims,
    });
  });

  test("refuse the client itself: answers 401", async () => {
    const response = await askWith("entra", { kind: "entraError", number: 7000215, error: "invalid_client" });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: "invalid_client", error_codes: [7000215] });
  });

  test("issue an empty token: issues one", async () => {
    const body = await (await askWith("entra", { kind: "emptyToken" })).json();
    expect(body).toMatchObject({ token_type: "Bearer", access_token: "" });
  });

  test("issue no token: answers as a success without it", async () => {
    const response = await askWith("entra", { kind: "emptyToken", missing: true });
    expect(response.status).toBe(200);
    const body = await response.json();
    expect(body).toMatchObject({ token_type: "Bearer" });
    expect(body).not.toHaveProperty("access_token");
  });
});

test("graph, told to refuse: refuses in Graph's form, with the headers asked for", async () => {
  const challenge = 'Bearer realm="", error="insufficient_claims", claims="e30="';
  const headers = { "WWW-Authenticate": challenge };
  const response = await askWith("graph", {
    kind: "graphError",
    status: 401,
    code: "InvalidAuthenticationToken",
    headers,
  });
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toBe(challenge);
  expect(response.headers.get("request-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect(await response.json()).toEqual({
    error: {
      code: "InvalidAuthenticationToken",
      message: FAULT_TEXT,
      innerError: expect.objectContaining({ "request-id": response.headers.get("request-id") }),
    },
  });
});

describe("a fault", () => {
  const unavailable: Fault = { kind: "status", status: 503 };

  test.each(SERVICES)("of one account leaves the others alone, at %s", async (service) => {
    faults.add({ service, account: "works", fault: unavailable });
    expect((await ask(service, "works")).status).toBe(503);
    expect((await ask(service, "sparse")).status).toBe(200);
  });

  test("of one account does not affect requests that name nobody", async () => {
    faults.add({ service: "entra", account: "works", fault: unavailable });
    faults.add({ service: "graph", account: "works", fault: unavailable });
    expect((await fetch(servers.entra.url + KEYS_PATH)).status).toBe(200);
    const headers = { authorization: "Bearer not-a-token" };
    expect((await fetch(`${servers.graph.url}/v1.0/me`, { headers })).status).toBe(401);
  });

  test("of a path leaves the other paths alone", async () => {
    faults.add({ service: "entra", path: `/${TENANT_ID}/discovery/`, fault: unavailable });
    expect((await fetch(servers.entra.url + KEYS_PATH)).status).toBe(503);
    expect((await ask("entra")).status).toBe(200);
  });

  test("without a path affects every address but the emulator's own", async () => {
    faults.add({ service: "entra", fault: unavailable });
    for (const path of [KEYS_PATH, `/${TENANT_ID}/v2.0/.well-known/openid-configuration`, "/nowhere"]) {
      expect((await fetch(servers.entra.url + path)).status, path).toBe(503);
    }
    for (const path of ["/emulator/token", "/emulator/faults"]) {
      expect((await fetch(servers.entra.url + path)).status, path).toBe(200);
    }
  });

  test("of one service leaves the other alone", async () => {
    faults.add({ service: "graph", fault: unavailable });
    expect((await ask("entra")).status).toBe(200);
    expect((await ask("graph")).status).toBe(503);
  });

  test("affects as many requests as it says, counting only those that match it", async () => {
    faults.add({ service: "graph", account: "works", times: 2, fault: unavailable });
    expect((await ask("graph", "sparse")).status).toBe(200);
    expect((await ask("graph")).status).toBe(503);
    expect(faults.rules).toEqual([{ service: "graph", account: "works", times: 1, fault: unavailable }]);
    expect((await ask("graph")).status).toBe(503);
    expect((await ask("graph")).status).toBe(200);
    expect(faults.rules).toEqual([]);
  });

  test("that was added first applies first", async () => {
    faults.add({ service: "graph", times: 1, fault: { kind: "status", status: 500 } });
    faults.add({ service: "graph", fault: unavailable });
    expect([(await ask("graph")).status, (await ask("graph")).status]).toEqual([500, 503]);
  });

  test("is removed, and no other, by the function that adding it returned", async () => {
    const undo = faults.add({ service: "graph", account: "works", fault: unavailable });
    faults.add({ service: "graph", account: "sparse", fault: unavailable });
    undo();
    undo();
    expect((await ask("graph", "works")).status).toBe(200);
    expect((await ask("graph", "sparse")).status).toBe(503);
  });

  test.each<Fault>([{ kind: "hang" }, { kind: "slow", delayMs: 60_000 }])(
    "that keeps a request waiting, $kind, lets go of it when all are cleared",
    async (fault) => {
      const asking = askWith("entra", fault);
      await vi.waitFor(() => expect(faults.held).toBe(1), 10_000);
      faults.clear();
      await expect(asking).rejects.toMatchObject({ cause: { code: "UND_ERR_SOCKET" } });
      expect(faults.held).toBe(0);
      expect((await ask("entra")).status).toBe(200);
    },
  );
});

describe.each(SERVICES)("/emulator/faults of %s", (service) => {
  const HANG: FaultRule = { service: "graph", account: "works", times: 3, fault: { kind: "hang" } };

  function request(method: string, headers: Record<string, string> = {}, body?: string): Promise<Response> {
    return fetch(`${servers[service].url}/emulator/faults`, { method, headers, ...(body !== undefined && { body }) });
  }

  function post(rule: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return request("POST", { "content-type": "application/json", ...headers }, JSON.stringify(rule));
  }

  test("takes faults, lists them and clears them", async () => {
    const added = await post(HANG);
    expect(added.status).toBe(201);
    expect(await added.json()).toEqual([HANG]);
    const listed = await request("GET");
    expect(listed.status).toBe(200);
    expect(await listed.json()).toEqual([HANG]);
    expect((await request("DELETE")).status).toBe(204);
    expect(await (await request("GET")).json()).toEqual([]);
  });

  test("applies the faults that it took", async () => {
    await post({ service, fault: { kind: "status", status: 503 } });
    expect((await ask(service)).status).toBe(503);
  });

  const KINDS = "slow, hang, close, closeMidway, status, entraError, graphError, truncatedJson";
  test.each<[unknown, string]>([
    [null, 'service has to be "entra" or "graph". fault.kind has to be one of'],
    [[HANG], 'service has to be "entra" or "graph"'],
    [{ ...HANG, service: "sharepoint" }, 'service has to be "entra" or "graph".'],
    [{ ...HANG, account: "nobody" }, "account has to be one of works, sparse, "],
    [{ ...HANG, account: ["works"] }, "account has to be one of"],
    [{ ...HANG, path: "v1.0" }, "path has to be a text that begins with /."],
    [{ ...HANG, times: 0 }, "times has to be a whole number from 1 to 1000000."],
    [{ ...HANG, fault: "hang" }, `fault.kind has to be one of ${KINDS}`],
    [{ ...HANG, fault: { kind: "toString" } }, "fault.kind has to be one of"],
    [{ ...HANG, time: 1 }, "time is unknown."],
    [{ ...HANG, fault: { kind: "slow" } }, "fault.delayMs has to be a whole number from 0 to 60000."],
    [{ ...HANG, fault: { kind: "slow", delayMs: 60_001 } }, "fault.delayMs has to be"],
    [{ ...HANG, fault: { kind: "hang", delayMs: 1 } }, "fault.delayMs is unknown."],
    [{ ...HANG, fault: { kind: "status", status: 101 } }, "fault.status has to be a whole number from 200 to 599."],
    [{ ...HANG, fault: { kind: "status", status: 503, retryAfter: "1\r\nx: y" } }, "fault.retryAfter has to be"],
    [{ ...HANG, fault: { kind: "graphError", status: 401, code: "x", headers: { "a b": "c" } } }, "fault.headers has"],
    [{ ...HANG, fault: { kind: "graphError", status: 401, code: "" } }, "fault.code has to be a text"],
    [{ ...HANG, fault: { kind: "html", status: 404 } }, "fault.status has to be 200 or 502."],
    [{ ...HANG, fault: { kind: "redirect", location: "https://evil.example" } }, "fault.location has to be an http"],
    [{ ...HANG, fault: { kind: "redirect", location: "http://localhost.evil.example" } }, "fault.location has to be"],
    [{ ...HANG, fault: { kind: "emptyToken" } }, "emptyToken is a fault of entra only."],
    [{ ...HANG, fault: { kind: "entraError", number: 50076, error: "x" } }, "entraError is a fault of entra only."],
    [{ ...HANG, service: "entra", fault: { kind: "graphError", status: 401, code: "x" } }, "a fault of graph only."],
  ])("refuses %j and says why", async (rule, why) => {
    const response = await post(rule);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ status: 400, detail: expect.stringContaining(why) });
    expect(faults.rules).toEqual([]);
  });

  test("refuses what is not JSON", async () => {
    const response = await request("POST", { "content-type": "application/json" }, "{");
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: "The body is not JSON." });
  });

  test("takes 100 faults and no more", async () => {
    for (let count = 0; count < 100; count += 1) faults.add(HANG);
    const response = await post(HANG);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ detail: "There are 100 faults. Clear them first." });
    expect(faults.rules).toHaveLength(100);
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "application/jsonp"])(
    "refuses %s, which a page can send to any address",
    async (contentType) => {
      const response = await request("POST", { "content-type": contentType }, JSON.stringify(HANG));
      expect(response.status).toBe(415);
      expect(faults.rules).toEqual([]);
    },
  );

  test.each([
    { origin: "https://evil.example" },
    { origin: "http://localhost:1" },
    { origin: "null" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
  ])("refuses a page of another origin: %j", async (headers) => {
    faults.add(HANG);
    expect((await post(HANG, headers)).status).toBe(403);
    expect((await request("GET", headers)).status).toBe(403);
    expect((await request("DELETE", headers)).status).toBe(403);
    expect(faults.rules).toEqual([HANG]);
  });

  test("serves pages of its own origin", async () => {
    expect((await post(HANG, { origin: servers[service].url })).status).toBe(201);
  });

  test("does not exist when asked by Microsoft's name", async () => {
    const host = { entra: "login.microsoftonline.com", graph: "graph.microsoft.com" }[service];
    const headers = { host, "content-type": "application/json" };
    const asked = http.request(`${servers[service].url}/emulator/faults`, { method: "POST", headers });
    asked.end(JSON.stringify(HANG));
    const [response] = (await once(asked, "response")) as [http.IncomingMessage];
    expect(response.statusCode).toBe(404);
    expect(await text(response)).toBe('{"error":"not_found"}');
    expect(faults.rules).toEqual([]);
  });
});

test("a fault that does not hold together is refused in process too", () => {
  expect(() => faults.add({ service: "graph", account: "nobody", fault: { kind: "hang" } })).toThrow(
    "account has to be",
  );
});

describe("docs/faults.md", () => {
  const page = readFile(new URL("../../../docs/faults.md", import.meta.url), "utf8");

  test("shows faults that are taken", async () => {
    const shown = [...(await page).matchAll(/-d '(\{[^']+\})'/g)].map(([, rule = ""]) => JSON.parse(rule) as FaultRule);
    expect(shown.length).toBeGreaterThan(1);
    for (const rule of shown) faults.add(rule);
    expect(faults.rules).toEqual(shown);
  });

  test("lists every kind of fault", async () => {
    const addUnknown = () => faults.add({ service: "graph", fault: { kind: "?" } } as unknown as FaultRule);
    const kinds = [...(await page).matchAll(/^\| `(?!kind`)(\w+)`[^|]*\|[^|]*\|[^|]*\|$/gm)].map(([, kind]) => kind);
    expect(addUnknown).toThrow(`fault.kind has to be one of ${kinds.join(", ")}.`);
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const [, listed = ""] = /The kinds are (.*?)\./s.exec(readme) ?? [];
    expect([...listed.matchAll(/`(\w+)`/g)].map(([, kind]) => kind)).toEqual(kinds);
  });
});
