import { describe, expect, test, vi } from "vitest";
import { API, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import type { AuthSettings } from "../../src/easy-auth/auth-settings.ts";
import type { GateOptions } from "../../src/easy-auth/gate.ts";
import { observe } from "../../src/trace/observe.ts";
import { Traces } from "../../src/trace/traces.ts";
import { apiSettings, frontendSettings, openGate, signedIn, surroundings, V1_ISSUER, V2_ISSUER } from "./fixture.ts";

const around = surroundings();
const OTHER = "99999999-0000-0000-0000-000000000000";

type Validation = Parameters<typeof apiSettings>[0];
const policy = (defaultAuthorizationPolicy: NonNullable<Validation>["defaultAuthorizationPolicy"]) =>
  ({ defaultAuthorizationPolicy }) as Validation;

/** Opens a gate that records its lines and traces. */
async function openExplaining(settings: AuthSettings, options: Partial<GateOptions> = {}) {
  const lines: string[] = [];
  const traces = new Traces();
  const url = await openGate(around, settings, {
    name: "API gate",
    onError: (line) => lines.push(line),
    onServer: (server) => observe(server, "API gate", traces),
    ...options,
  });
  return { url, lines, traces };
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe("a gate names the rule, value and setting, in the terminal and in the trace, when it refuses a token", () => {
  test.each<readonly [claims: Record<string, unknown>, validation: Validation, status: number, reason: string]>([
    [
      { aud: "api://other" },
      {},
      401,
      `aud api://other is not in allowedAudiences, nor is it the clientId ${API.clientId}`,
    ],
    [
      { aud: "https://graph.microsoft.com" },
      {},
      401,
      `aud https://graph.microsoft.com is not in allowedAudiences, nor is it the clientId ${API.clientId}: the sign-in asked for no scope of this API (loginParameters)`,
    ],
    [
      { iss: V1_ISSUER, ver: "1.0" },
      {},
      401,
      `iss ${V1_ISSUER} is not that of openIdIssuer ${V2_ISSUER}, as requestedAccessTokenVersion of the API's registration is not 2`,
    ],
    [{ exp: 1_000_000_000 }, {}, 401, "exp 2001-09-09T01:46:40.000Z is over, by more than 5 minutes"],
    [{ nbf: 4_000_000_000 }, {}, 401, "nbf 2096-10-02T07:06:40.000Z is to come, by more than 5 minutes"],
    [{ exp: undefined }, {}, 401, "its claim exp is missing or no valid value"],
    [
      {},
      policy({ allowedApplications: [OTHER] }),
      403,
      `azp ${FRONTEND.clientId} is not in defaultAuthorizationPolicy.allowedApplications`,
    ],
    [
      { azp: undefined, appid: "x" },
      policy({ allowedApplications: [OTHER] }),
      403,
      "appid x is not in defaultAuthorizationPolicy.allowedApplications",
    ],
    [
      { azp: undefined },
      policy({ allowedApplications: [OTHER] }),
      403,
      "no client application (azp, appid) is named, as in ID tokens, for defaultAuthorizationPolicy.allowedApplications",
    ],
    [
      {},
      policy({ allowedPrincipals: { identities: [OTHER] } }),
      403,
      "neither oid nor a group is in defaultAuthorizationPolicy.allowedPrincipals",
    ],
    [{}, { jwtClaimChecks: { allowedGroups: [OTHER] } }, 403, "no group is in jwtClaimChecks.allowedGroups"],
    [
      {},
      { jwtClaimChecks: { allowedClientApplications: [OTHER] } },
      403,
      `azp ${FRONTEND.clientId} is not in jwtClaimChecks.allowedClientApplications`,
    ],
  ])("with the claims %j under the validation %j (%i)", async (claims, validation, status, reason) => {
    const { url, lines, traces } = await openExplaining(apiSettings(validation));
    const answer = await fetch(`${url}/api/x?secret=1`, bearer(await around.apiToken(claims)));
    expect([answer.status, await answer.text()]).toEqual([status, ""]);
    expect(lines).toEqual([`API gate refused: ${reason} (${status}, GET /api/x)`]);
    await vi.waitFor(() => expect(traces.recent[0]?.hops[0]?.failure).toMatchObject({ code: String(status) }));
    expect(reason).toContain(traces.recent[0]?.hops[0]?.failure?.text?.replace("…", ""));
  });

  test.each([
    [
      "a key of another authority",
      "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5vbmUifQ.e30.AAAA",
      /its key is none of .*: another authority issued it/,
    ],
    ["no signature", "eyJhbGciOiJub25lIn0.e30.", /alg "none" is not RS256/],
    ["no JWT", "opaque", /the bearer token is not a JWT/],
  ])("with %s", async (_, token, reason) => {
    const { url, lines } = await openExplaining(apiSettings());
    expect((await fetch(url, bearer(token))).status).toBe(401);
    expect(lines[0]).toMatch(reason);
    expect(lines[0]).not.toContain(token);
  });

  test("with an invalid signature, without showing its claims", async () => {
    const { url, lines } = await openExplaining(apiSettings());
    const [head, , signature] = (await around.apiToken()).split(".");
    const claims = Buffer.from(JSON.stringify({ aud: "api://forged" })).toString("base64url");
    expect((await fetch(url, bearer(`${head}.${claims}.${signature}`))).status).toBe(401);
    expect(lines).toEqual(["API gate refused: its signature is not that of the key it names (401, GET /)"]);
  });

  test("for Microsoft Graph, which nobody else can verify", async () => {
    const { url, lines } = await openExplaining(apiSettings());
    const [head, , signature] = (await around.apiToken()).split(".");
    const claims = Buffer.from(JSON.stringify({ aud: "https://graph.microsoft.com" })).toString("base64url");
    await fetch(url, bearer(`${head}.${claims}.${signature}`));
    expect(lines[0]).toContain(
      "aud is Microsoft Graph, for which nobody else can verify tokens: the sign-in asked for no scope of this API",
    );
  });

  test("without showing a token in the path", async () => {
    const { url, lines } = await openExplaining(apiSettings());
    await fetch(`${url}/x/${await around.apiToken()}`);
    expect(lines[0]).toMatch(/ \(401, GET \/x\/\(not shown\)\)$/);
  });

  test("of a tenant that is not allowed", async () => {
    const appSettings = { WEBSITE_AUTH_AAD_ALLOWED_TENANTS: OTHER };
    const { url, lines } = await openExplaining(apiSettings(), { appSettings });
    expect((await fetch(url, bearer(await around.apiToken()))).status).toBe(403);
    expect(lines[0]).toContain(`tid ${TENANT_ID} is not in WEBSITE_AUTH_AAD_ALLOWED_TENANTS`);
  });
});

describe("a gate explains", () => {
  test("a request without a credential, with the action for it", async () => {
    const { url, lines } = await openExplaining(apiSettings());
    await fetch(`${url}/api/x`);
    expect(lines).toEqual([
      "API gate refused: there is no bearer token, nor a session (unauthenticatedClientAction: Return401) (401, GET /api/x)",
    ]);
  });

  test("a POST that another site may have made a browser send", async () => {
    const { url, lines } = await openExplaining(frontendSettings());
    const browser = await signedIn(url);
    lines.length = 0;
    const headers = { origin: "https://evil.example", "user-agent": "Mozilla/5.0" };
    expect((await browser.request(`${url}/x`, { method: "POST", headers })).status).toBe(403);
    expect(lines[0]).toContain("a browser's POST with a session cookie names neither this site");
  });

  test.each(["/.auth/me", "/.auth/refresh"])("%s without a session", async (path) => {
    const { url, lines } = await openExplaining(frontendSettings());
    await fetch(`${url}${path}`);
    expect(lines).toEqual([expect.stringMatching(`refused: the request names no session: .* \\(401, GET ${path}\\)$`)]);
  });

  test("/.auth/me without a token store", async () => {
    const { url, lines } = await openExplaining(frontendSettings({ login: { tokenStore: { enabled: false } } }));
    await fetch(`${url}/.auth/me`);
    expect(lines).toEqual(["API gate refused: login.tokenStore.enabled is false (404, GET /.auth/me)"]);
  });

  test("once that no token reaches the app without a token store", async () => {
    const { url, lines } = await openExplaining(frontendSettings({ login: { tokenStore: { enabled: false } } }));
    const browser = await signedIn(url);
    await browser.request(`${url}/x`);
    await browser.request(`${url}/y`);
    expect(lines).toEqual([
      "API gate: login.tokenStore.enabled is false, so the app gets no X-MS-TOKEN-AAD-* header of a session.",
    ]);
  });

  test("without control characters from a claim", async () => {
    const { url, lines } = await openExplaining(apiSettings());
    await fetch(url, bearer(await around.apiToken({ aud: "a\u001b[2Jb" })));
    expect(lines[0]).toContain("aud a\ufffd[2Jb is not");
  });
});

describe("the admin API of a function app", () => {
  test.each(["/admin/host/status", "/admin", "/ADMIN/functions/f"])(
    "%s passes, without spoofed headers",
    async (path) => {
      const { url } = await openExplaining(apiSettings(), { isFunctionApp: true });
      const answer = await fetch(`${url}${path}`, {
        headers: { "x-functions-key": "k", "x-ms-client-principal-id": "me" },
      });
      const { headers } = (await answer.json()) as { headers: Record<string, string> };
      expect([answer.status, headers["x-functions-key"], headers["x-ms-client-principal-id"]]).toEqual([
        200,
        "k",
        undefined,
      ]);
    },
  );

  test.each(["/administrator", "/api/admin", "/admin/..%2fapi", "/admin/%2e%2e/api/x", "/admin/..%5capi"])(
    "does not open %s",
    async (path) => {
      const { url } = await openExplaining(apiSettings(), { isFunctionApp: true });
      expect((await fetch(`${url}${path}`)).status).toBe(401);
    },
  );

  test("does not exist for an app that is no function app", async () => {
    const { url } = await openExplaining(apiSettings());
    expect((await fetch(`${url}/admin/host/status`)).status).toBe(401);
  });
});

describe("Container Apps", () => {
  test.each([["401"], ["404"]] as const)(
    "answer 404 to /.auth/me without a token store, whatever the switch says (%s)",
    async (meWithoutTokenStore) => {
      const settings = frontendSettings({ login: { tokenStore: { enabled: false } } });
      const { url } = await openExplaining(settings, { platform: "container-apps", switches: { meWithoutTokenStore } });
      expect((await fetch(`${url}/.auth/me`)).status).toBe(404);
    },
  );
});
