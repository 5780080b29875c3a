import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Validator } from "@seriousme/openapi-schema-validator";
import { API, type Registration } from "easy-auth-local";
import { type FunctionsHost, listenOnLoopback, startFunctionsHost } from "easy-auth-local/parts";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { accountOf } from "./support/account.ts";
import { type AppCopy, blocksOf, buildCopyWith } from "./support/app-copy.ts";
import { ENVIRONMENT } from "./support/exchange.ts";
import type { OpenApiDocument } from "./support/openapi.ts";
import { routeOrigin } from "./support/route-origin.ts";
import { routeTlsHost } from "./support/route-tls-host.ts";
import { startStack as start, type TestStack } from "./support/stack.ts";

const PAGE = "docs/add-an-endpoint.md";
const ORDERS: Registration = {
  clientId: "22223333-cccc-4444-dddd-5555eeee6666",
  displayName: "Orders",
  identifierUris: ["api://orders.contoso.com"],
  scopes: ["Orders.Read"],
  preAuthorizedApplications: [API.clientId],
};
/** An API without consent. */
const PRIVATE: Registration = {
  ...ORDERS,
  clientId: "33334444-dddd-5555-eeee-6666ffff7777",
  identifierUris: ["api://private"],
  preAuthorizedApplications: [],
};

/** An endpoint with several resources at once, which no page shows. */
const PARALLEL = `import { app } from "@azure/functions";
import { asUser, fetchAs, graphFor } from "../app.ts";
const ORDERS = { origin: "https://orders.contoso.com", scope: "api://orders.contoso.com/Orders.Read" };
const PRIVATE = { origin: "https://private.contoso.com", scope: "api://private/Orders.Read" };
app.http("parallel", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["User.Read", ORDERS.scope], async (user) => {
    await graphFor(user).api("/me").get();
    return { jsonBody: await (await fetchAs(user, ORDERS, "/orders")).json() };
  }),
});
app.http("private", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser([ORDERS.scope, PRIVATE.scope], async (user) => {
    await fetchAs(user, ORDERS, "/orders");
    await fetchAs(user, PRIVATE, "/");
    return {};
  }),
});
app.http("drive-content", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["Files.Read"], async (user) => ({
    body: await graphFor(user).api("/me/drive/items/01NOTES/content").getStream(),
  })),
});
app.http("undeclared", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["User.Read"], async (user) => {
    await fetchAs(user, ORDERS, "/orders");
    return {};
  }),
});
`;

/** Completes a handler of README to a file; the rest is as on the page. */
function fileOf(name: string, snippet: string): string {
  const registered = snippet.replace(
    /^asUser\(/m,
    `app.http("${name}", { methods: ["GET"], authLevel: "anonymous", handler: asUser(`,
  );
  const names = ["asUser", "credentialFor", "fetchAs", "graphFor"].filter((one) => registered.includes(`${one}(`));
  const imports = `import { app } from "@azure/functions";\nimport { ${names.join(", ")} } from "../app.ts";\n`;
  return `${imports}${registered.trimEnd().replace(/\);$/, ") });")}\n`;
}

const closers: (() => unknown)[] = [];
let copy: AppCopy;
let stack: TestStack;
let host: FunctionsHost;
let blocks: readonly string[];

beforeAll(async () => {
  blocks = (await blocksOf(PAGE)).filter((block) => block.includes("app.http("));
  const shown = await blocksOf("README.md");
  const [graph = "", sdk = "", own = "", order = "", pages = "", stepUp = "", drive = ""] = blocks;
  copy = await buildCopyWith({
    "manager.ts": graph,
    "containers.ts": sdk,
    "orders.ts": own,
    ...{ "new-order.ts": order, "messages.ts": pages, "payments.ts": stepUp, "drive-file.ts": drive },
    ...Object.fromEntries(shown.map((block, index) => [`readme-${index}.ts`, fileOf(`readme-${index}`, block)])),
    "parallel.ts": PARALLEL,
  });
  closers.push(() => copy.remove());
  stack = await start({
    registrations: { orders: ORDERS, private: PRIVATE },
    files: [],
  });
  closers.push(() => stack.close());
  closers.push(routeTlsHost("contoso.blob.core.windows.net", Number(new URL(stack.storage?.accountUrl ?? "").port)));
  await startOrders();
  host = await startFunctionsHost({ appRoot: copy.root, settings: { ...ENVIRONMENT } as Record<string, string> });
  closers.push(() => host.close());
}, 120_000);
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Starts a service that answers with the path and the audience of its token. */
async function startOrders(): Promise<void> {
  const server = http.createServer(async (request, response) => {
    const sent = await text(request);
    if (sent.includes("sold out")) {
      response.writeHead(409, { "content-type": "application/problem+json" }).end('{"title":"Sold out"}');
      return;
    }
    const [, claims = ""] = (request.headers.authorization ?? "").split(".");
    const { aud, scp, oid } = JSON.parse(Buffer.from(claims, "base64url").toString());
    response.setHeader("content-type", "application/json").end(JSON.stringify({ path: request.url, aud, scp, oid }));
  });
  const listening = await listenOnLoopback(server, 0, ["orders.contoso.com"]);
  closers.push(() => listening.close(), routeOrigin("https://orders.contoso.com", listening.url));
}

async function call(name: string, init: RequestInit = {}, changes: Record<string, unknown> = {}): Promise<Response> {
  const headers = { ...init.headers, authorization: `Bearer ${await stack.token("works", changes)}` };
  return fetch(`${host.url}/api/${name}`, { redirect: "manual", ...init, headers });
}

function post(name: string, body: string): Promise<Response> {
  return call(name, { method: "POST", headers: { "content-type": "application/json" }, body });
}

function consentTo(...permissions: string[]): void {
  stack.directory.consents.grant(API, { names: permissions });
}

function scopesAskedSince(asked: number): readonly string[] {
  const forms = stack.tokenRequests.slice(asked).map(({ body }) => body as Record<string, string>);
  return forms.map(({ scope }) => scope?.split(" ")[0] ?? "");
}

const MANAGER = { displayName: "Megan Bowen", mail: "megan.bowen@contoso.example" };

function graphHasManager(): () => void {
  return stack.faults.add({
    service: "graph",
    path: "/v1.0/me/manager",
    fault: { kind: "status", status: 200, body: MANAGER },
  });
}

describe("an endpoint that is added by the page", () => {
  test("is one file of at most 20 lines", () => {
    expect(blocks).toHaveLength(7);
    for (const block of blocks) expect(block.trimEnd().split("\n").length).toBeLessThanOrEqual(20);
  });

  test("calls Graph, once there is consent to the scope it names; without, it says whose is missing", async () => {
    const refused = await call("manager");
    expect([refused.status, await refused.json()]).toMatchObject([
      403,
      { code: "consent_required", resource: "https://graph.microsoft.com" },
    ]);
    consentTo("User.Read.All");
    const undo = graphHasManager();
    const [asked, response] = [stack.tokenRequests.length, await call("manager")];
    undo();
    expect([response.status, await response.json()]).toEqual([200, MANAGER]);
    expect(scopesAskedSince(asked)).toEqual(["https://graph.microsoft.com/User.Read.All"]);
  });

  test("calls Storage with the Azure SDK, as the user", async () => {
    const response = await call("containers");
    expect([response.status, await response.json()]).toEqual([200, ["documents"]]);
    expect(stack.storageRequests.at(-1)?.account.key).toBe("works");
  });

  test("calls one's own API, with a token for it", async () => {
    const response = await call("orders");
    expect([response.status, await response.json()]).toEqual([
      200,
      {
        path: "/orders?top=5",
        aud: ORDERS.clientId,
        scp: "Orders.Read",
        oid: accountOf(stack.directory, "works").objectId,
      },
    ]);
  });
});

describe("an endpoint that takes a body, as on the page,", () => {
  test("passes it on to one's own API, and the API's refusal back to the caller", async () => {
    const taken = await post("new-order", '{"article":"a","count":1,"more":1}');
    expect([taken.status, await taken.json()]).toMatchObject([200, { path: "/orders", scp: "Orders.Read" }]);
    const refused = await post("new-order", '{"article":"sold out","count":1}');
    expect(refused.headers.get("content-type")).toBe("application/problem+json");
    expect([refused.status, await refused.json()]).toEqual([409, { title: "Sold out" }]);
  });

  test.each(["", "{", "article=a", '{"article":"a"}', '{"article":"a","count":0}', "[]"])(
    "says what is wrong with %j, before anybody is asked",
    async (body) => {
      const response = await post("new-order", body);
      expect([response.status, await response.json()]).toMatchObject([400, { code: "invalid_request" }]);
    },
  );
});

describe("the OpenAPI document of an app with these endpoints", () => {
  const document = async () => (await (await fetch(`${host.url}/api/openapi.json`)).json()) as OpenApiDocument;

  test("is there without a token, valid, and has each of them", async () => {
    const { paths } = await document();
    const added = ["manager", "containers", "orders", "new-order", "messages", "payments", "drive-file"];
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(added.map((name) => `/api/${name}`)));
    const { valid, errors } = await new Validator().validate({ ...(await document()) });
    expect(valid ? [] : errors).toEqual([]);
  });

  test("says what one takes by the schema that it checks with", async () => {
    const { post } = (await document()).paths["/api/new-order"] ?? {};
    expect(post?.summary).toBe("Orders an article");
    expect(post?.requestBody?.content["application/json"]?.schema).toMatchObject({
      required: ["article", "count"],
      properties: { article: { type: "string" }, count: { type: "integer", minimum: 1 } },
    });
  });

  test("knows of one that declares nothing its scopes, and how it fails", async () => {
    const { get } = (await document()).paths["/api/manager"] ?? {};
    expect(get).toMatchObject({
      description: "On behalf of the user: https://graph.microsoft.com/User.Read.All.",
      responses: { 403: { $ref: "#/components/responses/Problem403" } },
    });
  });
});

describe("an endpoint with pages, as on the page,", () => {
  const pageWith = (body: object) =>
    stack.faults.add({
      service: "graph",
      path: "/v1.0/me/messages",
      times: 1,
      fault: { kind: "status", status: 200, body },
    });

  test("gives one after the other, by the address that Graph gave", async () => {
    consentTo("Mail.Read");
    pageWith({
      value: [{ id: "1" }],
      "@odata.nextLink": "https://graph.microsoft.com/v1.0/me/messages?$top=25&$skip=25",
    });
    const first = (await (await call("messages")).json()) as { continuation: string };
    pageWith({ value: [{ id: "2" }] });
    const second = await call(`messages?continuation=${first.continuation}`);
    expect(await second.json()).toEqual({ messages: [{ id: "2" }] });
    expect(stack.graphRequests.at(-1)?.url.searchParams.get("$skip")).toBe("25");
  });

  test.each([
    "https://graph.microsoft.com/v1.0/me/contacts",
    "https://evil.example/v1.0/me/messages?",
    "/me/messages?",
  ])("sends no request for %s, which a client made up", async (address) => {
    const asked = stack.graphRequests.length;
    const response = await call(`messages?continuation=${Buffer.from(address).toString("base64url")}`);
    expect([response.status, stack.graphRequests.length]).toEqual([400, asked]);
  });
});

test("an endpoint that asks for a stronger sign-in, as on the page, challenges, and takes one that has it", async () => {
  const challenged = await call("payments");
  const { code, claims } = (await challenged.json()) as { code: string; claims: string };
  expect([challenged.status, code]).toEqual([401, "claims_challenge"]);
  expect(JSON.parse(claims)).toEqual({ access_token: { acrs: { essential: true, value: "c1" } } });
  const allowed = await call("payments", {}, { acrs: ["c1"] });
  expect([allowed.status, await allowed.json()]).toEqual([200, { allowed: ["c1"] }]);
});

describe("an endpoint with large content of Graph, as on the page,", () => {
  test("sends the caller to it, who needs no token there", async () => {
    consentTo("Files.ReadWrite", "Files.Read");
    const response = await call("drive-file?name=01NOTES");
    expect([response.status, response.headers.get("cache-control")]).toEqual([302, "no-store"]);
    expect(await (await fetch(response.headers.get("location") ?? "")).text()).toContain("without a token");
  });

  test("reads the content itself, where it asks for that: Graph redirects to another host, which gets no token", async () => {
    consentTo("Files.ReadWrite", "Files.Read");
    const response = await call("drive-content");
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("without a token")]);
  });

  test("gives the address to upload to, which takes parts without a token", async () => {
    consentTo("Files.ReadWrite");
    const response = await call("drive-file?name=report.csv", { method: "POST" });
    const { uploadUrl } = (await response.json()) as { uploadUrl: string };
    expect(response.status).toBe(201);
    const put = (body: string, range: string) =>
      fetch(uploadUrl, { method: "PUT", body, headers: { "content-range": `bytes ${range}` } });
    expect([(await put("abc", "0-2/5")).status, (await put("de", "3-4/5")).status]).toEqual([202, 201]);
  });
});

describe("the snippets of README", () => {
  test("call Graph, Storage and one's own API as the user", async () => {
    consentTo("User.Read.All");
    const undo = graphHasManager();
    const [graph, sdk, own] = await Promise.all([call("readme-0"), call("readme-1"), call("readme-2")]);
    undo();
    expect(await graph?.json()).toEqual(MANAGER);
    expect([sdk?.status, await sdk?.json()]).toMatchObject([200, { blobAnalyticsLogging: {} }]);
    expect(await own?.json()).toMatchObject({ path: "/orders", aud: ORDERS.clientId });
  });
});

const BOTH = ["api://orders.contoso.com/Orders.Read", "https://graph.microsoft.com/User.Read"];

describe("an endpoint with scopes of several resources", () => {
  test("works with each, one token for each", async () => {
    const asked = stack.tokenRequests.length;
    const response = await call("parallel");
    expect([response.status, await response.json()]).toMatchObject([200, { path: "/orders" }]);
    expect([...scopesAskedSince(asked)].sort()).toEqual(BOTH);
  });

  test("has them exchanged together, when the first is used", async () => {
    const refusal = { kind: "graphError", status: 403, code: "Authorization_RequestDenied" } as const;
    const undo = stack.faults.add({ service: "graph", path: "/v1.0/me", fault: refusal });
    const asked = stack.tokenRequests.length;
    expect((await call("parallel")).status).toBe(403);
    undo();
    // The handler never used the second resource.
    await vi.waitFor(() => expect([...scopesAskedSince(asked)].sort()).toEqual(BOTH), 10_000);
  });

  test("says whose consent is missing when it is one of them", async () => {
    const response = await call("private");
    expect([response.status, await response.json()]).toMatchObject([
      403,
      { code: "consent_required", resource: "api://private" },
    ]);
  });

  test("gets no token for a resource whose scope it does not name", async () => {
    const asked = stack.tokenRequests.length;
    const response = await call("undeclared");
    expect([response.status, await response.json()]).toMatchObject([500, { code: "internal_error" }]);
    expect(scopesAskedSince(asked)).toEqual([]);
  });
});

describe("the test on the page", () => {
  /** Starts the page's stack for the app with the page's endpoint. */
  const startStack: typeof start = (options) => start({ ...options, api: { app: copy.root } });

  // Only one stack can run at a time, and one server on the port of Orders.
  beforeAll(async () => {
    for (const close of closers.splice(1).reverse()) await close();
  });

  test("POST /api/new-order hands an order on as the user, and says what is wrong with one", async () => {
    // Stands for the service: answers with the request's body.
    const orders = http.createServer((request, response) => request.pipe(response)).listen(0, "localhost");
    await once(orders, "listening");
    onTestFinished(() => void orders.close());
    const { port } = orders.address() as AddressInfo;
    const origin = "https://orders.contoso.com";
    const stack = await startStack({
      services: {
        orders: { origin, url: `http://localhost:${port}`, scopes: ["api://orders.contoso.com/Orders.Read"] },
      },
    });
    const headers = { authorization: `Bearer ${await stack.token("works")}`, "content-type": "application/json" };
    const post = async (order: unknown) =>
      fetch(`${stack.apiUrl}/api/new-order`, { method: "POST", headers, body: JSON.stringify(order) });

    const taken = await post({ article: "Pencil", count: 2 });
    expect([taken.status, await taken.text()]).toEqual([200, '{"article":"Pencil","count":2}']);
    const refused = await post({ article: "Pencil", count: 0 });
    expect(await refused.json()).toMatchObject({ status: 400, code: "invalid_request" });
  });

  test("is here word for word", async () => {
    const joined = (text: string) => text.replaceAll(/[\s,]/g, "");
    const [, shown = ""] = /^(test\("POST.*?^\}\);)$/ms.exec((await blocksOf(PAGE)).join("")) ?? [];
    expect(joined(await readFile(new URL(import.meta.url), "utf8"))).toContain(joined(shown));
  });
});
