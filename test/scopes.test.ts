import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readConfiguration } from "easy-auth-local";
import { describe, expect, onTestFinished, test } from "vitest";
import { readDocument } from "../scripts/openapi/read-document.ts";
import { buildCopyWith } from "./support/app-copy.ts";
import { loadFunctions } from "./support/load-functions.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LIST = "infra/graph-scopes.json";
const GRAPH = "https://graph.microsoft.com/";
/** Azure Storage's delegated permission, which `infra/entra.bicep` registers where files are on. */
const STORAGE_SCOPE = "https://storage.azure.com/user_impersonation";

/** Names a scope that the list does not have. */
const MESSAGES = `import { app } from "@azure/functions";
import { asUser, graphFor } from "../app.ts";
app.http("messages", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["Chat.ReadBasic"], async (user) => ({ jsonBody: await graphFor(user).api("/me/chats").get() })),
});
`;

async function listIn(root: string): Promise<readonly string[]> {
  return JSON.parse(await readFile(`${root}/${LIST}`, "utf8"));
}

/** Says what to do about each scope that endpoints name and the deployment does not register, or the other way round. */
function disagreements(named: readonly string[], registered: readonly string[]): readonly string[] {
  const ofGraph = new Set(named.filter((scope) => scope !== STORAGE_SCOPE).map((scope) => scope.replace(GRAPH, "")));
  const missing = [...ofGraph].filter((scope) => !registered.includes(scope));
  const leftOver = registered.filter((scope) => !ofGraph.has(scope));
  return [
    ...missing.map((scope) => `An endpoint names ${scope}, and ${where(scope)}`),
    ...leftOver.map((scope) => `${LIST} lists ${scope}, and no endpoint names it: remove it there.`),
  ];
}

function where(scope: string): string {
  return scope.includes("/")
    ? "infra/ does not register it: docs/scopes.md says how."
    : `${LIST} does not list it: add it there.`;
}

async function scopesOfEndpoints(root: string): Promise<readonly string[]> {
  const functions = await loadFunctions(root);
  return [...functions.values()].flatMap(({ handler }) => (handler as { scopes?: readonly string[] }).scopes ?? []);
}

describe("the scopes that endpoints name", () => {
  test("are those that the deployment registers and consents to", async () => {
    const named = await scopesOfEndpoints(ROOT);
    expect(disagreements(named, await listIn(ROOT))).toEqual([]);
    expect(named).toContain(STORAGE_SCOPE);
  });

  test("may be one more, by the file of its endpoint and a line in the list; without the line, one message names both", async () => {
    const { root, remove } = await buildCopyWith({ "messages.ts": MESSAGES });
    onTestFinished(remove);
    const named = await scopesOfEndpoints(root);
    expect(JSON.parse(await readDocument(`${root}/`)).paths).toHaveProperty(["/api/messages"]);
    const listed = await listIn(root);
    expect(disagreements(named, listed)).toEqual([
      `An endpoint names Chat.ReadBasic, and ${LIST} does not list it: add it there.`,
    ]);

    await writeFile(`${root}/${LIST}`, JSON.stringify([...listed, "Chat.ReadBasic"]));
    expect(disagreements(named, await listIn(root))).toEqual([]);
    const { registrations } = await readConfiguration(`${root}/easy-auth-local.json`);
    expect(registrations?.api).toMatchObject({ delegatedPermissions: [...listed, "Chat.ReadBasic", STORAGE_SCOPE] });
  });

  test("may be more when the list has them, in any order", () => {
    const named = ["User.Read", STORAGE_SCOPE, `${GRAPH}Mail.Read`, "User.Read"];
    expect(disagreements(named, ["User.Read", "Mail.Read"])).toEqual([]);
    expect(disagreements(named, ["Mail.Read", "User.Read"])).toEqual([]);
  });

  test.each([
    ["Mail.Read", `An endpoint names Mail.Read, and ${LIST} does not list it: add it there.`],
    [
      "https://vault.azure.net/user_impersonation",
      "An endpoint names https://vault.azure.net/user_impersonation, and infra/ does not register it: docs/scopes.md says how.",
    ],
  ])("that are not registered give one message, which names them: %s", (scope, message) => {
    expect(disagreements(["User.Read", scope], ["User.Read"])).toEqual([message]);
  });

  test("that no endpoint names any more give one message, which names them", () => {
    const message = `${LIST} lists Mail.Read, and no endpoint names it: remove it there.`;
    expect(disagreements(["User.Read"], ["User.Read", "Mail.Read"])).toEqual([message]);
  });
});
