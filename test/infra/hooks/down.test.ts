import { describe, expect, test } from "vitest";
import { type Answers, runHook, workFolder } from "./fake-az.ts";

const IDS = { AZURE_ENV_NAME: "demo", API_CLIENT_ID: "api", FRONTEND_CLIENT_ID: "frontend" };
const ITEMS = "https://graph.microsoft.com/v1.0/directory/deletedItems";
const FOUND: Answers = {
  "account show": { id: "subscription" },
  "cloud show": "https://graph.microsoft.com/",
  "ad app show --id api": "api-object",
  "ad app show --id frontend": "frontend-object",
  "ad sp show --id api": "api-principal",
  "ad sp show --id frontend": "frontend-principal",
  "ad app delete": "",
  "rest --method delete": "",
};
const changes = (calls: readonly string[]) => calls.filter((call) => call.includes("delete"));

const FAST = { AZURE_ENV_NAME: "demo", PURGE_PAUSE_SECONDS: "0.001" };

/** Runs the hooks as `azd down` does: before the second, azd has forgotten the deployment's outputs. */
async function down(answers: Answers, env: Record<string, string> = {}) {
  const folder = await workFolder();
  const before = await runHook("predown", folder, answers, { ...IDS, ...env });
  const after = await runHook("postdown", folder, answers, FAST);
  return { folder, before, after };
}

describe("azd down", () => {
  test("deletes both registrations and purges them, after the resources and not before", async () => {
    const { before, after } = await down(FOUND);
    expect(changes(before.calls)).toEqual([]);
    expect(after.code).toBe(0);
    expect(changes(after.calls)).toEqual([
      "ad app delete --id api",
      `rest --method delete --url ${ITEMS}/api-object`,
      `rest --method delete --url ${ITEMS}/api-principal`,
      "ad app delete --id frontend",
      `rest --method delete --url ${ITEMS}/frontend-object`,
      `rest --method delete --url ${ITEMS}/frontend-principal`,
    ]);
  });

  test("deletes nothing the second time", async () => {
    const { folder } = await down(FOUND);
    expect((await runHook("postdown", folder, FOUND, FAST)).calls).toEqual([]);
  });

  test("leaves registrations that an administrator made", async () => {
    const { after } = await down(FOUND, { CREATE_ENTRA_APPS: "false" });
    expect(after.calls).toEqual([]);
  });

  test("goes on when a registration is gone already", async () => {
    const { after } = await down({
      ...FOUND,
      "ad app show --id api": { fails: "not found" },
      "ad sp show --id api": { fails: "not found" },
    });
    expect(after.code).toBe(0);
    expect(changes(after.calls)[0]).toBe("ad app delete --id frontend");
  });

  test.each([
    ["still knows", IDS],
    ["has forgotten", { AZURE_ENV_NAME: "demo" }],
  ])("says what is left to purge by hand, and purges it at the next azd down, which %s the ids", async (_, env) => {
    const { folder, after } = await down({ ...FOUND, "rest --method delete": { fails: "Request_ResourceNotFound" } });
    expect(after.code).toBe(1);
    expect(after.output).toContain(`Purge it by hand: az rest --method delete --url ${ITEMS}/api-object`);
    expect(changes(after.calls).filter((call) => call.startsWith("rest")).length).toBeGreaterThan(1);
    const gone = { fails: "not found" };
    const deleted = { ...FOUND, "ad app show --id api": gone, "ad sp show --id api": gone };
    await runHook("predown", folder, deleted, env);
    const again = await runHook("postdown", folder, deleted, FAST);
    expect(again.code).toBe(0);
    expect(changes(again.calls).slice(0, 3)).toEqual([
      `rest --method delete --url ${ITEMS}/api-object`,
      `rest --method delete --url ${ITEMS}/api-principal`,
      "ad app delete --id frontend",
    ]);
  });

  test("stops before anything is deleted when the Azure CLI is not signed in", async () => {
    const { before } = await down({ ...FOUND, "account show": { fails: "Please run 'az login'" } });
    expect(before.code).toBe(1);
    expect(before.output).toContain("az login");
  });

  test("has nothing to do when nothing was deployed", async () => {
    const { after } = await down(FOUND, { API_CLIENT_ID: "", FRONTEND_CLIENT_ID: "" });
    expect(after.calls).toEqual([]);
  });
});
