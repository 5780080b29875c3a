import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Answers, runHook, workFolder } from "./fake-az.ts";

const TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const SUBSCRIPTION = "11112222-3333-4444-5555-666677778888";
const API = "00001111-aaaa-2222-bbbb-3333cccc4444";
const FRONTEND = "22223333-cccc-4444-dddd-5555eeee6666";
const CLOUD_APPLICATION_ADMINISTRATOR = "158c047a-c907-4556-b7ef-446551a6b5f7";

const AZD = { AZURE_TENANT_ID: TENANT, AZURE_SUBSCRIPTION_ID: SUBSCRIPTION, AZURE_LOCATION: "westeurope" };
const READY: Answers = {
  "--version": "azure-cli 2",
  "account show": { id: SUBSCRIPTION, tenantId: TENANT },
  "provider list": [
    "Microsoft.App",
    "Microsoft.Insights",
    "microsoft.managedidentity",
    "Microsoft.OperationalInsights",
    "Microsoft.Storage",
    "Microsoft.Web",
  ],
  "functionapp list-flexconsumption-locations": ["West Europe", "North Europe"],
  "functionapp list-flexconsumption-runtimes": ["20", "22", "24"],
  "ad signed-in-user show": "me",
  "role assignment list": ["Owner"],
  "cloud show": "https://graph.microsoft.com/",
  "rest --method get --url https://graph.microsoft.com/v1.0/me/": [CLOUD_APPLICATION_ADMINISTRATOR],
};

describe("before provisioning", () => {
  const run = async (answers: Answers | undefined, env: Record<string, string> = {}) =>
    runHook("preprovision", await workFolder(), answers, { ...AZD, ...env });

  test("says that all is well and changes nothing if so", async () => {
    const { code, output, calls } = await run(READY);
    expect({ code, output }).toEqual({ code: 0, output: "Checks before provisioning passed.\n" });
    expect(calls.filter((call) => /register|create|delete|set/.test(call))).toEqual([]);
  });

  test.each<[string, Answers | undefined, Record<string, string>, string]>([
    ["there is no Azure CLI", undefined, {}, "The Azure CLI is missing"],
    ["nobody is signed in", { ...READY, "account show": { fails: "Please run 'az login'" } }, {}, "Run: az login"],
    ["the CLI is in another tenant", READY, { AZURE_TENANT_ID: "other" }, "Run: az login --tenant other"],
    [
      "the CLI is in another subscription",
      READY,
      { AZURE_SUBSCRIPTION_ID: "other" },
      "Run: az account set --subscription other",
    ],
    ["every origin may call the API", READY, { CORS_ORIGINS: "https://a.example,*" }, "CORS_ORIGINS must not hold *"],
    ["the region has no Flex Consumption", READY, { AZURE_LOCATION: "eastasia" }, "not offered in eastasia"],
    ["the region has not this Node", READY, { APP_NODE_VERSION: "18" }, "no Node 18, but 20, 22, 24"],
  ])("stops with what to do when %s", async (_, answers, env, message) => {
    const { code, output } = await run(answers, env);
    expect(code).toBe(1);
    expect(output).toContain(message);
    expect(output).not.toMatch(/ at .*\.mjs/);
  });

  test("registers only the providers that are not registered", async () => {
    const { code, calls } = await run({
      ...READY,
      "provider list": [
        "Microsoft.Web",
        "Microsoft.Storage",
        "Microsoft.ManagedIdentity",
        "Microsoft.Insights",
        "Microsoft.OperationalInsights",
      ],
      "provider register": "",
    });
    expect(code).toBe(0);
    expect(calls.filter((call) => call.startsWith("provider register"))).toEqual([
      "provider register --namespace Microsoft.App --wait",
    ]);
  });

  test("stops with Azure's words when a provider cannot be registered", async () => {
    const { code, output } = await run({
      ...READY,
      "provider list": [],
      "provider register": { fails: "AuthorizationFailed" },
    });
    expect(code).toBe(1);
    expect(output).toContain("AuthorizationFailed");
  });

  test.each<[string, Answers, Record<string, string>, RegExp]>([
    ["roles in the subscription", { "role assignment list": ["Contributor"] }, {}, /lack rights in the subscription/],
    [
      "the role to consent",
      { "rest --method get": ["88d8e3e3-8f55-4a1e-953a-9b9898b8876b"] },
      {},
      /GRANT_ADMIN_CONSENT false/,
    ],
  ])("goes on with a warning without %s", async (_, answers, env, warning) => {
    const all = { ...READY, ...answers };
    if ("rest --method get" in answers) delete all["rest --method get --url https://graph.microsoft.com/v1.0/me/"];
    const { code, output } = await run(all, env);
    expect(code).toBe(0);
    expect(output).toMatch(warning);
  });

  test.each([
    [["Contributor", "Role Based Access Control Administrator"]],
    [["Contributor", "User Access Administrator"]],
  ])("does not warn %s", async (roles) => {
    const { output } = await run({ ...READY, "role assignment list": roles });
    expect(output).not.toContain("Warning");
  });

  test.each(["CREATE_ENTRA_APPS", "GRANT_ADMIN_CONSENT"])(
    "asks for no role in Entra when %s is false",
    async (name) => {
      const { calls } = await run(READY, { [name]: "false" });
      expect(calls.some((call) => call.startsWith("rest"))).toBe(false);
    },
  );
});

describe("after provisioning", () => {
  const OUTPUTS = {
    ...AZD,
    AZURE_ENV_NAME: "demo",
    AZURE_RESOURCE_GROUP: "rg-demo",
    API_NAME: "func-api-x",
    API_CLIENT_ID: API,
    API_IDENTIFIER_URI: `api://${TENANT}/func-api-x`,
    API_PRINCIPAL_ID: "api-principal",
    FRONTEND_NAME: "app-frontend-x",
    FRONTEND_CLIENT_ID: FRONTEND,
    FRONTEND_PRINCIPAL_ID: "frontend-principal",
    FRONTEND_URL: "https://app-frontend-x.azurewebsites.net",
    GRAPH_SCOPE_URIS: "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Mail.Read",
    LOGIN_URL: "https://login.microsoftonline.com",
    CLOUD: "global",
  };
  const GRANTS = "rest --method get --url https://graph.microsoft.com/v1.0/servicePrincipals/sp/oauth2PermissionGrants";
  const GRANTED: Answers = {
    "ad sp show": "sp",
    "cloud show": "https://graph.microsoft.com/",
    [GRANTS]: ["User.Read Mail.Read"],
  };

  test("writes local settings that only their owner can read, without a secret", async () => {
    const folder = await workFolder();
    const { code, output } = await runHook("postprovision", folder, GRANTED, OUTPUTS);
    expect(code).toBe(0);
    expect(output).toContain("Consent is complete.");
    const settings = JSON.parse(await readFile(join(folder, "local.settings.json"), "utf8"));
    expect(settings).toEqual({
      IsEncrypted: false,
      Values: {
        FUNCTIONS_WORKER_RUNTIME: "node",
        WEBSITE_AUTH_CLIENT_ID: API,
        WEBSITE_AUTH_OPENID_ISSUER: `https://login.microsoftonline.com/${TENANT}/v2.0`,
        WEBSITE_AUTH_AAD_ALLOWED_TENANTS: TENANT,
        API_AUDIENCES: `api://${TENANT}/func-api-x`,
        CLOUD: "global",
        FRONTEND_CLIENT_ID: FRONTEND,
        API_SCOPE: `api://${TENANT}/func-api-x/user_impersonation`,
      },
    });
    expect((await stat(join(folder, "local.settings.json"))).mode & 0o077).toBe(0);
  });

  test("puts the chosen parameters into the administrator's command, so that the registrations fit the apps", async () => {
    const { output } = await runHook("postprovision", await workFolder(), GRANTED, {
      ...OUTPUTS,
      API_CLIENT_ID: "",
      STORAGE_ACCOUNT_URL: "https://contoso.blob.core.windows.net",
      EXTRA_CLIENT_IDS: "one, two",
      EXTRA_REDIRECT_URIS: "https://www.contoso.com/.auth/login/aad/callback",
      REQUIRE_USER_ASSIGNMENT: "true",
      SERVICE_MANAGEMENT_REFERENCE: "reference",
      GRANT_ADMIN_CONSENT: "false",
    });
    const entra = await readFile(new URL("../../../infra/entra.bicep", import.meta.url), "utf8");
    const parameters = [...entra.matchAll(/^param (\w+)/gm)].map(([, name]) => name);
    expect(Object.keys(parametersIn(output)).sort()).toEqual(parameters.filter((name) => name !== "cloudName").sort());
    expect(parametersIn(output)).toMatchObject({
      storageOnBehalfOf: "true",
      extraClientIds: `'["one","two"]'`,
      extraRedirectUris: `'["https://www.contoso.com/.auth/login/aad/callback"]'`,
      requireUserAssignment: "true",
      grantAdminConsent: "false",
    });
  });

  test("keeps a developer's own settings, and makes the file unreadable for others", async () => {
    const folder = await workFolder();
    const file = join(folder, "local.settings.json");
    await writeFile(
      file,
      JSON.stringify({ Values: { MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: "mine" }, Host: { CORS: "x" } }),
    );
    await runHook("postprovision", folder, GRANTED, OUTPUTS);
    expect((await stat(file)).mode & 0o077).toBe(0);
    const settings = JSON.parse(await readFile(file, "utf8"));
    expect(settings.Values.MICROSOFT_PROVIDER_AUTHENTICATION_SECRET).toBe("mine");
    expect(settings.Host).toEqual({ CORS: "x" });
  });

  test("names the permissions that lack consent, and where to grant it", async () => {
    const { code, output } = await runHook(
      "postprovision",
      await workFolder(),
      { ...GRANTED, [GRANTS]: ["User.Read"] },
      OUTPUTS,
    );
    expect(code).toBe(0);
    expect(output).toContain("Consent is missing for: Mail.Read.");
    expect(output).toContain(`az ad app permission admin-consent --id ${API}`);
    expect(output).toContain(
      `https://portal.azure.com/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/${API}`,
    );
  });

  test("says so when it may not read what is granted", async () => {
    const { code, output } = await runHook(
      "postprovision",
      await workFolder(),
      { ...GRANTED, [GRANTS]: { fails: "Forbidden" } },
      OUTPUTS,
    );
    expect(code).toBe(0);
    expect(output).toContain("Could not read which permissions are granted");
  });

  test("without registrations, prints the administrator's command and writes nothing", async () => {
    const folder = await workFolder();
    const { code, output, calls } = await runHook("postprovision", folder, GRANTED, {
      ...OUTPUTS,
      API_CLIENT_ID: "",
      FRONTEND_CLIENT_ID: "",
    });
    expect(code).toBe(0);
    expect(calls).toEqual([]);
    expect(output).toContain("--template-file infra/entra.bicep");
    expect(parametersIn(output)).toEqual({
      environmentName: "demo",
      apiName: "func-api-x",
      frontendName: "app-frontend-x",
      frontendHost: "app-frontend-x.azurewebsites.net",
      apiPrincipalId: "api-principal",
      frontendPrincipalId: "frontend-principal",
    });
    await expect(stat(join(folder, "local.settings.json"))).rejects.toThrow("ENOENT");
  });
});

function parametersIn(output: string): Record<string, string> {
  return Object.fromEntries([...output.matchAll(/(\w+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]));
}
