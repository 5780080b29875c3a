import http from "node:http";
import { API } from "easy-auth-local";
import { type LoopbackServer, listenOnLoopback } from "easy-auth-local/parts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountOf } from "../support/account.ts";
import { newUser, stack, useBrowser } from "./fixture.ts";

const origins: string[] = [];
useBrowser({ cors: { allowedOrigins: origins } });

let app: LoopbackServer;
let stranger: LoopbackServer;

/** As docs/frontend.md says, the API allows one origin exactly, and does not know the other. */
beforeAll(async () => {
  const page = (_request: http.IncomingMessage, response: http.ServerResponse): void =>
    void response.setHeader("content-type", "text/html").end(`<link rel="icon" href="data:,"><title>SPA</title>`);
  [app, stranger] = await Promise.all([
    listenOnLoopback(http.createServer(page), 0),
    listenOnLoopback(http.createServer(page), 0),
  ]);
  origins.push(app.url);
});

afterAll(() => Promise.all([app, stranger].map((server) => server.close())));

describe("a single-page app that brings its own token", () => {
  test("reads the profile from the API, on its exact origin", async () => {
    expect(await callFrom(app.url, "works")).toMatchObject({ status: 200, body: { displayName: "Adele Vance" } });
  });

  test("can read the reason of a failure, with code and correlation id", async () => {
    expect(await callFrom(app.url, "no-consent", ["403 /api/profile"])).toMatchObject({
      status: 403,
      body: { code: "consent_required", correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  test("of another origin gets nothing, although its token is valid", async () => {
    expect(await callFrom(stranger.url, "works", [], /CORS|ERR_FAILED/)).toBe("TypeError: Failed to fetch");
  });
});

/** Resolves to what a script of that origin can read of the API's answer, with a token for this account. */
async function callFrom(
  origin: string,
  key: string,
  failures: readonly string[] = [],
  complaints?: RegExp,
): Promise<unknown> {
  const account = accountOf(stack.directory, key);
  const token = await stack.issuer.apiToken({ account, audience: API, scope: "user_impersonation" });
  const page = await newUser({ failures, ...(complaints && { complaints }) });
  await page.goto(origin);
  return page.evaluate(
    async ([url, bearer]) => {
      try {
        const response = await fetch(`${url}/api/profile`, { headers: { authorization: `Bearer ${bearer}` } });
        return { status: response.status, body: await response.json() };
      } catch (error) {
        return String(error);
      }
    },
    [stack.apiUrl, token] as const,
  );
}
