import http from "node:http";
import { listenOnLoopback } from "easy-auth-local/parts";
import { describe, expect, onTestFinished, test } from "vitest";
import { runHook, workFolder } from "./fake-az.ts";

interface Site {
  readonly status: number;
  readonly location?: string;
}

async function site(routes: Record<string, Site>): Promise<string> {
  const server = http.createServer((request, response) => {
    const { status, location } = routes[request.url ?? ""] ?? { status: 404 };
    response.writeHead(status, location === undefined ? {} : { location }).end();
  });
  const { url, close } = await listenOnLoopback(server, 0);
  onTestFinished(close);
  return url;
}

async function closedPort(): Promise<string> {
  const { url, close } = await listenOnLoopback(http.createServer(), 0);
  await close();
  return url;
}

const LOGIN_URL = "https://login.microsoftonline.com";
const API = { "/api/health": { status: 200 }, "/api/profile": { status: 401 } };
const FRONTEND = {
  "/health": { status: 200 },
  "/": { status: 302, location: `${LOGIN_URL}/tenant/oauth2/v2.0/authorize` },
};

async function run(api: Record<string, Site>, frontend: Record<string, Site>, env: Record<string, string> = {}) {
  const urls = {
    API_URL: await site(api),
    FRONTEND_URL: await site(frontend),
    LOGIN_URL,
    SMOKE_TIMEOUT_SECONDS: "0.001",
  };
  return runHook("postdeploy", await workFolder(), undefined, { ...urls, ...env });
}

describe("after deployment", () => {
  test("says what it checked, and the app's address, if all is well", async () => {
    const { code, output } = await run(API, FRONTEND);
    expect(code).toBe(0);
    expect(output.match(/^ok: /gm)).toHaveLength(4);
    expect(output).toMatch(/^Open http:\/\/localhost:\d+$/m);
  });

  test.each<[string, Record<string, Site>, Record<string, Site>, string]>([
    ["the API is not healthy", { ...API, "/api/health": { status: 503 } }, FRONTEND, "Not so: the API is healthy"],
    [
      "the API answers requests without a token",
      { ...API, "/api/profile": { status: 200 } },
      FRONTEND,
      "WITHOUT a token",
    ],
    [
      "the API refuses requests without a token in another way",
      { ...API, "/api/profile": { status: 403 } },
      FRONTEND,
      "status 403",
    ],
    [
      "the frontend is not healthy",
      API,
      { ...FRONTEND, "/health": { status: 500 } },
      "Not so: the frontend is healthy",
    ],
    [
      "the frontend shows its page without a sign-in",
      API,
      { ...FRONTEND, "/": { status: 200 } },
      "Not so: the frontend begins a sign-in",
    ],
    [
      "the frontend redirects elsewhere than to the sign-in",
      API,
      { ...FRONTEND, "/": { status: 302, location: "https://elsewhere.example/" } },
      "Not so: the frontend begins a sign-in",
    ],
  ])("fails when %s", async (_, api, frontend, message) => {
    const { code, output } = await run(api, frontend);
    expect(code).toBe(1);
    expect(output).toContain(message);
  });

  test("fails, with the reason, when nothing answers", async () => {
    const { code, output } = await run(API, FRONTEND, { API_URL: await closedPort() });
    expect(code).toBe(1);
    expect(output).toMatch(/ECONNREFUSED/);
  });

  test("does not send requests to a private API", async () => {
    const { code, output } = await run({}, FRONTEND, { NETWORK_MODE: "full" });
    expect(code).toBe(0);
    expect(output).toContain("The API is private");
  });
});
