import { readFile } from "node:fs/promises";
import type { Fault } from "easy-auth-local";
import { TENANT_ID } from "easy-auth-local";
import type { Answer } from "easy-auth-local/parts";
import { type FunctionsHost, startFunctionsHost } from "easy-auth-local/parts";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { accountOf } from "../support/account.ts";
import { type AppCopy, buildCopyWith } from "../support/app-copy.ts";
import { type AzureService, startServiceAt } from "../support/azure-service.ts";
import { ENVIRONMENT } from "../support/exchange.ts";
import { routeTlsHost } from "../support/route-tls-host.ts";
import { startStack, type TestStack } from "../support/stack.ts";
import { RESOURCE_MANAGER, refusal, VAULT, vaultChallenge } from "./fakes.ts";

const TOKEN_PATH = `/${TENANT_ID}/oauth2/v2.0/token`;
/** Claims of a revocation long ago, which every token satisfies. */
const CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}';

const closers: (() => unknown)[] = [];
let stack: TestStack;
let copy: AppCopy;
let host: FunctionsHost;
beforeAll(async () => {
  const names = [VAULT, RESOURCE_MANAGER].map(({ name }) => name);
  const sources = names.map(async (name) => {
    const text = await readFile(new URL(`functions/${name}.ts`, import.meta.url), "utf8");
    return [`${name}.ts`, text.replace("../../../src/app.ts", "../app.ts")];
  });
  copy = await buildCopyWith(Object.fromEntries(await Promise.all(sources)));
  closers.push(() => copy.remove());
  stack = await startStack({ registrations: { vault: VAULT.registration, management: RESOURCE_MANAGER.registration } });
  closers.push(() => stack.close());
  const settings = { ...ENVIRONMENT, REQUEST_TIMEOUT_MS: "3000" } as Record<string, string>;
  host = await startFunctionsHost({ appRoot: copy.root, settings });
  closers.push(() => host.close());
}, 120_000);
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

const objectId = () => accountOf(stack.directory, "works").objectId;

function call(path: string, token: string): Promise<Response> {
  return fetch(`${host.url}/api/${path}`, { headers: { authorization: `Bearer ${token}` } });
}

async function codeOf(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}

describe.each([VAULT, RESOURCE_MANAGER])("$host, called with its client by GET /api/$name", (service) => {
  const { name, host: hostName, registration, requests: usual } = service;
  let azure: AzureService;
  beforeAll(async () => {
    azure = await startServiceAt(hostName, service.succeed);
  });
  afterEach(() => azure.answer(() => undefined));
  afterAll(() => azure.close());

  const [resource = ""] = registration.identifierUris ?? [];
  const challenge = refusal(401, "InvalidAuthenticationToken", {
    "www-authenticate": `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${Buffer.from(CLAIMS).toString("base64")}"`,
  });

  /** Answers requests with a token this way; the service answers those before them. */
  const answerTokens = (answerer: (token: string) => ReturnType<Parameters<AzureService["answer"]>[0]>) =>
    azure.answer(({ token }) => (token ? answerer(token) : undefined));

  /** Calls the endpoint, and counts exchanges and the requests to the service with a token. */
  async function called(query = "", token?: string) {
    const [asked, before] = [stack.tokenRequests.length, azure.requests.length];
    const response = await call(`${name}${query}`, token ?? (await stack.token("works")));
    const exchanges = stack.tokenRequests.slice(asked).map(({ body }) => body as Record<string, string>);
    const shown = azure.requests.slice(before).filter((request) => request.token);
    return { response, exchanges, shown };
  }

  test("answers as the user, with one exchange for the scope that the endpoint names", async () => {
    const before = azure.requests.length;
    const { response, exchanges, shown } = await called();
    expect([response.status, await response.json()]).toEqual([200, [objectId(), objectId()]]);
    expect(exchanges.map(({ scope }) => scope?.split(" ")[0])).toEqual([`${resource}/user_impersonation`]);
    expect(shown.map(({ audience }) => audience)).toEqual([resource, resource]);
    expect(azure.requests.length - before).toBe(usual);
  });

  test("answers a second request of the same user without another exchange", async () => {
    const token = await stack.token("works");
    await called("", token);
    const { response, exchanges } = await called("", token);
    expect([response.status, exchanges]).toEqual([200, []]);
  });

  test("challenges the token for claims: it is exchanged once more with them, and the new one is used", async () => {
    let refused = "";
    answerTokens((token) => {
      refused ||= token;
      return token === refused ? challenge : undefined;
    });
    const { response, exchanges, shown } = await called();
    expect(response.status).toBe(200);
    expect(JSON.parse(exchanges[1]?.claims ?? "{}")).toMatchObject(JSON.parse(CLAIMS));
    expect([exchanges.length, shown.length]).toEqual([2, 3]);
  });

  test("challenges the new token too: the client gets the claims, after exactly one more exchange", async () => {
    answerTokens(() => challenge);
    const { response, exchanges, shown } = await called();
    expect(response.headers.get("www-authenticate")).toContain(`claims="${Buffer.from(CLAIMS).toString("base64")}"`);
    expect(await codeOf(response)).toBe("401 claims_challenge");
    expect([exchanges.length, shown.length]).toEqual([2, 2]);
  });

  test.each<[string, Fault, string]>([
    ["has no consent any more", { kind: "entraError", number: 65001, error: "invalid_grant" }, "403 consent_required"],
    [
      "asks for another sign-in",
      { kind: "entraError", number: 50076, error: "interaction_required", claims: CLAIMS },
      "401 claims_challenge",
    ],
  ])("challenges the token for claims, and Entra %s: the client gets that answer", async (_, fault, expected) => {
    let undo = () => {};
    answerTokens(() => {
      undo = stack.faults.add({ service: "entra", path: TOKEN_PATH, fault });
      return challenge;
    });
    const { response, exchanges, shown } = await called("?retries=3");
    undo();
    expect(await codeOf(response)).toBe(expected);
    expect([exchanges.length, shown.length]).toEqual([2, 1]);
  });

  test("refuses the token without a reason: answers 502, and the next request exchanges anew", async () => {
    let refused = "";
    answerTokens((token) => {
      refused ||= token;
      return token === refused ? refusal(401, "Unauthorized", { "www-authenticate": "Bearer" }) : undefined;
    });
    const token = await stack.token("works");
    const first = await called("", token);
    expect(await codeOf(first.response)).toBe("502 downstream_failed");
    const second = await called("", token);
    expect([second.response.status, second.exchanges.length]).toEqual([200, 1]);
  });

  test.each<[string, Answer | "hang" | "close", string]>([
    ["refuses the user", refusal(403, "AuthorizationFailed"), "403 downstream_forbidden"],
    ["has no such thing", refusal(404, "NotFound"), "404 not_found"],
    ["fails", refusal(500, "InternalServerError"), "502 downstream_failed"],
    ["closes the connection", "close", "502 downstream_failed"],
    ["never answers", "hang", "504 downstream_timeout"],
  ])(
    "%s: answers with the code for it and none of its text, and other routes still work",
    async (_, answer, expected) => {
      answerTokens(() => answer);
      const [{ response }, profile] = await Promise.all([called(), call("profile", await stack.token("works"))]);
      const text = await response.clone().text();
      expect(await codeOf(response)).toBe(expected);
      expect(text).not.toContain("about someone");
      expect(profile.status).toBe(200);
      await vi.waitFor(() => expect(azure.waiting).toBe(0), 10_000);
    },
  );

  test("asks to wait: passes Retry-After on when the SDK may not retry", async () => {
    answerTokens(() => refusal(429, "TooManyRequests", { "retry-after": "7" }));
    const { response, shown } = await called();
    expect(response.headers.get("retry-after")).toBe("7");
    expect(await codeOf(response)).toBe("503 throttled");
    expect(shown).toHaveLength(1);
  });

  test("asks to wait: the SDK retries, within the request's time-out", async () => {
    let asked = 0;
    answerTokens(() => {
      asked += 1;
      return asked === 1 ? refusal(429, "TooManyRequests", { "retry-after": "0" }) : undefined;
    });
    expect((await called("?retries=3")).response.status).toBe(200);
    answerTokens(() => refusal(429, "TooManyRequests", { "retry-after": "60" }));
    expect(await codeOf((await called("?retries=3")).response)).toBe("504 downstream_timeout");
  });
});

describe("a vault", () => {
  test.each([
    ["another tenant", vaultChallenge("ffffffff-0000-0000-0000-000000000000"), "403 downstream_forbidden"],
    ["another resource", vaultChallenge(TENANT_ID, "https://graph.microsoft.com"), "500 internal_error"],
  ])("that names %s is shown no token", async (_, answer, expected) => {
    const azure = await startServiceAt(VAULT.host, () => answer);
    const response = await call("secrets", await stack.token("works"));
    const tokens = azure.requests.map(({ token }) => token);
    await azure.close();
    expect(await codeOf(response)).toBe(expected);
    expect(tokens).toEqual([""]);
  });
});

test.each([VAULT, RESOURCE_MANAGER])("answers 502 when $host is down, and other routes still work", async (down) => {
  const azure = await startServiceAt(down.host, down.succeed);
  await azure.close();
  onTestFinished(routeTlsHost(down.host, azure.port));
  expect(await codeOf(await call(down.name, await stack.token("works")))).toBe("502 downstream_failed");
  expect((await call("profile", await stack.token("works"))).status).toBe(200);
});
