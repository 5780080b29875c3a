import { randomBytes, randomUUID } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { sendRaw } from "../../../../test/support/raw-http.ts";
import { startStack, type TestStack } from "../../../../test/support/stack.ts";
import { API, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import type { Hop, Trace } from "../../src/trace/hop.ts";
import { traceLines } from "../../src/trace/terminal.ts";

const PROBLEM_TEXT = /^You are signed in, but this app has no consent/;
let stack: TestStack;
let settled: { trace: Trace; hops: readonly Hop[] }[] = [];
beforeAll(async () => {
  stack = await startStack({ onTrace: (trace, hops) => settled.push({ trace, hops }) });
});
beforeEach(() => {
  settled = [];
});

async function getProfile(account: string, headers: Record<string, string> = {}, origin = stack.apiUrl) {
  // A new token each time, so that the API has to exchange it.
  const authorization = `Bearer ${await stack.token(account, { uti: randomUUID() })}`;
  return fetch(`${origin}/api/profile`, { headers: { authorization, ...headers } });
}

function shown({ hops }: Trace): string | undefined {
  return hops[0]?.path;
}

/** Resolves to the trace of the latest request, once all its hops have ended. */
async function latest(path = "/api/profile"): Promise<Trace> {
  const isIt = ({ trace }: { trace: Trace }) => [shown(trace), shown(trace)?.split("?", 1)[0]].includes(path);
  await vi.waitFor(() => expect(settled.some(isIt)).toBe(true), 10_000);
  return (settled.findLast(isIt) as { trace: Trace }).trace;
}

function outline({ hops }: Trace): string[] {
  return hops.map(
    ({ sender, station, depth, method, status }) => `${depth} ${sender} → ${station} ${method} ${status}`,
  );
}

async function page(): Promise<string> {
  return (await fetch(`${stack.entraUrl}/trace`)).text();
}

describe("a request of a signed-in browser", () => {
  test("is one trace, through both gates, to Entra and Graph", async () => {
    const browser = await stack.signIn("works");
    await browser.fetch("/api/profile");
    const trace = await latest();
    expect(outline(trace).filter((line) => !line.includes("Entra GET"))).toEqual([
      "0 browser → frontend gate GET 200",
      "1 frontend gate → frontend GET 200",
      "2 frontend → API gate GET 200",
      "3 API gate → function GET 200",
      "4 function → Entra POST 200",
      "4 function → Graph GET 200",
    ]);
    expect(trace.account).toBe("works");
  });

  test("shows the tokens of each hop, decoded", async () => {
    const browser = await stack.signIn("sparse");
    await browser.fetch("/api/profile");
    const { hops } = await latest();
    const seen = hops.flatMap(({ station, tokens }) =>
      tokens.map(({ where, claims }) => [station, where, claims?.aud]),
    );
    expect(seen).toEqual([
      ["frontend", "X-MS-TOKEN-AAD-ACCESS-TOKEN", API.clientId],
      ["frontend", "X-MS-TOKEN-AAD-ID-TOKEN", FRONTEND.clientId],
      ["API gate", "Authorization", API.clientId],
      ["function", "Authorization", API.clientId],
      ["Entra", "assertion", API.clientId],
      ["Entra", "access_token (answered)", "https://graph.microsoft.com"],
      ["Entra", "id_token (answered)", API.clientId],
      ["Graph", "Authorization", "https://graph.microsoft.com"],
    ]);
  });

  test("shows the gate's own request to Entra during the sign-in", async () => {
    await stack.signIn("works");
    const { hops, account } = await latest("/.auth/login/aad/callback");
    expect(hops[0]?.path).toMatch(/\?code=\(not shown\)&.*state=\(not shown\)/);
    expect(account).toBe("works");
    expect(hops.at(-1)).toMatchObject({ sender: "frontend gate", station: "Entra", method: "POST", status: 200 });
    expect(hops.at(-1)?.notes).toContainEqual(["grant_type", "authorization_code"]);
  });
});

describe("requests are put into one trace", () => {
  test("by the traceparent that the client sent", async () => {
    const id = randomBytes(16).toString("hex");
    await getProfile("works", { traceparent: `00-${id}-b7ad6b7169203331-01` });
    const trace = await latest();
    expect(trace.id).toBe(id);
    expect(trace.hops.map(({ station }) => station)).toEqual(["API gate", "function", "Entra", "Graph"]);
  });

  test("by the correlation id that the answer names, when the client sent nothing", async () => {
    const response = await getProfile("works", {}, stack.functions.url);
    const trace = await latest();
    expect(response.headers.get("x-correlation-id")?.replaceAll("-", "")).toBe(trace.id);
    expect(outline(trace)[0]).toBe("0 client → function GET 200");
  });

  test.each([
    ["a header", (id: string) => fetch(`${stack.graphUrl}/v1.0/me`, { headers: { "client-request-id": id } })],
    ["a parameter", (id: string) => fetch(`${stack.graphUrl}/v1.0/me?client-request-id=${id}`)],
  ])("by client-request-id as %s, as an app in another process sends it", async (_, ask) => {
    const id = randomUUID();
    await Promise.all([ask(id), ask(id)]);
    await vi.waitFor(() => expect(settled.at(-1)?.trace).toMatchObject({ id: id.replaceAll("-", "") }), 10_000);
    expect(settled.at(-1)?.trace.hops.length).toBe(2);
  });

  test("only in these ways: two requests without an id are two traces", async () => {
    await Promise.all([fetch(`${stack.apiUrl}/api/health`), fetch(`${stack.apiUrl}/api/health`)]);
    await vi.waitFor(() => expect(settled.length).toBe(2), 10_000);
    expect(new Set(settled.map(({ trace }) => trace.id)).size).toBe(2);
  });

  test("separately for each user, even when many ask at once", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => getProfile(index % 2 === 0 ? "works" : "sparse")));
    await vi.waitFor(() => expect(settled.length).toBe(20), 10_000);
    for (const { trace } of settled) {
      const users = trace.hops.flatMap(({ tokens }) => tokens.map(({ claims }) => claims?.oid));
      expect(new Set(users).size).toBe(1);
      expect(trace.hops.length).toBe(4);
    }
  });
});

describe("a failure", () => {
  test("is shown with the AADSTS number where it began, and with the API's code above", async () => {
    await getProfile("no-consent");
    const { hops, account } = await latest();
    expect(account).toBe("no-consent");
    expect(hops.map(({ station, failure }) => [station, failure?.code])).toEqual([
      ["API gate", "consent_required"],
      ["function", "consent_required"],
      ["Entra", "AADSTS65001"],
    ]);
    expect(hops[0]?.failure?.text).toMatch(PROBLEM_TEXT);
    expect(hops[2]?.failure?.text).toMatch(/^invalid_grant, consent_required: The user or administrator/);
  });

  test("shows what the function logged", async () => {
    await getProfile("no-consent");
    const hop = (await latest()).hops.find(({ station }) => station === "function");
    expect(hop?.notes).toContainEqual(["Function", "profile"]);
    expect(hop?.logs).toEqual([expect.stringMatching(/^warning: \{.*"code":"consent_required"/)]);
  });

  test("of Graph is shown with Graph's code", async () => {
    const fault = { kind: "graphError", status: 403, code: "Authorization_RequestDenied" } as const;
    stack.faults.add({ service: "graph", account: "sparse", times: 1, fault });
    await getProfile("sparse");
    expect((await latest()).hops.at(-1)).toMatchObject({ status: 403, failure: { code: fault.code } });
  });

  test("of the gate is shown with its rule", async () => {
    await fetch(`${stack.apiUrl}/api/profile`);
    const [hop] = (await latest()).hops;
    expect(hop).toMatchObject({
      status: 401,
      failure: { text: expect.stringMatching(/^there is no bearer token, .*unauthenticatedClientAction: Return401/) },
    });
  });

  test("includes a connection that ended without an answer", async () => {
    stack.faults.add({ service: "graph", account: "sparse", times: 1, fault: { kind: "close" } });
    await getProfile("sparse");
    const hop = (await latest()).hops.find(({ station }) => station === "Graph");
    expect(hop).toMatchObject({ durationMs: expect.any(Number) });
    expect(hop).not.toHaveProperty("status");
  });
});

describe("an answer that is not what it should be", () => {
  test.each(["null", "7", "[]", '"text"', '{"access_token":null}', '{"error_codes":["x"],"error":null}'])(
    "is passed on as it is, and leaves the trace whole: %s",
    async (body) => {
      const fault = { kind: "status", status: 400, body: JSON.parse(body) } as const;
      const undo = stack.faults.add({ service: "entra", account: "sparse", fault });
      await getProfile("sparse");
      undo();
      expect(stack.tokenRequests.at(-1)).toMatchObject({ status: 400, answer: JSON.parse(body) });
      expect((await latest()).hops.at(-1)).toMatchObject({ station: "Entra", status: 400 });
    },
  );
});

describe("the page", () => {
  test("says that this is an emulator, and shows path, account, status and claims", async () => {
    await getProfile("no-consent");
    const { id } = await latest();
    const html = await page();
    expect(html).toContain("Emulators on this machine.");
    const item = html.slice(html.indexOf(`id="t${id}"`)).split("</ol>", 1)[0] ?? "";
    for (const text of [
      "GET /api/profile",
      "no-consent",
      "403",
      "AADSTS65001",
      "&#34;scp&#34;: &#34;user_impersonation&#34;",
    ])
      expect(item).toContain(text);
    expect(item).toContain('aria-label="failed"');
  });

  test("shows a request that is still running", async () => {
    const undo = stack.faults.add({ service: "graph", account: "sparse", fault: { kind: "hang" } });
    const ending = new AbortController();
    const authorization = `Bearer ${await stack.token("sparse", { uti: randomUUID() })}`;
    const asking = fetch(`${stack.apiUrl}/api/profile`, { headers: { authorization }, signal: ending.signal });
    asking.catch(() => undefined);
    await vi.waitFor(async () => expect(await page()).toContain('class="hop running"'));
    undo();
    stack.faults.clear();
    ending.abort();
    await vi.waitFor(async () => expect(await page()).not.toContain('class="hop running"'));
  });

  test("does not run what a request holds", async () => {
    await fetch(`${stack.apiUrl}/api/x?name=%3Cscript%3Ealert(1)%3C/script%3E`);
    await latest("/api/x?name=<script>alert(1)</script>");
    const html = await page();
    expect(html).not.toContain("<script>alert");
    expect(html).toContain("&#60;script&#62;alert(1)");
  });

  test("lets its own script run and no other, and no other origin read it", async () => {
    const { headers } = await fetch(`${stack.entraUrl}/trace`);
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none';.*script-src 'sha256-[\w+/]+=*'/);
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });

  test("answers 304 until there is a new request, and does not record itself", async () => {
    const etag = (await fetch(`${stack.entraUrl}/trace`)).headers.get("etag") ?? "";
    const ask = () => fetch(`${stack.entraUrl}/trace`, { headers: { "if-none-match": etag } });
    expect((await ask()).status).toBe(304);
    await fetch(`${stack.apiUrl}/api/health`);
    expect((await ask()).status).toBe(200);
  });

  test("does not exist at Entra's own host name", async () => {
    const headers = ["Host: login.microsoftonline.com", "Connection: close"];
    expect((await sendRaw(stack.entraUrl, "/trace", headers)).status).toBe(404);
  });
});

describe("in the terminal", () => {
  test("each hop is one line below the hop that caused it; a token is described once, a failure where it began", async () => {
    await getProfile("no-consent");
    const trace = await latest();
    const lines = traceLines(trace, trace.hops, Date.now()).split("\n");
    expect(lines).toEqual([
      `Trace ${trace.id} (no-consent)`,
      expect.stringMatching(
        /^ {2}client → API gate {2}GET \/api\/profile {2}403 \d+ ms {2}✗ consent_required {2}\[token for 0000.* expires in 60 min\]$/,
      ),
      expect.stringMatching(/^ {4}→ function {2}GET \/api\/profile {2}403 \d+ ms {2}✗ consent_required$/),
      expect.stringMatching(/^ {6}→ Entra {2}POST \/…\/oauth2\/v2.0\/token {2}400 .*✗ AADSTS65001: invalid_grant, /),
    ]);
  });

  test("no header of a client changes the output", async () => {
    await fetch(`${stack.apiUrl}/api/x?name=%1b[2J`);
    await vi.waitFor(() => expect(settled.length).toBe(1), 10_000);
    const [{ trace, hops } = { trace: undefined, hops: [] }] = settled;
    expect(trace && traceLines(trace, hops, Date.now())).toMatch(/^[\P{Cc}\n]+$/u);
  });
});

test("no token, signature, code, secret or cookie is shown anywhere", async () => {
  const browser = await stack.signIn("works");
  for (const path of ["/api/profile", "/.auth/me", "/.auth/refresh", "/api/profile?access_token=secret-parameter"])
    await browser.fetch(path);
  await fetch(`${stack.apiUrl}/api/x/${await stack.token("works")}`);
  await getProfile("no-consent");
  await fetch(`${stack.entraUrl}/${TENANT_ID}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: "secret-refresh",
      client_id: API.clientId,
    }),
    headers: { authorization: `Basic ${btoa(`${API.clientId}:${API.clientSecrets[0]}`)}` },
  });
  await vi.waitFor(() => expect(settled.length).toBeGreaterThanOrEqual(10), 10_000);

  const wire = JSON.stringify(stack.requests.map(({ url, body, answer, headers }) => [url, body, answer, headers]));
  const grants = JSON.stringify(stack.tokenRequests.map(({ body, answer }) => [body, answer]));
  const secrets = [
    ...(wire.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []).flatMap((jwt) => jwt.split(".")),
    ...[...grants.matchAll(/"(?:code|refresh_token|code_verifier)":"([^"]+)"/g)].map(([, value = ""]) => value),
    ...[API, FRONTEND].map(({ clientSecrets: [clientSecret] }) => clientSecret),
    ...[browser.cookie("AppServiceAuthSession") ?? "none", browser.cookie("Nonce") ?? "none"],
    ...["secret-parameter", "secret-refresh", btoa(`${API.clientId}:${API.clientSecrets[0]}`)],
  ];
  expect(secrets.length).toBeGreaterThan(20);
  const shown = [await page(), ...settled.map(({ trace, hops }) => traceLines(trace, hops, Date.now()))].join("\n");
  expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
  expect(shown).not.toContain("eyJ");
});
