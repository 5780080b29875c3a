import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { API, FRONTEND, TENANT_ID } from "easy-auth-local";
import { CLIENT_SECRET_SETTING, frontendAuth, listenOnLoopback, startGate } from "easy-auth-local/parts";
import type { Page } from "playwright-core";
import { build, createServer } from "vite";
import { describe, expect, onTestFinished, test } from "vitest";
import { createFrontend } from "../../frontend/server.ts";
import { newUser, pickAccount, stack, useBrowser } from "./fixture.ts";

useBrowser();

/** React app with the client of `frontend/page/client`, and the configuration that docs/frontend.md shows. */
const APP = fileURLToPath(new URL("./react-app", import.meta.url));
const ADDRESS = "/orders/3?open=1";

describe("a React app on Vite's development server beside the stack", () => {
  test("signs in and comes back to its address, reads the profile, and may POST", async () => {
    const { proxy } = await viteConfig();
    for (const entry of Object.values(proxy)) entry.target = stack.frontendUrl;
    const vite = await createServer({
      root: APP,
      configFile: false,
      logLevel: "error",
      cacheDir: temporaryFolder(),
      server: { port: 0, host: "localhost", proxy },
    });
    onTestFinished(() => vite.close());
    await vite.listen();
    await useApp(vite.resolvedUrls?.local[0]?.replace(/\/$/, "") ?? "", ["401 /.auth/refresh", "404 /api/orders"]);
  });
});

describe("the same app, built and served by the frontend's server behind its gate", () => {
  test("signs in and comes back to a client route, runs under the content security policy, and may POST", async () => {
    const pageFolder = temporaryFolder();
    cpSync(fileURLToPath(new URL("../../dist/frontend/page", import.meta.url)), pageFolder, { recursive: true });
    const { build: options } = await viteConfig();
    await build({
      root: APP,
      configFile: false,
      logLevel: "error",
      build: { ...options, outDir: pageFolder, emptyOutDir: false },
    });
    const server = await listenOnLoopback(createFrontend({ backendUrl: stack.apiUrl, pageFolder }), 0);
    onTestFinished(() => server.close());
    const gate = await startGate({
      settings: frontendAuth({ tenantId: TENANT_ID, api: API, frontend: FRONTEND }),
      switches: {},
      appSettings: { [CLIENT_SECRET_SETTING]: FRONTEND.clientSecrets[0] },
      browserOrigin: stack.entraUrl,
      upstream: server.url,
      port: 0,
    });
    onTestFinished(() => gate.close());
    await useApp(gate.url, ["404 /api/orders"]);
  });
});

/** Signs in at a client route, and uses the app as its user does. */
async function useApp(origin: string, failures: readonly string[]): Promise<void> {
  const page: Page = await newUser({ failures });
  await page.goto(origin + ADDRESS);
  await pickAccount(page, "works");
  await page.getByRole("heading", { name: "Adele Vance" }).waitFor();
  expect(page.url()).toBe(origin + ADDRESS);
  await page.getByText("Route /orders/3").waitFor();

  await page.getByRole("button", { name: "Open order 7" }).click();
  await page.getByText("Route /orders/7").waitFor();
  await page.reload();
  await page.getByRole("heading", { name: "Adele Vance" }).waitFor();
  await page.getByText("Route /orders/7").waitFor();

  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Not saved: 404", { exact: true }).waitFor();
}

/** Returns parts of the app's own Vite configuration, with this test's stack. */
async function viteConfig() {
  const { default: config } = await import("./react-app/vite.config.ts");
  const proxy = config.server?.proxy as Record<string, { target: string; xfwd: boolean }>;
  return { proxy: structuredClone(proxy), build: config.build };
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "react-app-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
