import { randomUUID } from "node:crypto";
import type http from "node:http";
import { API, AUTHORITY_ORIGIN, FRONTEND, OTHER_TENANT_ID, TENANT_ID } from "easy-auth-local";
import type { AnsweredRequest } from "easy-auth-local/parts";
import {
  createDirectory,
  createSigningKeys,
  createTokenIssuer,
  type FederatedCredential,
  type SigningKeys,
  startEntra,
  type TokenIssuer,
} from "easy-auth-local/parts";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import type { OnBehalfOf } from "../../src/entra/on-behalf-of.ts";
import type { AppError } from "../../src/errors.ts";
import type { Environment } from "../../src/settings.ts";
import { accountOf } from "../support/account.ts";
import { type PemPair, pemPairs } from "../support/certificate.ts";
import { exchangeOf, onBehalfOfAt } from "../support/exchange.ts";
import { answerJson, type IdentityEndpoint, startIdentityEndpoint } from "../support/identity-endpoint.ts";
import { strangersKeys } from "../support/strangers.ts";

/** Time-out of one request; the identity's endpoint gets a fifth of it. */
const REQUEST_TIMEOUT_MS = 5000;
const IDENTITY = "22223333-cccc-4444-dddd-5555eeee6666";
const PRINCIPAL = "33334444-dddd-5555-eeee-6666ffff7777";
const TRUST: FederatedCredential = {
  issuer: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
  subject: PRINCIPAL,
  audience: "api://AzureADTokenExchange",
};

let keys: SigningKeys;
let issuer: TokenIssuer;
let pair: PemPair;
let otherPair: PemPair;
beforeAll(async () => {
  keys = await createSigningKeys(inject("stateFolder"));
  issuer = createTokenIssuer(keys);
  [pair, otherPair] = await pemPairs();
});

interface Registered {
  readonly signInAudience?: "AzureADMultipleOrgs";
  readonly certificates?: readonly string[];
  readonly federatedCredentials?: readonly FederatedCredential[];
}

/** Composes the exchange with a credential, at an Entra where the API is registered accordingly. */
async function startExchange(credential: Environment, registered: Registered = {}) {
  const requests: AnsweredRequest[] = [];
  const directory = createDirectory({ registrations: [{ ...API, ...registered }, FRONTEND] });
  const entra = await startEntra({ directory, issuer, onAnswered: (one) => requests.push(one) });
  onTestFinished(() => entra.close());
  const onBehalfOf = onBehalfOfAt(entra.url, {
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    environment: { MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: "", ...credential },
  });
  return { onBehalfOf, requests };
}

/** Makes one user's exchange. Each call is a sign-in of its own, so nothing is cached. */
async function exchange(onBehalfOf: OnBehalfOf, tenantId = TENANT_ID): Promise<string> {
  const request = { account: accountOf(createDirectory(), "works"), audience: API, scope: "user_impersonation" };
  const assertion = await issuer.at(AUTHORITY_ORIGIN, tenantId).apiToken(request, { uti: randomUUID() });
  const user = { tenantId, objectId: request.account.objectId, expiresAt: Date.now() / 1000 + 3600 };
  return (await onBehalfOf.exchange(exchangeOf(assertion, { user }))).accessToken;
}

const SEVERAL_TENANTS: Environment = {
  WEBSITE_AUTH_OPENID_ISSUER: `${AUTHORITY_ORIGIN}/organizations/v2.0`,
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: `${TENANT_ID},${OTHER_TENANT_ID}`,
};

/** Makes exchanges for users of two tenants at once, and expects each token to come from its user's tenant. */
async function exchangeForTwoTenants(onBehalfOf: OnBehalfOf): Promise<void> {
  const tenants = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? TENANT_ID : OTHER_TENANT_ID));
  const tokens = await Promise.all(tenants.map((tenantId) => exchange(onBehalfOf, tenantId)));
  expect(tokens.map((token) => decodeJwt(token).tid)).toEqual(tenants);
}

async function failureOf(onBehalfOf: OnBehalfOf): Promise<AppError> {
  return exchange(onBehalfOf).then(
    () => {
      throw new Error("The exchange succeeded.");
    },
    (error) => error,
  );
}

/** Returns all text of an error and its causes. */
function contentOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error).filter((name) => name !== "cause");
  return JSON.stringify(error, own) + contentOf(error.cause);
}

describe("a client secret", () => {
  test("is sent as it is, and nothing else as credential", async () => {
    const { onBehalfOf, requests } = await startExchange({
      MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: API.clientSecrets[0],
    });
    expect(decodeJwt(await exchange(onBehalfOf))).toMatchObject({ appid: API.clientId });
    const { form } = requests[0]?.request ?? {};
    expect(form?.get("client_secret")).toBe(API.clientSecrets[0]);
    expect(form?.has("client_assertion")).toBe(false);
  });

  test("that is wrong is reported to the operator by its error number only", async () => {
    const { onBehalfOf } = await startExchange({ MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: "a-wrong-secret" });
    const failure = await failureOf(onBehalfOf);
    expect(failure).toMatchObject({
      code: "misconfigured",
      hint: expect.stringMatching(/^Entra: 401, invalid_client, AADSTS7000215/),
    });
    expect(contentOf(failure)).not.toContain("a-wrong-secret");
  });
});

describe("a certificate", () => {
  const certificate = ({ certificate, key }: PemPair) => ({ CLIENT_CERTIFICATE_PEM: `${certificate}\n${key}` });

  test("signs assertions that Entra verifies by its public key, and no secret is sent", async () => {
    const { onBehalfOf, requests } = await startExchange(certificate(pair), { certificates: [pair.certificate] });
    expect(decodeJwt(await exchange(onBehalfOf))).toMatchObject({ appid: API.clientId });
    const { form } = requests[0]?.request ?? {};
    expect(form?.has("client_secret")).toBe(false);
    const assertion = form?.get("client_assertion") ?? "";
    expect(decodeProtectedHeader(assertion)).toEqual({ alg: "PS256", typ: "JWT", "x5t#S256": expect.any(String) });
    const { iss, sub, aud, exp = 0, nbf = 0, jti } = decodeJwt(assertion);
    expect([iss, sub]).toEqual([API.clientId, API.clientId]);
    expect(aud).toBe(`${AUTHORITY_ORIGIN}/${TENANT_ID}/oauth2/v2.0/token`);
    expect(exp - nbf).toBe(600);
    expect(jti).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("signs a new assertion once the last one has ended", async () => {
    const { onBehalfOf } = await startExchange(certificate(pair), { certificates: [pair.certificate] });
    await exchange(onBehalfOf);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1_200_000 });
    onTestFinished(() => void vi.useRealTimers());
    await expect(exchange(onBehalfOf)).resolves.toMatch(/^ey/);
  });

  test("signs for the tenant that each user's exchange is made at", async () => {
    const { onBehalfOf, requests } = await startExchange(
      { ...certificate(pair), ...SEVERAL_TENANTS },
      { certificates: [pair.certificate], signInAudience: "AzureADMultipleOrgs" },
    );
    await exchangeForTwoTenants(onBehalfOf);
    for (const { request } of requests) {
      const { aud } = decodeJwt(request.form.get("client_assertion") ?? "");
      expect(aud).toBe(`${AUTHORITY_ORIGIN}${request.url.pathname}`);
    }
  });

  test.each<[string, () => Registered, number]>([
    ["is not registered", () => ({}), 700027],
    ["was replaced by another", () => ({ certificates: [otherPair.certificate] }), 700027],
  ])("that %s answers misconfigured, and shows nothing of it", async (_, registered, number) => {
    const { onBehalfOf, requests } = await startExchange(certificate(pair), registered());
    const failure = await failureOf(onBehalfOf);
    expect(failure).toMatchObject({ code: "misconfigured", hint: expect.stringContaining(`AADSTS${number}`) });
    const assertion = requests[0]?.request.form.get("client_assertion") ?? "";
    expect(assertion).toMatch(/^ey/);
    expect(contentOf(failure)).not.toContain(assertion);
  });
});

describe("a managed identity", () => {
  let endpoint: IdentityEndpoint;
  beforeAll(async () => {
    endpoint = await startIdentityEndpoint(IDENTITY);
  });
  afterAll(() => endpoint.close());
  beforeEach(() => {
    endpoint.asked.length = 0;
    endpoint.answer = undefined;
    endpoint.lifetime = 86_400;
    endpoint.token = () => identityToken();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  function identityToken(): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const { issuer: iss, subject: sub, audience: aud } = TRUST;
    const times = { iat: now, nbf: now, exp: now + endpoint.lifetime };
    return keys.sign({ iss, sub, aud, ...times, jti: randomUUID() });
  }

  const start = (credentials: readonly FederatedCredential[] = [TRUST], clientId = IDENTITY) =>
    startExchange({ OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: clientId }, { federatedCredentials: credentials });

  /** Moves only the clock that decides how long tokens are kept. */
  function advance(seconds: number): void {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: now + seconds * 1000 });
  }

  const fails =
    (status: number, body: unknown = { statusCode: status }) =>
    (response: http.ServerResponse) =>
      answerJson(response, status, body);

  test("proves with its token that the app asks: issuer, subject and audience are those the registration trusts", async () => {
    const { onBehalfOf, requests } = await start();
    expect(decodeJwt(await exchange(onBehalfOf))).toMatchObject({ appid: API.clientId });
    const { form } = requests[0]?.request ?? {};
    expect(form?.has("client_secret")).toBe(false);
    expect(form?.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    expect(decodeJwt(form?.get("client_assertion") ?? "")).toMatchObject({
      iss: TRUST.issuer,
      sub: PRINCIPAL,
      aud: "api://AzureADTokenExchange",
    });
  });

  test("is asked for by its client id, for the exchange's audience, in App Service's protocol", async () => {
    const { onBehalfOf } = await start();
    await exchange(onBehalfOf);
    const [{ query, headers } = { query: new URLSearchParams(), headers: {} }] = endpoint.asked;
    expect(Object.fromEntries(query)).toEqual({
      "api-version": "2019-08-01",
      client_id: IDENTITY,
      resource: "api://AzureADTokenExchange",
    });
    expect(headers["x-identity-header"]).toBe(process.env.IDENTITY_HEADER);
  });

  test("is not asked before the first exchange, once for many at once, and not again while its token lasts", async () => {
    const { onBehalfOf, requests } = await start();
    expect(endpoint.asked).toHaveLength(0);
    await Promise.all(Array.from({ length: 20 }, () => exchange(onBehalfOf)));
    advance(86_400 - 400);
    await exchange(onBehalfOf);
    expect(endpoint.asked).toHaveLength(1);
    expect(requests).toHaveLength(21);
  });

  test("proves the same at every tenant that users come from", async () => {
    const { onBehalfOf } = await startExchange(
      { OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: IDENTITY, ...SEVERAL_TENANTS },
      { federatedCredentials: [TRUST], signInAudience: "AzureADMultipleOrgs" },
    );
    await exchangeForTwoTenants(onBehalfOf);
    expect(endpoint.asked).toHaveLength(1);
  });

  test("is asked again 5 minutes before its token expires", async () => {
    const { onBehalfOf, requests } = await start();
    await exchange(onBehalfOf);
    advance(86_400 - 290);
    await exchange(onBehalfOf);
    await exchange(onBehalfOf);
    expect(endpoint.asked).toHaveLength(2);
    const [first, second, third] = requests.map(({ request }) => request.form.get("client_assertion"));
    expect(second).not.toBe(first);
    expect(third).toBe(second);
  });

  test("serves with its last token until it expires, and not a second longer, if there is no new one", async () => {
    const { onBehalfOf } = await start();
    await exchange(onBehalfOf);
    endpoint.answer = fails(500);
    advance(86_400 - 5);
    await expect(exchange(onBehalfOf)).resolves.toMatch(/^ey/);
    advance(5);
    expect(await failureOf(onBehalfOf)).toMatchObject({ code: "identity_unavailable" });
    endpoint.answer = undefined;
    await expect(exchange(onBehalfOf)).resolves.toMatch(/^ey/);
  });

  test.each<[string, (response: http.ServerResponse) => void, AppError["code"], RegExp, number]>([
    [
      "refuses the header with 401",
      fails(401),
      "misconfigured",
      / refused: 401\. Assign the user-assigned identity/,
      1,
    ],
    ["refuses the header with 403", fails(403), "misconfigured", / refused: 403\./, 1],
    ["answers 404", fails(404), "identity_unavailable", / failed: 404\. It exists in Azure only/, 1],
    ["asks to wait with 429", fails(429), "identity_unavailable", / failed: 429\./, 1],
    ["fails with 500", fails(500), "identity_unavailable", / failed: 500\./, 2],
    ["fails with 503 and an OAuth error", fails(503, { error: "invalid_client" }), "identity_unavailable", / 503\./, 2],
    ["never answers", () => {}, "identity_unavailable", / failed: timeout\./, 1],
    ["hangs up", (response) => response.destroy(), "identity_unavailable", / failed: unreachable\./, 2],
    [
      "answers HTML",
      (response) => response.end("<html>very private"),
      "identity_unavailable",
      / answered without a token/,
      1,
    ],
    [
      "answers without a token",
      fails(200, { expires_on: "1" }),
      "identity_unavailable",
      / answered without a token/,
      1,
    ],
    [
      "answers a token that is no text",
      fails(200, { access_token: 5, expires_on: [] }),
      "identity_unavailable",
      / answered without a token/,
      1,
    ],
  ])("whose endpoint %s fails the exchange, and Entra is not asked", async (_, answer, code, hint, asked) => {
    const { onBehalfOf, requests } = await start();
    endpoint.answer = answer;
    const failure = await failureOf(onBehalfOf);
    expect(failure).toMatchObject({ code, hint: expect.stringMatching(hint) });
    expect(contentOf(failure)).not.toContain("very private");
    expect(endpoint.asked).toHaveLength(asked);
    expect(requests).toHaveLength(0);
    endpoint.answer = undefined;
    await expect(exchange(onBehalfOf), "and the next one is asked anew").resolves.toMatch(/^ey/);
  });

  test("that is not assigned to the app is reported to the operator with the fix", async () => {
    const { onBehalfOf } = await start([TRUST], "44445555-eeee-6666-ffff-7777aaaa8888");
    expect(await failureOf(onBehalfOf)).toMatchObject({
      code: "misconfigured",
      hint: expect.stringMatching(/ refused: 400\. Assign .* OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID to its client id/),
    });
  });

  test("whose header is not the platform's is refused", async () => {
    const { onBehalfOf } = await start();
    endpoint.header = "rotated";
    onTestFinished(() => {
      endpoint.header = undefined;
    });
    expect(await failureOf(onBehalfOf)).toMatchObject({ code: "misconfigured" });
  });

  test.each<[string, readonly FederatedCredential[], number]>([
    ["nobody's", [], 700211],
    ["another issuer's", [{ ...TRUST, issuer: `${AUTHORITY_ORIGIN}/${randomUUID()}/v2.0` }], 700211],
    ["another identity's", [{ ...TRUST, subject: IDENTITY }], 700213],
    ["those for another audience", [{ ...TRUST, audience: "api://AzureADTokenExchangeChina" }], 700212],
  ])("at a registration that trusts %s tokens is the operator's fault", async (_, credentials, number) => {
    const { onBehalfOf, requests } = await start(credentials);
    const failure = await failureOf(onBehalfOf);
    expect(failure).toMatchObject({
      code: "misconfigured",
      hint: expect.stringMatching(new RegExp(`^Entra: 401, invalid_client, AADSTS${number}`)),
    });
    const assertion = requests[0]?.request.form.get("client_assertion") ?? "";
    expect(assertion).toMatch(/^ey/);
    expect(contentOf(failure)).not.toContain(assertion);
  });

  test("whose token is not signed by Entra is refused there", async () => {
    const stranger = await strangersKeys();
    endpoint.token = async () => stranger.sign(decodeJwt(await identityToken()));
    const { onBehalfOf } = await start();
    expect(await failureOf(onBehalfOf)).toMatchObject({
      code: "misconfigured",
      hint: expect.stringContaining("AADSTS700027"),
    });
  });
});
