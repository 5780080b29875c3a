import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TENANT_ID } from "easy-auth-local";
import { describe, expect, onTestFinished, test } from "vitest";
import { exitCode, startCommand } from "../support/command.ts";
import { startStack } from "../support/stack.ts";

describe("npm start -- --tenant", () => {
  const SETTINGS = {
    WEBSITE_AUTH_CLIENT_ID: "0a0a0a0a-1111-4111-8111-111111111111",
    MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: "own-api-secret",
    FRONTEND_CLIENT_ID: "0b0b0b0b-2222-4222-8222-222222222222",
    FRONTEND_CLIENT_SECRET: "own-frontend-secret",
  };

  async function settingsFile(content: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "settings-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "local.settings.json");
    await writeFile(path, content);
    return path;
  }

  test("starts the apps with the settings of the file and the real Entra", async () => {
    const stack = await startStack();
    // The stack stands in for Microsoft, by the routing that a process without TypeScript uses.
    const env = {
      NODE_OPTIONS: `--import ${new URL("../../packages/easy-auth-local/dist/preload.js", import.meta.url)}`,
      EMULATED_ENTRA_URL: stack.entraUrl,
      EMULATED_GRAPH_URL: stack.graphUrl,
    };
    const settings = await settingsFile(JSON.stringify({ IsEncrypted: false, Values: SETTINGS }));
    const running = startCommand(["--tenant", TENANT_ID, "--settings", settings], env);
    await running.line(/^Ready/);
    expect(running.output()).toContain(`${TENANT_ID}, at the real Microsoft Entra ID and Graph`);
    expect(running.output()).not.toContain("emulator");
    expect(running.output()).not.toContain("own-");
    running.child.kill("SIGTERM");
    expect(await exitCode(running)).toBe(0);
  });
});
