import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { FaultRule } from "easy-auth-local";
import createClient from "openapi-fetch";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { paths } from "../frontend/page/client/api.d.ts";
import { documentOf, type Endpoint } from "../scripts/openapi/document.ts";
import { addressesOf } from "../scripts/openapi/route.ts";
import { loadFunctions } from "./support/load-functions.ts";
import { answerCheck, type OpenApiDocument, ownDocument, ROOT } from "./support/openapi.ts";
import { startStack, type TestStack } from "./support/stack.ts";

const document = await ownDocument();
const check = answerCheck(document);

/** Compiles the schema of OpenAPI once. */
const validator = new Validator();

async function problemsOf(one: object): Promise<unknown> {
  const { valid, errors } = await validator.validate(structuredClone(one) as Record<string, unknown>);
  return valid ? [] : errors;
}

describe("the OpenAPI document", () => {
  test("is valid OpenAPI 3.1", async () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(await problemsOf(document)).toEqual([]);
  });

  test("has every route of the app with its methods, and no other", async () => {
    const functions = await loadFunctions(ROOT);
    const registered = [...functions.values()].flatMap(({ metadata: { name, bindings } }) =>
      (Object.values(bindings) as { methods?: readonly string[]; route?: string }[]).flatMap(
        ({ methods = [], route = name }) =>
          addressesOf(`api/${route}`).flatMap(({ path }) => methods.map((method) => `${method} ${path}`)),
      ),
    );
    const listed = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.sort()).toEqual(registered.sort());
  });

  test("asks for a token but where Easy Auth asks for none, which is at no endpoint for a user", async () => {
    const { api } = JSON.parse(await readFile(`${ROOT}easy-auth-local.json`, "utf8"));
    const open = Object.entries(document.paths).filter(([, item]) =>
      Object.values(item).every(({ security }) => security?.length === 0),
    );
    const excluded = api.excludedPaths.filter((path: string) => !path.endsWith("/*"));
    expect(open.map(([path]) => path)).toEqual(expect.arrayContaining(excluded));
    expect(JSON.stringify(open)).not.toContain("On behalf of the user");
  });
});

interface Call {
  readonly account?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly faults?: readonly Omit<FaultRule, "account">[];
  /** Path in the document if it differs from the address. */
  readonly path?: string;
  /** Whether the answer has members that the document does not name. */
  readonly isOpen?: true;
}

const graph = (status: number, more: object = {}): Call => ({
  faults: [{ service: "graph", fault: { kind: "graphError", status, code: "someCode", ...more } }],
});
const entra = (number: number, error: string, more: object = {}): Call => ({
  faults: [{ service: "entra", fault: { kind: "entraError", number, error, ...more } }],
});
const FILE: Call = { path: "/api/files/{name}" };

const CALLS: readonly (readonly [address: string, status: number, call?: Call])[] = [
  ["/api/openapi.json", 200, { isOpen: true }],
  ["/api/health", 200],
  ["/api/errors", 200],
  ["/api/profile", 200],
  ["/api/profile?select=displayName,mail", 200],
  ["/api/profile?select=employeeId,department", 200, { isOpen: true }],
  ["/api/profile?select=1", 400],
  ["/api/profile", 401, { headers: { authorization: "" } }],
  ["/api/profile", 401, { headers: { authorization: "Bearer x" } }],
  ["/api/profile", 401, { account: "mfa-needed" }],
  ["/api/profile", 401, entra(500133, "invalid_grant")],
  ["/api/profile", 403, { account: "no-consent" }],
  ["/api/profile", 403, entra(53003, "access_denied", { suberror: "message_only" })],
  ["/api/profile", 403, graph(403)],
  ["/api/profile", 404, graph(404)],
  ["/api/profile", 409, graph(409)],
  ["/api/profile", 412, graph(412)],
  ["/api/profile", 416, graph(416)],
  ["/api/profile", 500, entra(7000215, "invalid_client")],
  ["/api/profile", 502, graph(500)],
  ["/api/profile", 503, graph(429, { headers: { "retry-after": "30" } })],
  ["/api/profile", 503, entra(90055, "invalid_request")],
  ["/api/profile", 503, entra(90033, "temporarily_unavailable")],
  ["/api/profile", 504, { faults: [{ service: "graph", fault: { kind: "hang" } }] }],
  ["/api/get-profile", 200],
  ["/api/get-profile", 403, { account: "no-consent" }],
  ["/api/photo", 200],
  ["/api/photo?size=48", 200],
  ["/api/photo", 206, { headers: { range: "bytes=0-9" } }],
  ["/api/photo", 304, { headers: { "if-none-match": "*" } }],
  ["/api/photo?size=1", 400],
  ["/api/photo", 404, graph(404)],
  ["/api/photo", 412, { headers: { "if-match": '"other"' } }],
  ["/api/photo", 416, { headers: { range: "bytes=9999999-" } }],
  ["/api/files", 200],
  ["/api/files?limit=1", 200],
  ["/api/files?limit=0", 400],
  ["/api/files", 403, { account: "no-role" }],
  ["/api/files/a%20b.txt", 302, FILE],
  ["/api/files/missing.txt", 404, FILE],
  ["/api/files/a%20b.txt", 403, { ...FILE, account: "no-role" }],
];

const RELAYED: typeof CALLS = [
  ["/api/files/a%20b.txt", 200, FILE],
  ["/api/files/a%20b.txt", 206, { ...FILE, headers: { range: "bytes=2-4" } }],
  ["/api/files/a%20b.txt", 304, { ...FILE, headers: { "if-none-match": "*" } }],
  ["/api/files/a%20b.txt", 412, { ...FILE, headers: { "if-match": '"other"' } }],
  ["/api/files/a%20b.txt", 416, { ...FILE, headers: { range: "bytes=10-" } }],
];

const FILES = [{ name: "a b.txt", content: "0123456789", contentType: "text/plain" }];
const FAST = { REQUEST_TIMEOUT_MS: "3000" };

describe.each([
  ["the API", FAST, CALLS],
  ["the API, where clients cannot reach Storage,", { ...FAST, STORAGE_DELIVERY: "relay" }, RELAYED],
] as const)("an answer of %s matches its OpenAPI document:", (_, settings, calls) => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startStack({ files: FILES, settings });
  });
  afterAll(() => stack.close());

  test.each<[string, number, Call?]>(calls.map((call) => [...call]))(
    "%s with %i",
    async (address, status, call = {}) => {
      const { account = "works", headers, faults = [], path = address.split("?")[0] ?? "", isOpen = false } = call;
      for (const fault of faults) onTestFinished(stack.faults.add({ ...fault, account }));
      // A new token for each request, so that nothing is cached for it.
      const authorization = `Bearer ${await stack.token(account, { uti: crypto.randomUUID() })}`;
      for (const method of ["GET", "HEAD"]) {
        const sent = { authorization, ...headers };
        const response = await fetch(`${stack.functions.url}${address}`, { method, redirect: "manual", headers: sent });
        const answer = { status: response.status, headers: response.headers, text: await response.text() };
        if (method === "GET") expect(answer.status).toBe(status);
        expect(check(method, path, answer, isOpen), `${method} ${address}`).toEqual([]);
        expect(answer.headers.get("x-correlation-id")).toMatch(/^[\da-f-]{36}$/);
      }
    },
  );
});

const ENDPOINT: Endpoint = {
  ...{ name: "order", route: "api/orders/{id}", methods: ["GET"] },
  ...{ scopes: ["api://orders/Orders.Read"], isPublic: false, operation: undefined },
};

function operationsOf(...endpoints: readonly Partial<Endpoint>[]): OpenApiDocument["paths"] {
  const described = documentOf({
    ...{ title: "test", version: "1" },
    endpoints: endpoints.map((endpoint) => ({ ...ENDPOINT, ...endpoint })),
  });
  return (JSON.parse(JSON.stringify(described)) as OpenApiDocument).paths;
}

describe("an endpoint", () => {
  test("that declares nothing is in the document, with the failures that asUser answers", async () => {
    const { get } = operationsOf({})["/api/orders/{id}"] ?? {};
    expect(get).toMatchObject({
      summary: "order",
      description: "On behalf of the user: api://orders/Orders.Read.",
      parameters: [{ in: "path", name: "id", required: true, schema: { type: "string" } }],
      responses: { default: { description: "Not declared." }, 403: { $ref: "#/components/responses/Problem403" } },
    });
    expect(await problemsOf(documentOf({ title: "t", version: "1", endpoints: [ENDPOINT] }))).toEqual([]);
  });

  test("with another kind of handler is in the document without failures, which nobody can know", () => {
    const { get } = operationsOf({ scopes: undefined })["/api/orders/{id}"] ?? {};
    expect(get?.responses).toEqual({ default: { description: "Not declared." } });
  });

  test("declares its body and its answer by the schemas that it uses: JSON Schema, or those of zod", async () => {
    const body = z.object({ article: z.string(), count: z.number().int().min(1).default(1) });
    const operation = { summary: "Orders", body, json: z.object({ id: z.string() }) };
    const document = documentOf({
      title: "t",
      version: "1",
      endpoints: [{ ...ENDPOINT, methods: ["POST"], operation }],
    });
    expect(await problemsOf(document)).toEqual([]);
    const { post } = operationsOf({ methods: ["POST"], operation })["/api/orders/{id}"] ?? {};
    expect(post?.requestBody?.content["application/json"]?.schema).toMatchObject({
      type: "object",
      required: ["article"],
      properties: { article: { type: "string" }, count: { type: "integer", minimum: 1, default: 1 } },
    });
    expect(post?.responses["200"]).toMatchObject({
      content: { "application/json": { schema: { type: "object", required: ["id"] } } },
    });
  });

  test("describes in its own words what a failure means there", () => {
    const operation = { summary: "Order", problems: { not_found: "You have no such order." } };
    const { get } = operationsOf({ operation })["/api/orders/{id}"] ?? {};
    expect(get?.responses["404"]).toEqual({
      $ref: "#/components/responses/Problem404",
      description: "You have no such order.",
    });
  });

  test.each([
    ["api/a/{id:int}", ["/api/a/{id}"], { type: "integer", format: "int32" }],
    ["api/a/{id:guid}", ["/api/a/{id}"], { type: "string", format: "uuid" }],
    ["api/a/{id?}", ["/api/a/{id}", "/api/a"], { type: "string" }],
    ["api/a/{*id}", ["/api/a/{id}"], { type: "string" }],
  ])("with the route %s has the addresses %j", async (route, addresses, schema) => {
    const found = operationsOf({ route });
    expect(Object.keys(found).sort()).toEqual([...addresses].sort());
    expect(found["/api/a/{id}"]?.get?.parameters[0]).toMatchObject({ name: "id", schema });
    expect(await problemsOf(documentOf({ title: "t", version: "1", endpoints: [{ ...ENDPOINT, route }] }))).toEqual([]);
  });

  test("cannot use a title that another schema already has", () => {
    const titled = (type: string) => ({ summary: "x", json: { title: "Order", type } });
    const both = () => operationsOf({ operation: titled("object") }, { route: "b", operation: titled("array") });
    expect(both).toThrow("Two schemas differ and have the title Order.");
  });
});

test("openapi-fetch, with the types of the API, gives typed answers and problems", async () => {
  const stack = await startStack();
  const headers = { authorization: `Bearer ${await stack.token("works")}` };
  const api = createClient<paths>({ baseUrl: stack.apiUrl, headers });
  const { data } = await api.GET("/api/profile", { params: { query: { select: "displayName" } } });
  expect(data?.displayName).toBe("Adele Vance");
  const { error } = await api.GET("/api/photo", {
    params: { query: { size: "48" }, header: { "if-match": '"other"' } },
  });
  expect(error?.code === "precondition_failed" && error.status).toBe(412);
});
