import { fileURLToPath } from "node:url";
import { API, FRONTEND, startTenantStack, TENANT_ID, type TenantStack } from "easy-auth-local";
import {
  createDirectory,
  createSigningKeys,
  createTokenIssuer,
  routeMicrosoftOrigins,
  startEntra,
  startGraph,
} from "easy-auth-local/parts";
import { Browser } from "easy-auth-local/vitest";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { createFrontendFor } from "./support/stack.ts";

const OWN_API: typeof API = {
  ...API,
  clientId: "0a0a0a0a-1111-4111-8111-111111111111",
  clientSecrets: ["own-api-secret"],
  identifierUris: ["api://0a0a0a0a-1111-4111-8111-111111111111", "api://own/api"],
};
const OWN_FRONTEND: typeof API = {
  ...FRONTEND,
  clientId: "0b0b0b0b-2222-4222-8222-222222222222",
  clientSecrets: ["own-frontend-secret"],
  delegatedPermissions: [
    "openid",
    "profile",
    "email",
    "offline_access",
    ...OWN_API.identifierUris.map((uri) => `${uri}/user_impersonation`),
  ],
};
const SETTINGS = {
  WEBSITE_AUTH_CLIENT_ID: OWN_API.clientId,
  MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: OWN_API.clientSecrets[0],
  FRONTEND_CLIENT_ID: OWN_FRONTEND.clientId,
  FRONTEND_CLIENT_SECRET: OWN_FRONTEND.clientSecrets[0],
};
/** This repository's apps, from its configuration. */
const APPS = { api: { app: fileURLToPath(new URL("..", import.meta.url)) }, servers: { frontend: createFrontendFor } };
const PORTS = { frontend: 0, api: 0, functions: 0 };

/** Simulates a tenant at Microsoft's own addresses for this process. */
beforeAll(async () => {
  const directory = createDirectory({ registrations: [OWN_API, OWN_FRONTEND] });
  const keys = await createSigningKeys(inject("stateFolder"));
  const entra = await startEntra({ directory, issuer: createTokenIssuer(keys) });
  const graph = await startGraph({ directory, keys });
  const unroute = routeMicrosoftOrigins({ entra: entra.url, graph: graph.url });
  return async () => {
    await Promise.all([entra.close(), graph.close()]);
    await unroute();
  };
});

describe("with a tenant of one's own", () => {
  let stack: TenantStack;
  beforeAll(async () => {
    const cors = { allowedOrigins: ["http://localhost:5173"] };
    stack = await startTenantStack({ tenant: TENANT_ID, settings: SETTINGS, ports: PORTS, ...APPS, cors });
    return () => stack.close();
  });

  test("the browser signs in at Microsoft's own address and returns to localhost", async () => {
    const browser = new Browser();
    const { url } = await browser.open(`${stack.frontendUrl}/`);
    const authorize = new URL(url);
    expect(authorize.origin).toBe("https://login.microsoftonline.com");
    expect(authorize.searchParams.get("client_id")).toBe(OWN_FRONTEND.clientId);
    expect(authorize.searchParams.get("redirect_uri")).toBe(`${stack.frontendUrl}/.auth/login/aad/callback`);
    expect(authorize.searchParams.get("scope")).toContain(`${OWN_API.identifierUris[0]}/user_impersonation`);
  });

  test("the profile comes from Graph, by the same gates and the same function app", async () => {
    const browser = new Browser();
    await browser.signIn(`${stack.frontendUrl}/`, "works");
    const response = await browser.request(`${stack.frontendUrl}/api/profile`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ displayName: "Adele Vance" });
  });

  test("pages of a listed origin may call the API", async () => {
    const headers = { origin: "http://localhost:5173", "access-control-request-method": "GET" };
    const answer = await fetch(`${stack.apiUrl}/api/profile`, { method: "OPTIONS", headers });
    expect(answer.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
  });

  test("the app does not get the frontend's secret", () => {
    expect(process.env.MICROSOFT_PROVIDER_AUTHENTICATION_SECRET).toBe(OWN_API.clientSecrets[0]);
    expect(process.env.FRONTEND_CLIENT_SECRET).toBeUndefined();
    expect(process.env.WEBSITE_AUTH_OPENID_ISSUER).toBe(`https://login.microsoftonline.com/${TENANT_ID}/v2.0`);
  });
});

test("API_SCOPE names the scope of an API with an Application ID URI of its own", async () => {
  const settings = { ...SETTINGS, API_SCOPE: "api://own/api/user_impersonation", API_AUDIENCES: "api://own/api" };
  const stack = await startTenantStack({ tenant: TENANT_ID, settings, ports: PORTS, ...APPS });
  try {
    const browser = new Browser();
    await browser.signIn(`${stack.frontendUrl}/`, "works");
    expect((await browser.request(`${stack.frontendUrl}/api/profile`)).status).toBe(200);
  } finally {
    await stack.close();
  }
});

describe("the start", () => {
  const startWith = (settings: Record<string, string>, tenant = TENANT_ID) =>
    startTenantStack({ tenant, settings, ports: PORTS, ...APPS });

  test("names every setting that is missing, and what to use", async () => {
    const problem = startWith({});
    await expect(problem).rejects.toThrow("The settings for your own tenant need attention");
    for (const name of Object.keys(SETTINGS)) await expect(problem).rejects.toThrow(`- ${name} is missing. Use the `);
  });

  test.each([
    [{ WEBSITE_AUTH_CLIENT_ID: "x" }, "WEBSITE_AUTH_CLIENT_ID is not a GUID."],
    [{ FRONTEND_CLIENT_ID: " " }, "FRONTEND_CLIENT_ID is missing."],
    [{ WEBSITE_AUTH_CLIENT_ID: API.clientId }, "WEBSITE_AUTH_CLIENT_ID is the emulator's."],
    [
      { MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: API.clientSecrets[0] },
      "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET is the emulator's.",
    ],
  ])("refuses %j and says why, alone", async (changes, problem) => {
    const error = await startWith({ ...SETTINGS, ...changes }).catch((thrown: Error) => thrown);
    expect((error as Error).message.match(/^ {2}- /gm)).toHaveLength(1);
    expect((error as Error).message).toContain(problem);
  });

  test("names a tenant that Entra does not know", async () => {
    await expect(startWith(SETTINGS, "nobody.example")).rejects.toThrow("knows no tenant nobody.example");
  });

  test("shows no secret", async () => {
    const error = await startWith({ ...SETTINGS, FRONTEND_CLIENT_ID: "x" }).catch((thrown: Error) => thrown);
    expect((error as Error).message).not.toMatch(/own-(api|frontend)-secret/);
  });
});
