import { randomUUID } from "node:crypto";
import http from "node:http";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { API, AUTHORITY_ORIGIN, createDirectory, TENANT_ID } from "../../emulator/directory.ts";
import { createSigningKeys } from "../../emulator/entra/keys.ts";
import { startEntra } from "../../emulator/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../emulator/entra/tokens.ts";
import { listenOnLoopback } from "../../emulator/loopback-server.ts";
import { routeMicrosoftOrigins } from "../../emulator/microsoft-origins.ts";
import { createConfidentialClient } from "../../src/entra/client.ts";
import { createOnBehalfOf, type OnBehalfOf } from "../../src/entra/on-behalf-of.ts";
import type { AppError } from "../../src/errors.ts";
import { readSettings } from "../../src/settings.ts";

const GRAPH_DEFAULT = "https://graph.microsoft.com/.default";
const directory = createDirectory();
let issuer: TokenIssuer;
beforeAll(async () => {
  issuer = createTokenIssuer(await createSigningKeys());
});

function onBehalfOfAt(entraUrl: string, secret = API.clientSecret): OnBehalfOf {
  onTestFinished(routeMicrosoftOrigins({ entra: entraUrl, graph: "http://localhost:9" }));
  const settings = readSettings({
    WEBSITE_AUTH_CLIENT_ID: API.clientId,
    WEBSITE_AUTH_OPENID_ISSUER: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
    MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: secret,
  });
  return createOnBehalfOf(createConfidentialClient(settings), settings.authority);
}

async function startEmulator(): Promise<string> {
  const server = await startEntra({ directory, issuer });
  onTestFinished(() => server.close());
  return server.url;
}

async function startAnswering(answer: http.RequestListener): Promise<string> {
  const server = await listenOnLoopback(http.createServer(answer), 0, [new URL(AUTHORITY_ORIGIN).host]);
  onTestFinished(() => server.close());
  return server.url;
}

async function exchange(onBehalfOf: OnBehalfOf, key = "works"): Promise<string> {
  const account = directory.accountByKey(key);
  if (!account) throw new Error(`No account ${key}`);
  const assertion = await issuer.apiToken({ account, audience: API, scope: "user_impersonation" });
  return onBehalfOf({ assertion, tenantId: TENANT_ID, scopes: [GRAPH_DEFAULT], correlationId: randomUUID() });
}

async function failureOf(exchanging: Promise<unknown>): Promise<AppError> {
  return exchanging.then(
    () => {
      throw new Error("The exchange succeeded.");
    },
    (error) => error,
  );
}

describe("an exchange", () => {
  test("gives a Graph token of the assertion's user", async () => {
    const graphToken = await exchange(onBehalfOfAt(await startEmulator()));
    const claims = JSON.parse(Buffer.from(graphToken.split(".")[1] ?? "", "base64url").toString());
    expect(claims).toMatchObject({
      aud: "https://graph.microsoft.com",
      appid: API.clientId,
      oid: directory.accountByKey("works")?.objectId,
    });
  });

  test("without consent fails as consent_required", async () => {
    const { code, hint } = await failureOf(exchange(onBehalfOfAt(await startEmulator()), "no-consent"));
    expect(code).toBe("consent_required");
    expect(hint).toContain("AADSTS65001");
  });

  test("with a wrong secret is the operator's to mend", async () => {
    const { code, hint } = await failureOf(exchange(onBehalfOfAt(await startEmulator(), "not-the-secret")));
    expect(code).toBe("misconfigured");
    expect(hint).toContain("AADSTS7000215");
  });

  test("never shows Entra's own text", async () => {
    const body = {
      error: "invalid_grant",
      error_description: "AADSTS50000: about someone@contoso.example",
      error_codes: [50000],
    };
    const url = await startAnswering((_, response) => response.writeHead(400).end(JSON.stringify(body)));
    const failure = await failureOf(exchange(onBehalfOfAt(url)));
    expect(JSON.stringify([failure.message, failure.hint, failure.detail, String(failure.cause)])).not.toContain(
      "someone",
    );
  });
});

const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"p1"}}}';

describe("Entra's answer", () => {
  test.each<[number, object, string]>([
    [400, { error: "invalid_grant", suberror: "consent_required", error_codes: [65001] }, "consent_required"],
    [400, { error: "invalid_grant", error_codes: [65001] }, "consent_required"],
    [400, { error: "invalid_grant", error_codes: [90094] }, "consent_required"],
    [400, { error: "interaction_required", claims: CLAIMS, error_codes: [50076] }, "claims_challenge"],
    [
      400,
      { error: "invalid_grant", suberror: "basic_action", claims: CLAIMS, error_codes: [50079] },
      "claims_challenge",
    ],
    [400, { error: "invalid_grant", error_codes: [500133] }, "token_expired"],
    [400, { error: "invalid_grant", suberror: "bad_token", error_codes: [50173] }, "token_rejected"],
    [400, { error: "invalid_grant", error_codes: [999_999] }, "token_rejected"],
    [400, { error: "invalid_grant", suberror: "message_only", error_codes: [53003] }, "blocked_by_policy"],
    [400, { error: "access_denied" }, "blocked_by_policy"],
    [400, { error: "invalid_grant", error_codes: [50105] }, "user_not_assigned"],
    [401, { error: "invalid_client", error_codes: [7000222] }, "misconfigured"],
    [400, { error: "unauthorized_client", error_codes: [700016] }, "misconfigured"],
    [400, { error: "invalid_scope" }, "misconfigured"],
    [400, { error: "invalid_resource", error_codes: [500011] }, "misconfigured"],
    [400, { error: "temporarily_unavailable" }, "identity_unavailable"],
    [429, {}, "throttled"],
    [500, { error: "server_error" }, "identity_unavailable"],
    [503, {}, "identity_unavailable"],
    [200, {}, "identity_unavailable"],
    [200, { access_token: "" }, "identity_unavailable"],
  ])("%i %j means %s", async (status, body, expected) => {
    const url = await startAnswering((_, response) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    expect((await failureOf(exchange(onBehalfOfAt(url)))).code).toBe(expected);
  });

  test("429 with Retry-After says how long to wait", async () => {
    const url = await startAnswering((_, response) => response.writeHead(429, { "retry-after": "17" }).end("{}"));
    expect((await failureOf(exchange(onBehalfOfAt(url)))).retryAfterSeconds).toBe(17);
  });

  test("with claims keeps them for the caller's next sign-in", async () => {
    const body = JSON.stringify({ error: "interaction_required", claims: CLAIMS });
    const url = await startAnswering((_, response) => response.writeHead(400).end(body));
    expect((await failureOf(exchange(onBehalfOfAt(url)))).claims).toBe(CLAIMS);
  });

  test.each<[string, http.RequestListener]>([
    ["of HTML", (_, response) => response.end("<html>proxy</html>")],
    [
      "cut short",
      (_, response) => response.writeHead(200, { "content-length": "500" }).write("{", () => response.destroy()),
    ],
    ["that never comes", (request) => request.socket.destroy()],
    ["that redirects", (_, response) => response.writeHead(307, { location: "http://localhost:9/" }).end()],
  ])("%s means identity_unavailable", async (_, answer) => {
    expect((await failureOf(exchange(onBehalfOfAt(await startAnswering(answer))))).code).toBe("identity_unavailable");
  });

  test("to one user, a 429 with Retry-After, does not stop the next user", async () => {
    const emulator = await startEmulator();
    let refuse = true;
    const url = await startAnswering((request, response) => {
      if (refuse) {
        response.writeHead(429, { "retry-after": "60" }).end("{}");
        return;
      }
      request.pipe(
        http.request(`${emulator}${request.url}`, { method: "POST", headers: request.headers }, (answer) =>
          answer.pipe(response),
        ),
      );
    });
    const onBehalfOf = onBehalfOfAt(url);
    expect((await failureOf(exchange(onBehalfOf, "sparse"))).code).toBe("throttled");
    refuse = false;
    await expect(exchange(onBehalfOf)).resolves.toMatch(/^eyJ/);
  });
});
