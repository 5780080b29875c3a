import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { settingsOnPlatform } from "../../src/easy-auth/platform.ts";
import { startStack } from "../../src/test-kit/vitest.ts";

test.each([
  ["app-service", { WEBSITE_AUTH_ENABLED: "True", OTHER: "1" }],
  ["container-apps", { OTHER: "1" }],
] as const)("%s hands an app %j", (platform, settings) => {
  expect(settingsOnPlatform({ WEBSITE_AUTH_ENABLED: "True", OTHER: "1" }, platform)).toEqual(settings);
});

/** Makes an app that runs in its own process and answers with its environment. Returns its folder. */
function environmentApp(): string {
  const folder = mkdtempSync(join(tmpdir(), "platform-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts: { start: "node app.js" } }));
  const app = `require("node:http").createServer((_, response) => response.end(JSON.stringify(process.env)))`;
  writeFileSync(join(folder, "app.js"), `${app}.listen(process.env.PORT);`);
  return folder;
}

describe("a stack", () => {
  test("configured as Container Apps gives apps only their own settings, and signs out as Container Apps does", async () => {
    const settings = { WEBSITE_AUTH_CLIENT_ID: "set by the app itself" };
    const stack = await startStack({
      stateFolder: inject("stateFolder"),
      platform: "container-apps",
      frontend: { app: environmentApp(), excludedPaths: ["/"], settings },
    });
    const environment = await (await fetch(stack.frontendUrl)).json();
    expect(environment).toMatchObject({ ...settings, MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: expect.any(String) });
    expect(environment).not.toHaveProperty("WEBSITE_AUTH_ENABLED");
    expect((await fetch(`${stack.frontendUrl}/.auth/logout/done`)).status).toBe(200);
  });

  test("gives apps the settings of App Service by default", async () => {
    const stack = await startStack({
      stateFolder: inject("stateFolder"),
      frontend: { app: environmentApp(), excludedPaths: ["/"] },
    });
    const environment = await (await fetch(stack.frontendUrl)).json();
    expect(environment).toMatchObject({ WEBSITE_AUTH_ENABLED: "True", WEBSITE_AUTH_CLIENT_ID: expect.any(String) });
  });
});
