import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formIn } from "../../../../test/support/entra-pages.ts";
import { API, AUTHORITY_ORIGIN, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import { startGate } from "../../src/easy-auth/gate.ts";
import type { LoopbackServer } from "../../src/http/loopback-server.ts";
import { frontendAuth } from "../../src/stack/app-auth.ts";
import { Browser } from "../../src/test-kit/browser.ts";
import { API_SCOPE, ISSUER, surroundings, WEB } from "./fixture.ts";

const PROJECT = fileURLToPath(new URL("../dotnet/ClientApps.csproj", import.meta.url));
/** Major version of the .NET SDK; 0 without one. Microsoft.Identity.Web runs from .NET 8. */
const SDK = sdkVersion();
const hasSdk = SDK >= 8;
if (!hasSdk) process.stderr.write("Skipped: .NET's clients. No dotnet from version 8 on is on the PATH.\n");

function sdkVersion(): number {
  try {
    return Number.parseInt(
      execFileSync("dotnet", ["--version"], { stdio: ["ignore", "pipe", "ignore"] }).toString(),
      10,
    );
  } catch {
    return 0;
  }
}

/**
 * Returns the settings of an app's registration:
 * https://learn.microsoft.com/entra/identity-platform/scenario-web-app-sign-user-app-configuration
 */
const azureAd = (clientId: string, secret: string) => ({
  AzureAd__Instance: `${AUTHORITY_ORIGIN}/`,
  AzureAd__TenantId: TENANT_ID,
  AzureAd__ClientId: clientId,
  AzureAd__ClientSecret: secret,
});

// https://github.com/AzureAD/microsoft-identity-web/blob/master/src/Microsoft.Identity.Web/AppServicesAuth/AppServicesAuthenticationInformation.cs
const APP_SERVICE = {
  WEBSITE_AUTH_ENABLED: "True",
  WEBSITE_AUTH_DEFAULT_PROVIDER: "AzureActiveDirectory",
  WEBSITE_AUTH_CLIENT_ID: FRONTEND.clientId,
  WEBSITE_AUTH_CLIENT_SECRET: FRONTEND.clientSecrets[0],
  WEBSITE_AUTH_OPENID_ISSUER: ISSUER,
};

describe.skipIf(!hasSdk)("an ASP.NET app with Microsoft.Identity.Web", () => {
  const around = surroundings([FRONTEND]);
  const started: ChildProcess[] = [];
  let folder: string;
  /** Returns an environment in which .NET leaves its temporary files in the test's folder. */
  const environment = () => ({ ...process.env, TMPDIR: folder, DOTNET_CLI_TELEMETRY_OPTOUT: "1" });
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "client-apps-"));
    const output = ["-c", "Release", "-o", path.join(folder, "app")];
    const framework = [`-p:TargetFramework=net${SDK}.0`, `-p:BaseIntermediateOutputPath=${folder}/obj/`];
    const quiet = ["-nologo", "-v", "quiet", "--nodereuse:false", "-p:UseSharedCompilation=false"];
    await promisify(execFile)("dotnet", ["build", PROJECT, ...output, ...framework, ...quiet], { env: environment() });
  }, 300_000);
  afterAll(async () => {
    for (const child of started) {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  });

  /** Starts one of the apps; resolves to its address. */
  async function start(app: string, settings: Readonly<Record<string, string>>): Promise<string> {
    const routed = { EMULATED_ENTRA_URL: around.entra.url, EMULATED_GRAPH_URL: around.graph.url };
    const child = spawn("dotnet", [path.join(folder, "app/ClientApps.dll"), app, "--urls", "http://127.0.0.1:0"], {
      env: { ...environment(), ...routed, ...settings },
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(child);
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const [, port] = /Now listening on: http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (port !== undefined) return `http://localhost:${port}`;
      said.push(line);
    }
    throw new Error(`The app ${app} ended: ${said.join("\n")}`);
  }

  describe("in its App Service mode, behind the gate", () => {
    let gate: LoopbackServer;
    beforeAll(async () => {
      const apps = { tenantId: TENANT_ID, api: API, frontend: FRONTEND, apiScope: API_SCOPE };
      gate = await startGate({
        settings: frontendAuth(apps),
        upstream: await start("app-services", APP_SERVICE),
        browserOrigin: around.entra.url,
        appSettings: { MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: FRONTEND.clientSecrets[0] },
      });
    });
    afterAll(() => gate?.close());

    test("knows the user by the headers, name included", async () => {
      const browser = new Browser(gate.url);
      const { response } = await browser.signIn("/user", "works");
      expect(await response.json()).toEqual({
        name: "adele.vance@contoso.example",
        scheme: "aad",
        objectId: around.account("works").objectId,
        tenantId: TENANT_ID,
      });
    });
  });

  test("signs a user in by itself, and calls Graph with the user's token", async () => {
    const url = await start("web", azureAd(WEB.clientId, WEB.clientSecrets[0]));
    const browser = new Browser(url);
    const asked = await browser.request("/user");
    const { response: posting } = await browser.signIn(around.onLoopback(asked.headers.get("location") ?? ""), "works");
    const { action, fields } = formIn(await posting.text());
    const { response } = await browser.open(action, { method: "POST", body: fields });
    expect(await response.json()).toMatchObject({ name: "adele.vance@contoso.example", tenantId: TENANT_ID });
    const graph = await browser.fetch("/graph");
    expect([graph.status, await graph.json()]).toEqual([200, expect.objectContaining({ displayName: "Adele Vance" })]);
  });

  test("takes a user's token, and calls Graph on behalf of the user", async () => {
    const url = await start("api", azureAd(API.clientId, API.clientSecrets[0]));
    const request = { account: around.account("works"), audience: API, scope: "user_impersonation" };
    const get = async (token: string) => fetch(`${url}/graph`, { headers: { authorization: `Bearer ${token}` } });
    const response = await get(await around.issuer.apiToken(request));
    expect([response.status, await response.json()]).toEqual([
      200,
      expect.objectContaining({ displayName: "Adele Vance" }),
    ]);
    expect((await get("a.b.c")).status).toBe(401);
    const statusNow = async () => (await get(await around.issuer.apiToken(request))).status;
    await around.keys.rotate();
    expect(await statusNow(), "the next key was published before it signed").toBe(200);
    // .NET reads unknown keys again only after the request that brought one, and then not for five minutes.
    await around.keys.rotate();
    await expect.poll(statusNow, { timeout: 20_000 }).toBe(200);
    await around.keys.rotate();
    expect(await statusNow(), "read together with the last one").toBe(200);
  });
});
