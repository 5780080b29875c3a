import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readConfiguration } from "easy-auth-local";
import { describe, expect, onTestFinished, test } from "vitest";
import { readDocument } from "../scripts/openapi/read-document.ts";
import { buildCopyWith } from "./support/app-copy.ts";
import { loadFunctions } from "./support/load-functions.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LIST = "infra/graph-scopes.json";
const OTHER_LIST = "infra/other-scopes.json";
const GRAPH = "https://graph.microsoft.com/";
/** Azure Storage's delegated permission, which `infra/entra.bicep` registers where files are on. */
const STORAGE_SCOPE = "https://storage.azure.com/user_impersonation";

/** Names scopes that no list has. */
const SAMPLE = `import { app } from "@azure/functions";
import { asUser, graphFor } from "../app.ts";
app.http("sample", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["Sample.Read", "https://contoso.com/Other.Read"], async (user) => ({ jsonBody: await graphFor(user).api("/me/samples").get() })),
});
`;

/** Scopes of both lists. */
async function listIn(root: string): Promise<readonly string[]> {
  const [graph, others] = await Promise.all([LIST, OTHER_LIST].map((name) => readFile(`${root}/${name}`, "utf8")));
  return [...JSON.parse(graph ?? ""), ...Object.values<readonly string[]>(JSON.parse(others ?? "")).flat()];
}

/** Endpoints by the scope that they name. */
type Named = Readonly<Record<string, readonly string[]>>;

/** Says what to do about each scope that endpoints name and the deployment does not register, or the other way round. */
function disagreements(named: Named, registered: readonly string[]): readonly string[] {
  const missing = Object.keys(named).filter((scope) => !registered.includes(scope) && scope !== STORAGE_SCOPE);
  const leftOver = registered.filter((scope) => !named[scope]);
  return [
    ...missing.map(
      (scope) =>
        `The endpoint ${named[scope]?.join(" and ")} names ${scope}, and ${fileOf(scope)} does not list it: add it there.`,
    ),
    ...leftOver.map((scope) => `${fileOf(scope)} lists ${scope}, and no endpoint names it: remove it there.`),
  ];
}

async function change(file: string, to: (content: string[]) => unknown): Promise<void> {
  await writeFile(file, JSON.stringify(to(JSON.parse(await readFile(file, "utf8")))));
}

const fileOf = (scope: string) => (scope.includes("/") ? OTHER_LIST : LIST);

async function scopesOfEndpoints(root: string): Promise<Named> {
  const named: Record<string, readonly string[]> = {};
  for (const [name, { handler }] of await loadFunctions(root)) {
    const { scopes = [] } = handler as { readonly scopes?: readonly string[] };
    for (const scope of scopes.map((one) => one.replace(GRAPH, ""))) named[scope] = [...(named[scope] ?? []), name];
  }
  return named;
}

describe("the scopes that endpoints name", () => {
  test("are those that the deployment registers and consents to", async () => {
    const named = await scopesOfEndpoints(ROOT);
    expect(disagreements(named, await listIn(ROOT))).toEqual([]);
    expect(named).toHaveProperty([STORAGE_SCOPE]);
  });

  test("may include a new one if its list names it; otherwise one message names the endpoint, the scope and the list", async () => {
    const { root, remove } = await buildCopyWith({ "sample.ts": SAMPLE });
    onTestFinished(remove);
    const named = await scopesOfEndpoints(root);
    expect(JSON.parse(await readDocument(`${root}/`)).paths).toHaveProperty(["/api/sample"]);
    const listed = await listIn(root);
    const before = disagreements(await scopesOfEndpoints(ROOT), listed);
    const messages = [
      `The endpoint sample names Sample.Read, and ${LIST} does not list it: add it there.`,
      `The endpoint sample names https://contoso.com/Other.Read, and ${OTHER_LIST} does not list it: add it there.`,
    ];
    expect(disagreements(named, listed).toSorted()).toEqual([...before, ...messages].toSorted());

    await change(`${root}/${LIST}`, (list) => [...list, "Sample.Read"]);
    await change(`${root}/${OTHER_LIST}`, (lists) => ({ ...lists, id: ["https://contoso.com/Other.Read"] }));
    expect(disagreements(named, await listIn(root))).toEqual(before);
    const { registrations } = await readConfiguration(`${root}/easy-auth-local.json`);
    expect(registrations?.api).toMatchObject({
      delegatedPermissions: expect.arrayContaining([
        ...listed,
        "Sample.Read",
        "https://contoso.com/Other.Read",
        STORAGE_SCOPE,
      ]),
    });
  });

  test("may come in any order in the list", () => {
    const named = { "User.Read": ["profile", "photo"], [STORAGE_SCOPE]: ["files"], "Mail.Read": ["messages"] };
    expect(disagreements(named, ["User.Read", "Mail.Read"])).toEqual([]);
    expect(disagreements(named, ["Mail.Read", "User.Read"])).toEqual([]);
  });

  test.each([
    ["Mail.Read", `The endpoint messages names Mail.Read, and ${LIST} does not list it: add it there.`],
    [
      "https://vault.azure.net/user_impersonation",
      `The endpoint messages names https://vault.azure.net/user_impersonation, and ${OTHER_LIST} does not list it: add it there.`,
    ],
  ])("that are not registered give one message, which names them: %s", (scope, message) => {
    expect(disagreements({ "User.Read": ["profile"], [scope]: ["messages"] }, ["User.Read"])).toEqual([message]);
  });

  test("that no endpoint names any more give one message, which names them", () => {
    const message = `${LIST} lists Mail.Read, and no endpoint names it: remove it there.`;
    expect(disagreements({ "User.Read": ["profile"] }, ["User.Read", "Mail.Read"])).toEqual([message]);
  });
});
