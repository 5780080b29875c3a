import http from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import {
  createSigningKeys as createEmulatorKeys,
  listenOnLoopback,
  routeMicrosoftOrigins,
  type SigningKeys,
} from "easy-auth-local/parts";
import { exportJWK, generateKeyPair, type JWTVerifyGetKey, jwtVerify, SignJWT } from "jose";
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { createPublicKeys } from "../../src/entra/public-keys.ts";
import { createVerifier } from "../../src/entra/verify.ts";

let today: SigningKeys;
let tomorrow: SigningKeys;
beforeAll(async () => {
  [today, tomorrow] = [await createEmulatorKeys(), await createEmulatorKeys()];
});
afterEach(() => {
  vi.useRealTimers();
});

/** An authority whose answer a test changes. */
async function startAuthority() {
  const authority = {
    url: new URL("http://localhost"),
    reads: 0,
    answer: (_: http.ServerResponse): void => {},
    publish: (...published: SigningKeys[]) => {
      const keys = published.flatMap(({ jwks }) => jwks.keys);
      authority.answer = (response) =>
        void response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
    },
  };
  const server = http.createServer((_, response) => {
    authority.reads += 1;
    authority.answer(response);
  });
  const listening = await listenOnLoopback(server, 0, ["login.microsoftonline.com"]);
  onTestFinished(() => {
    server.closeAllConnections();
    return listening.close();
  });
  authority.url = new URL(`${listening.url}/keys`);
  authority.publish(today);
  return authority;
}

async function codeOf(keys: JWTVerifyGetKey, signer: SigningKeys): Promise<string> {
  return jwtVerify(await signer.sign({ a: 1 }), keys).then(
    () => "accepted",
    (error: { code?: string; name: string }) => error.code ?? error.name,
  );
}

/** Moves only the clock that decides how long keys are kept. */
function advance(seconds: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + seconds * 1000 });
}

describe("an authority's signing keys", () => {
  test("are read once for many tokens, and again after an hour", async () => {
    const authority = await startAuthority();
    const keys = createPublicKeys(authority.url, 3000);
    for (let count = 0; count < 5; count += 1) expect(await codeOf(keys, today)).toBe("accepted");
    expect(authority.reads).toBe(1);
    advance(3601);
    expect(await codeOf(keys, today)).toBe("accepted");
    expect(authority.reads).toBe(2);
  });

  test("are read again for a token with a newly added key", async () => {
    const authority = await startAuthority();
    const keys = createPublicKeys(authority.url, 3000);
    expect(await codeOf(keys, today)).toBe("accepted");
    authority.publish(today, tomorrow);
    advance(31);
    expect(await codeOf(keys, tomorrow)).toBe("accepted");
    expect(authority.reads).toBe(2);
  });

  test("verify no token that does not name its key, even if there is only one key", async () => {
    const authority = await startAuthority();
    const { publicKey, privateKey } = await generateKeyPair("RS256");
    const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: "only" }] };
    authority.answer = (response) =>
      void response.setHeader("content-type", "application/json").end(JSON.stringify(keys));
    const publicKeys = createPublicKeys(authority.url, 1000);
    const named = await new SignJWT({}).setProtectedHeader({ alg: "RS256", kid: "only" }).sign(privateKey);
    const unnamed = await new SignJWT({}).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
    await expect(jwtVerify(named, publicKeys)).resolves.toBeDefined();
    await expect(jwtVerify(unnamed, publicKeys)).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  });

  test("are not read again for each made-up key id", async () => {
    const authority = await startAuthority();
    const keys = createPublicKeys(authority.url, 3000);
    await codeOf(keys, today);
    advance(31);
    for (let count = 0; count < 20; count += 1) expect(await codeOf(keys, tomorrow)).toBe("ERR_JWKS_NO_MATCHING_KEY");
    expect(authority.reads).toBe(2);
  });

  test.each<[string, (response: http.ServerResponse) => void]>([
    ["fails", (response) => response.writeHead(500).end()],
    ["answers HTML", (response) => response.end("<html>")],
    ["hangs up", (response) => response.destroy()],
    ["never answers", () => {}],
  ])("serve on while the authority %s, and are asked for twice a minute at most", async (_, answer) => {
    const authority = await startAuthority();
    const keys = createPublicKeys(authority.url, 1000);
    expect(await codeOf(keys, today)).toBe("accepted");
    authority.answer = answer;
    advance(3601);
    for (let count = 0; count < 20; count += 1) expect(await codeOf(keys, today)).toBe("accepted");
    expect(await codeOf(keys, tomorrow)).toBe("ERR_JWKS_NO_MATCHING_KEY");
    expect(authority.reads).toBe(2);
    authority.publish(today, tomorrow);
    advance(31);
    expect(await codeOf(keys, tomorrow)).toBe("accepted");
  });

  test("are used for at most a day without the authority", async () => {
    const authority = await startAuthority();
    const keys = createPublicKeys(authority.url, 3000);
    await codeOf(keys, today);
    authority.answer = (response) => response.writeHead(500).end();
    advance(24 * 3600 + 1);
    expect(await codeOf(keys, today)).toBe("ERR_JOSE_GENERIC");
  });
});

describe("a token verified with a key that the authority publishes for the issuer", () => {
  const TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
  const OTHER = "bbbbcccc-1111-dddd-2222-eeee3333ffff";

  test.each([
    ["of every tenant", "https://login.microsoftonline.com/{tenantid}/v2.0", TENANT, "accepted"],
    ["of the token's tenant", `https://login.microsoftonline.com/${TENANT}/v2.0`, TENANT, "accepted"],
    [
      "of the token's tenant, in capitals",
      `https://login.microsoftonline.com/${TENANT}/v2.0`,
      TENANT.toUpperCase(),
      "accepted",
    ],
    ["of the token's tenant, in version 1", `https://sts.windows.net/${TENANT}/`, TENANT, "accepted"],
    ["of another tenant", `https://login.microsoftonline.com/${OTHER}/v2.0`, TENANT, "ERR_JWKS_NO_MATCHING_KEY"],
    [
      "of another tenant, for a token without one",
      `https://sts.windows.net/${OTHER}/`,
      undefined,
      "ERR_JWKS_NO_MATCHING_KEY",
    ],
  ])("%s: the verdict is $3", async (_, issuer, tid, expected) => {
    const authority = await startAuthority();
    const key = today.jwks.keys.find(({ kid }) => kid === today.keyId);
    authority.answer = (response) =>
      void response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [{ ...key, issuer }] }));
    const token = await today.sign({ tid });
    const verifying = jwtVerify(token, createPublicKeys(authority.url, 3000));
    expect(
      await verifying.then(
        () => "accepted",
        ({ code }) => code,
      ),
    ).toBe(expected);
  });
});

describe("an assertion while the keys were never read", () => {
  const settings = {
    authority: { origin: "https://login.microsoftonline.com", v1IssuerOrigin: "https://sts.windows.net", tenant: "t" },
    graphOrigin: "https://graph.microsoft.com",
    allowedTenants: ["t"],
    audiences: ["a"],
    requestTimeoutMs: 10_000,
  };

  test.each<[string, (response: http.ServerResponse) => void]>([
    ["fail with 500", (response) => response.writeHead(500).end()],
    ["are not JSON", (response) => response.end("<html>")],
    ["are no key set", (response) => response.setHeader("content-type", "application/json").end('{"keys":1}')],
    ["break off", (response) => response.destroy()],
    ["never arrive", () => {}],
  ])("is not wrong: keys that %s make sign-in unavailable", async (_, answer) => {
    const authority = await startAuthority();
    authority.answer = answer;
    const verify = createVerifier(settings, createPublicKeys(authority.url, 100));
    await expect(verify(await today.sign({}))).rejects.toMatchObject({ code: "identity_unavailable" });
  });

  test("is answered while more than a third of the request's time is left, when the keys never arrive", async () => {
    const authority = await startAuthority();
    authority.answer = () => {};
    onTestFinished(routeMicrosoftOrigins({ entra: authority.url.origin, graph: "http://localhost:9" }));
    const verifying = createVerifier({ ...settings, requestTimeoutMs: 3000 })(await today.sign({}));
    const ended = verifying.catch(({ code }) => code);
    expect(await Promise.race([ended, wait(2000, "still waits")])).toBe("identity_unavailable");
    expect(authority.reads).toBe(1);
  });

  test("whose authority cannot be reached at all makes sign-in unavailable", async () => {
    const verify = createVerifier(settings, createPublicKeys(new URL("http://localhost:9/keys"), 3000));
    await expect(verify(await today.sign({}))).rejects.toMatchObject({ code: "identity_unavailable" });
  });
});
