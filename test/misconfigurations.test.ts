import { readFile } from "node:fs/promises";
import { API, FRONTEND, MISCONFIGURATIONS, type MisconfigurationName } from "easy-auth-local";
import type { Browser } from "easy-auth-local/vitest";
import { decodeJwt } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { startStack, type TestStack } from "./support/stack.ts";

/** Codes of those answers that are problems, as the tests get them and `docs/local-stack.md` lists them. */
const CODES = { "id-token": "token_rejected", "wrong-secret": "misconfigured", "no-token-store": "no_access_token" };

let stack: TestStack;
let browser: Browser;

function misconfigured(misconfigure: MisconfigurationName): void {
  beforeAll(async () => {
    stack = await startStack({ misconfigure });
    browser = await stack.signIn("works");
    return () => stack.close();
  });
}

/** Resolves to the session's access token, as the frontend gets it. */
async function sessionToken(): Promise<string> {
  const [entry] = (await (await browser.request(`${stack.frontendUrl}/.auth/me`)).json()) as [{ access_token: string }];
  return entry.access_token;
}

const throughFrontend = () => browser.request(`${stack.frontendUrl}/api/profile`);

/** Resolves to the app's own answer to a token, without its gate. */
const byApp = (token: string) =>
  fetch(`${stack.functions.url}/api/profile`, { headers: { authorization: `Bearer ${token}` } });

/** Expects the gate's bare 401 in the frontend's words, and the reason in the terminal and in the trace, which names apps. */
async function expectGates401(response: Response, reason: string): Promise<void> {
  expect(stack.gateLines.join("\n")).toContain(`API gate refused: ${reason}`);
  expect(await (await fetch(`${stack.entraUrl}/trace`)).text()).toContain(
    reason.replaceAll(API.clientId, API.displayName),
  );
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toContain(`resource_id="${API.clientId}"`);
  expect(await response.json()).toMatchObject({ code: "sign_in_refused" });
}

describe("no-api-scope", () => {
  misconfigured("no-api-scope");

  test("gives the session a token for Graph, which the API's gate refuses, as would the API itself", async () => {
    const token = await sessionToken();
    expect(decodeJwt(token).aud).toBe("https://graph.microsoft.com");
    await expectGates401(await throughFrontend(), "aud is Microsoft Graph, for which nobody else can verify tokens");
    const answer = await byApp(token);
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ code: "token_rejected" });
  });
});

describe("wrong-audience", () => {
  misconfigured("wrong-audience");

  test("makes the API's gate refuse a token for the Application ID URI, which the API itself accepts", async () => {
    const token = await sessionToken();
    expect(decodeJwt(token).aud).toBe(API.identifierUris[0]);
    await expectGates401(await throughFrontend(), `aud ${API.identifierUris[0]} is not in allowedAudiences`);
    expect((await byApp(token)).status).toBe(200);
  });
});

describe("v1-token", () => {
  misconfigured("v1-token");

  test("makes the API's gate refuse version 1 tokens, which the API itself accepts", async () => {
    const token = await sessionToken();
    expect(decodeJwt(token).ver).toBe("1.0");
    await expectGates401(await throughFrontend(), "iss https://sts.windows.net/");
    expect((await byApp(token)).status).toBe(200);
  });
});

describe("id-token", () => {
  misconfigured("id-token");

  test("lets an ID token through to the API, which refuses it and asks Entra nothing", async () => {
    const asked = stack.tokenRequests.length;
    const response = await throughFrontend();
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: CODES["id-token"] });
    expect(stack.tokenRequests.length).toBe(asked);
    expect(stack.logs.map(({ message }) => message).join("\n")).toContain("token_rejected");
    expect(decodeJwt(await sessionToken()).aud).not.toBe(FRONTEND.clientId);
  });
});

describe("wrong-secret", () => {
  misconfigured("wrong-secret");

  test("is answered 500 misconfigured, and the log names the error and not the secret", async () => {
    const response = await throughFrontend();
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ code: CODES["wrong-secret"] });
    const log = stack.logs.map(({ message }) => message).join("\n");
    expect(log).toContain("7000215");
    expect(log).not.toContain("not-the-secret-of-the-api");
  });
});

describe("no-token-store", () => {
  misconfigured("no-token-store");

  test("leaves the frontend without a token, and /.auth/me answers 404", async () => {
    const response = await throughFrontend();
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: CODES["no-token-store"] });
    expect(stack.gateLines.join("\n")).toContain(
      "frontend gate: login.tokenStore.enabled is false, so the app gets no",
    );
    expect((await browser.request(`${stack.frontendUrl}/.auth/me`)).status).toBe(404);
    expect((await browser.request(`${stack.frontendUrl}/.auth/refresh`)).status).toBe(403);
  });
});

test("the page on the local stack lists every mistake, and the code of its answer", async () => {
  const page = await readFile(new URL("../docs/local-stack.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("## Mistakes on purpose"));
  const names = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  expect(names).toEqual(Object.keys(MISCONFIGURATIONS));
  for (const [name, code] of Object.entries(CODES) as [MisconfigurationName, string][]) {
    expect(table).toMatch(new RegExp(`^\\| \`${name}\` .* \`${code}\`( by the frontend)? \\|$`, "m"));
  }
});
