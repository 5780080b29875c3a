import { describe, expect, test } from "vitest";
import { createUserCredential } from "../../../src/downstream/azure-sdk/credential.ts";
import { AppError } from "../../../src/errors.ts";
import type { SignedInUser } from "../../../src/user.ts";
import { signedInUser } from "../../support/signed-in-user.ts";

const TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const STORAGE = "https://storage.azure.com/.default";

/** Makes a user who gets `token-1`, `token-2` …, a new one only after the last is forgotten or for claims. */
function user(changes: Partial<SignedInUser> = {}) {
  const asked: (string | undefined)[][] = [];
  let forgotten = 0;
  const source = signedInUser({
    tenantId: TENANT,
    accessToken: async (...args) => {
      asked.push(args);
      return `token-${forgotten + 1}`;
    },
    forgetAccessToken: () => {
      forgotten += 1;
    },
    ...changes,
  });
  return { credential: createUserCredential(source), asked };
}

describe("the user as a credential of the Azure SDK", () => {
  test("gives a token for the resource whose scope is asked for", async () => {
    const { credential, asked } = user();
    expect((await credential.getToken(STORAGE, { enableCae: true }))?.token).toBe("token-1");
    expect(asked).toEqual([["https://storage.azure.com", undefined]]);
  });

  test("is called again for each request over HTTP", async () => {
    const { credential } = user();
    const token = await credential.getToken(STORAGE, { enableCae: true });
    expect(token?.expiresOnTimestamp).toBeLessThanOrEqual(Date.now());
  });

  test.each([["https://servicebus.azure.net//.default"], [["https://servicebus.azure.net//.default"]]])(
    "gives links over AMQP, which ask for %j and nothing else, a token that they renew in minutes",
    async (scopes) => {
      const { credential, asked } = user();
      const before = Date.now();
      const token = await credential.getToken(scopes);
      // Azure/azure-sdk-for-js, sdk/servicebus/service-bus/src/core/linkEntity.ts renews two minutes before the expiry.
      expect(Number(token?.expiresOnTimestamp) - before - 120_000).toBeGreaterThanOrEqual(60_000);
      expect(token?.expiresOnTimestamp).toBeLessThanOrEqual(Date.now() + 300_000);
      expect(asked).toEqual([["https://servicebus.azure.net", undefined]]);
    },
  );

  test("gives a new token for claims", async () => {
    const { credential, asked } = user();
    await credential.getToken([STORAGE]);
    expect((await credential.getToken([STORAGE], { claims: "{}" }))?.token).toBe("token-2");
    expect(asked[1]).toEqual(["https://storage.azure.com", "{}"]);
  });

  test.each(["", "no JSON", "null", '{"access_token":null}'])(
    "gives a new one without claims for a challenge that is no claims request: %j",
    async (claims) => {
      const { credential, asked } = user();
      await credential.getToken([STORAGE]);
      expect((await credential.getToken([STORAGE], { claims }))?.token).toBe("token-2");
      expect(asked[1]).toEqual(["https://storage.azure.com", undefined]);
    },
  );

  test("gives a new one when Storage refuses the last by naming the user's tenant, to all who were refused the same one", async () => {
    const { credential } = user();
    expect((await credential.getToken(STORAGE, { enableCae: true }))?.token).toBe("token-1");
    expect((await credential.getToken(STORAGE, { tenantId: TENANT.toUpperCase() }))?.token).toBe("token-2");
    expect((await credential.getToken(STORAGE, { tenantId: TENANT }))?.token).toBe("token-2");
    expect((await credential.getToken(STORAGE, { enableCae: true }))?.token).toBe("token-2");
    expect((await credential.getToken(STORAGE, { tenantId: TENANT }))?.token).toBe("token-3");
  });

  test("gives the same token each time Key Vault names the user's tenant", async () => {
    const { credential } = user();
    for (let request = 0; request < 3; request += 1) {
      const token = await credential.getToken("https://vault.azure.net/.default", {
        enableCae: true,
        tenantId: TENANT,
      });
      expect(token?.token).toBe("token-1");
    }
  });

  test("gives no token for another tenant", async () => {
    const { credential, asked } = user();
    await expect(
      credential.getToken(STORAGE, { tenantId: "ffffffff-0000-0000-0000-000000000000" }),
    ).rejects.toMatchObject({
      code: "downstream_forbidden",
    });
    expect(asked).toEqual([]);
  });

  test.each([["https://graph.microsoft.com/.default"], [[STORAGE, "https://graph.microsoft.com/.default"]], [[]]])(
    "gives no token for %j to a client that began with Storage",
    async (scopes) => {
      const { credential, asked } = user();
      await credential.getToken(STORAGE);
      await expect(credential.getToken(scopes)).rejects.toMatchObject({ code: "internal_error" });
      expect(asked).toHaveLength(1);
    },
  );

  test("fails with the error of the exchange", async () => {
    const failure = new AppError("consent_required");
    const { credential } = user({ accessToken: () => Promise.reject(failure) });
    await expect(credential.getToken(STORAGE)).rejects.toBe(failure);
  });

  test("waits no longer than the client does", async () => {
    const { credential } = user({ accessToken: () => new Promise(() => {}) });
    await expect(credential.getToken(STORAGE, { abortSignal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
    const controller = new AbortController();
    const asking = credential.getToken(STORAGE, { abortSignal: controller.signal });
    controller.abort();
    await expect(asking).rejects.toMatchObject({ name: "AbortError" });
  });
});
