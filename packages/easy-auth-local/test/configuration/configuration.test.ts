import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, onTestFinished, test } from "vitest";
import { readLocalSettings } from "../../src/configuration/local-settings.ts";
import { readConfiguration } from "../../src/configuration/read-configuration.ts";
import { registrationsOf } from "../../src/configuration/registrations.ts";
import { API, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import { packageFile } from "../../src/package-file.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "configuration-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function read(content: unknown, name = "easy-auth-local.json") {
  const path = join(folder(), name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return readConfiguration(path);
}

const OWN = "0a0a0a0a-1111-4111-8111-111111111111";

test("the schema of a configuration is a valid JSON schema", () => {
  const schema = JSON.parse(readFileSync(packageFile("configuration.schema.json"), "utf8"));
  const ajv = new Ajv2020();
  expect(ajv.validateSchema(schema), ajv.errorsText()).toBe(true);
});

describe("a configuration file", () => {
  test("may be empty", async () => {
    expect(await read({})).toEqual({});
  });

  test("reports all its mistakes at once, each with the fix", async () => {
    const wrong = {
      api: { app: 7071, cors: { allowedOrigins: ["localhost:5173"] }, extra: true },
      ports: { entra: "4282", graph: 70_000 },
      registrations: { api: { clientId: "not-a-guid", requestedAccessTokenVersion: 3 } },
      platform: "container-app",
      accounts: [{ key: "own", objectId: OWN }],
      services: { orders: { scopes: ["Orders.Read"] } },
      frontend: { auth: { globalValidation: { unauthenticatedClientAction: "Redirect" } } },
    };
    const error = await read(wrong).catch((reason: Error) => reason.message);
    for (const part of [
      'api has an unknown member "extra". Known are: app, run, registration,',
      'api.cors.allowedOrigins.0 is "localhost:5173", which does not fit. An origin: scheme, host and port alone',
      'ports.entra is "4282". Use a value of type integer.',
      "ports.graph is 70000: it is out of range.",
      'registrations.api.clientId is "not-a-guid", which does not fit. Client id. A GUID.',
      "registrations.api.requestedAccessTokenVersion is 3. Use one of: 1, 2.",
      'platform is "container-app". Use one of: app-service, container-apps.',
      'accounts.0 lacks "profile". Add it.',
      'services.orders lacks "origin". Add it.',
      'services.orders.scopes.0 is "Orders.Read", which does not fit. A scope with its resource',
      'frontend.auth.globalValidation.unauthenticatedClientAction is "Redirect". Use one of: RedirectToLoginPage,',
      'frontend.auth lacks "identityProviders". Add it.',
    ]) {
      expect(error).toContain(part);
    }
  });

  test("reports names and ids that do not match", async () => {
    const auth = {
      globalValidation: { unauthenticatedClientAction: "Return401" },
      identityProviders: { azureActiveDirectory: { registration: { openIdIssuer: "https://x", clientId: OWN } } },
      login: { tokenStore: { enabled: true } },
    };
    const wrong = {
      api: { registration: "orders", auth, run: "npm start" },
      registrations: { other: { clientId: API.clientId } },
    };
    const error = await read(wrong).catch((reason: Error) => reason.message);
    expect(error).toContain(
      'api.registration names "orders", which is not in registrations. There are: api, frontend, other.',
    );
    expect(error).toContain(`api.auth is of the client id ${OWN}, which no registration has.`);
    expect(error).toContain("api.run starts an app, but api.app does not say where it listens.");
    expect(error).not.toContain("openIdIssuer");
    expect(error).toContain("registrations.other has the clientId of registrations.api. Give each its own.");
  });

  test("reports values that two entries have in common", async () => {
    const profile = { displayName: "Kim", userPrincipalName: "kim@contoso.example" };
    const kim = { key: "kim", objectId: "AAAAAAAA-0000-1111-2222-BBBBBBBBBBBB", profile };
    const error = await read({ accounts: [kim], ports: { api: 5000, graph: 0, entra: 0, frontend: 5000 } }).catch(
      String,
    );
    expect(error).toContain("account kim has the objectId of account works. Give each its own.");
    expect(error).toContain("ports.frontend has the port of ports.api. Give each its own.");
    expect(error).not.toContain("ports.entra");
  });

  test.each([
    [[], "Use a value of type object"],
    [null, "Use a value of type object"],
    [{ api: { excludedPaths: ["health"] } }, "Use a path that begins with /"],
    [{ services: { x: { origin: "https://x.example", url: "x" } } }, "services.x.url"],
    [{ registrations: { api: { certificates: ["-----x-----"] } } }, '"-----x-----" is no certificate'],
  ])("refuses %j", async (wrong, why) => {
    await expect(read(JSON.stringify(wrong))).rejects.toThrow(why);
  });

  const authOf = (issuer: string) => ({
    globalValidation: { unauthenticatedClientAction: "Return401", excludedPaths: null },
    identityProviders: { azureActiveDirectory: { registration: { openIdIssuer: issuer, clientId: API.clientId } } },
    login: { tokenStore: { enabled: true }, allowedExternalRedirectUrls: null },
  });

  test("accepts gates as the Azure CLI prints them, with null for unset values", async () => {
    const { api } = await read({ tenant: { id: OWN }, api: { auth: authOf(`https://sts.windows.net/${OWN}/v2.0`) } });
    expect(api?.auth).toMatchObject({ globalValidation: { unauthenticatedClientAction: "Return401" } });
    expect(JSON.stringify(api)).not.toContain("null");
  });

  test.each([
    [{}, OWN],
    [{ tenant: { id: OWN } }, TENANT_ID],
    [{ tenant: { id: OWN, domains: ["own.example"] } }, "contoso.example"],
  ])("reports that a gate of %j has another tenant's issuer", async (configuration, tenant) => {
    const wrong = read({ ...configuration, api: { auth: authOf(`https://login.microsoftonline.com/${tenant}/v2.0`) } });
    await expect(wrong).rejects.toThrow(
      `api.auth has an openIdIssuer of the tenant ${tenant}, which is not the stack's.`,
    );
  });

  test.each(["organizations", "Contoso.Example", TENANT_ID.toUpperCase()])(
    "accepts the issuer of %s",
    async (tenant) => {
      const auth = authOf(`https://login.microsoftonline.com/${tenant}/v2.0`);
      await expect(read({ api: { auth } })).resolves.toMatchObject({ api: { auth: { login: {} } } });
    },
  );

  test.each([
    ["is not JSON", "{", "It is not JSON"],
    [
      "names files that are not there",
      { registrations: { api: { certificates: ["none.pem"] } } },
      "none.pem cannot be read",
    ],
  ])("that %s is reported", async (_, content, why) => {
    await expect(read(content)).rejects.toThrow(why);
  });

  test("has paths that are relative to it", async () => {
    const { api, frontend } = await read({ api: { app: "./functions" }, frontend: { app: "http://localhost:5173" } });
    expect(api?.app).toMatch(/^\/.*\/configuration-\w+\/functions$/);
    expect(frontend?.app).toBe("http://localhost:5173");
  });
});

describe("registrations", () => {
  test("are the built-in ones without a configuration", () => {
    const registrations = registrationsOf({});
    expect(registrations.get("api")).toEqual(API);
    expect(registrations.get("frontend")).toEqual(FRONTEND);
  });

  test("use the API's client id in its identifier URI and in the frontend's permission", () => {
    const registrations = registrationsOf({ registrations: { api: { clientId: OWN } } });
    expect(registrations.get("api")?.identifierUris).toEqual([`api://${OWN}`]);
    expect(registrations.get("frontend")?.delegatedPermissions).toContain(`api://${OWN}/user_impersonation`);
  });

  test("include those of a service, whose scopes every app may use", () => {
    const services = { orders: { origin: "https://orders.contoso.com", scopes: ["api://orders/Orders.Read"] } };
    const orders = registrationsOf({ services }).get("service orders");
    expect(orders).toMatchObject({ identifierUris: ["api://orders"], scopes: ["Orders.Read"] });
    expect(orders?.clientId).toBe(registrationsOf({ services }).get("service orders")?.clientId);
  });
});

describe("local.settings.json", () => {
  const readSettings = (content: string) => {
    const path = join(folder(), "local.settings.json");
    writeFileSync(path, content);
    return () => readLocalSettings(path);
  };

  // Core Tools read it with Newtonsoft.Json: AppSettingsFile.cs in Azure/azure-functions-core-tools.
  test("may have all that func accepts: comments, trailing commas, a byte order mark, numbers and booleans", () => {
    const content =
      '\uFEFF{ "IsEncrypted": false, // mine\n "Values": { "A": "a", "PORT": 80, "ON": true, "NOT": null, }, }';
    expect(readSettings(content)().values).toEqual({ A: "a", PORT: "80", ON: "true" });
  });

  test("names the origins of CORS", () => {
    const content = '{ "IsEncrypted": false, "Host": { "CORS": "http://localhost:5173/, https://contoso.example" } }';
    const allowedOrigins = ["http://localhost:5173", "https://contoso.example"];
    expect(readSettings(content)()).toEqual({ values: {}, cors: { allowedOrigins, supportCredentials: false } });
  });

  test.each([
    ["is not JSON", "{", "local.settings.json: invalid end of input at 1:2"],
    ["is encrypted", '{"Values":{}}', "its values count as encrypted"],
    [
      "has a setting that is no text",
      '{"IsEncrypted":false,"Values":{"A":{},"B":[]}}',
      /Values\.A is[\s\S]*Values\.B is/,
    ],
  ])("that %s is reported", (_, content, why) => {
    expect(readSettings(content)).toThrow(why);
  });

  test("that is missing is reported", () => {
    expect(() => readLocalSettings("/not/there.json")).toThrow("Copy local.settings.example.json to it");
  });
});
