import http from "node:http";
import { afterAll, beforeAll, inject, onTestFinished, vi } from "vitest";
import { accountOf } from "../../../../test/support/account.ts";
import {
  type Account,
  API,
  AUTHORITY_ORIGIN,
  createDirectory,
  FRONTEND,
  TENANT_ID,
} from "../../src/directory/directory.ts";
import type { AuthSettings } from "../../src/easy-auth/auth-settings.ts";
import { type GateOptions, startGate } from "../../src/easy-auth/gate.ts";
import { createSigningKeys, type SigningKeys } from "../../src/entra/keys.ts";
import { startEntra } from "../../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../src/entra/tokens.ts";
import { type LoopbackServer, listenOnLoopback } from "../../src/http/loopback-server.ts";
import { routeMicrosoftOrigins } from "../../src/routing/microsoft-origins.ts";
import { Browser } from "../../src/test-kit/browser.ts";

export const V2_ISSUER = `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`;
export const V1_ISSUER = `https://sts.windows.net/${TENANT_ID}/`;
const SCOPE = `openid profile email offline_access ${API.identifierUris[0]}/user_impersonation`;

/** Entra, and an app that answers with the request that reached it, for one test file. */
export interface Surroundings {
  readonly entra: LoopbackServer;
  readonly issuer: TokenIssuer;
  readonly app: LoopbackServer;
  account(key: string): Account;
  /** Signs an access token for the API; `changes` replaces claims. */
  apiToken(changes?: Record<string, unknown>): Promise<string>;
}

/** Starts them before the file's tests. `moreClaims` are in every token that Entra signs for its own apps. */
export function surroundings(
  moreClaims: Record<string, unknown> = {},
  accounts: readonly Account[] = [],
): Surroundings {
  const directory = createDirectory({ accounts });
  const started = {} as { entra: LoopbackServer; issuer: TokenIssuer; app: LoopbackServer };
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    const keys = await createSigningKeys(inject("stateFolder"));
    const signing: SigningKeys = { ...keys, sign: (claims) => keys.sign({ ...claims, ...moreClaims }) };
    started.issuer = createTokenIssuer(signing, () => Date.now());
    started.entra = await startEntra({ directory, issuer: started.issuer });
    started.app = await listenOnLoopback(http.createServer({ maxHeaderSize: 131_072 }, echo), 0);
    const unroute = routeMicrosoftOrigins({ entra: started.entra.url, graph: "http://localhost:9" });
    closing.push(
      () => started.entra.close(),
      () => started.app.close(),
      unroute,
    );
  });
  afterAll(async () => {
    for (const close of closing) await close();
  });
  const account = (key: string) => accountOf(directory, key);
  return {
    get entra() {
      return started.entra;
    },
    get issuer() {
      return started.issuer;
    },
    get app() {
      return started.app;
    },
    account,
    apiToken: (changes) =>
      started.issuer.apiToken({ account: account("works"), audience: API, scope: "user_impersonation" }, changes),
  };
}

function echo(request: http.IncomingMessage, response: http.ServerResponse): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify({ path: request.url, headers: request.headers }));
}

/** Settings of a gate that lets users sign in. */
export function frontendSettings(changes: Partial<AuthSettings> = {}): AuthSettings {
  return {
    globalValidation: { unauthenticatedClientAction: "RedirectToLoginPage" },
    identityProviders: {
      azureActiveDirectory: {
        registration: { openIdIssuer: V2_ISSUER, clientId: FRONTEND.clientId, clientSecretSettingName: "SECRET" },
        login: { loginParameters: [`scope=${SCOPE}`] },
      },
    },
    login: { tokenStore: { enabled: true } },
    ...changes,
  };
}

type Validation = NonNullable<AuthSettings["identityProviders"]["azureActiveDirectory"]["validation"]>;

/** Settings of a gate that takes bearer tokens only. */
export function apiSettings(validation: Validation = {}, openIdIssuer = V2_ISSUER): AuthSettings {
  return {
    globalValidation: { unauthenticatedClientAction: "Return401" },
    identityProviders: {
      azureActiveDirectory: { registration: { openIdIssuer, clientId: API.clientId }, validation },
    },
    login: { tokenStore: { enabled: true } },
  };
}

/** Opens a gate in front of the echoing app; closed when the test ends. */
export async function openGate(
  around: Surroundings,
  settings: AuthSettings,
  options: Partial<GateOptions> = {},
): Promise<string> {
  const gate = await startGate({
    settings,
    upstream: around.app.url,
    browserOrigin: around.entra.url,
    appSettings: { SECRET: FRONTEND.clientSecrets[0] },
    onError: () => {},
    ...options,
  });
  onTestFinished(() => gate.close());
  return gate.url;
}

/** Returns a browser with a session at a gate. */
export async function signedIn(gateUrl: string, account = "works"): Promise<Browser> {
  const browser = new Browser();
  await browser.signIn(`${gateUrl}/`, account);
  return browser;
}

/** Returns the request that reached the app. */
export async function echoed(response: Response): Promise<{ path: string; headers: Record<string, string> }> {
  return (await response.json()) as { path: string; headers: Record<string, string> };
}

/** Claims of the injected principal by `typ`, in order. */
export function principalClaims(headers: Record<string, string>): { typ: string; val: string }[] {
  return JSON.parse(Buffer.from(headers["x-ms-client-principal"] ?? "", "base64").toString()).claims;
}

/** Stops the clock for this test, and returns a function that moves it. Timers keep running. */
export function stopClock(): (milliseconds: number) => void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  return (milliseconds) => void vi.setSystemTime(Date.now() + milliseconds);
}
