import { beforeAll, describe, expect, test } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
import { startStack, type TestStack } from "../../../test/support/stack.ts";
import { strangersKeys } from "../../../test/support/strangers.ts";
import { API } from "../src/directory/directory.ts";
import { createTokenIssuer } from "../src/entra/tokens.ts";
import { STORAGE } from "../src/storage/access.ts";

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ sharedCache: true });
});

async function statusFor(token?: string, path = "/Tables", init: RequestInit = {}): Promise<number> {
  const headers = {
    ...{ "x-ms-version": "2019-02-02", accept: "application/json;odata=nometadata" },
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  const response = await fetch(`${stack.tables?.url}${path}`, { ...init, headers });
  await response.arrayBuffer();
  return response.status;
}

describe("Table storage on the laptop", () => {
  test("accepts the app's own token", async () => {
    expect(await statusFor(await stack.issuer.appToken(API, STORAGE, []))).toBe(200);
    expect(await statusFor(await stack.issuer.appToken(API, STORAGE, []), "/nothere()")).toBe(404);
  });

  test("refuses a token of a user, for another resource or of another app, and a request without one", async () => {
    const request = { account: accountOf(stack.directory, "works"), audience: STORAGE, scope: "user_impersonation" };
    expect(await statusFor(await stack.issuer.apiToken(request))).toBe(403);
    expect(await statusFor(await stack.issuer.appToken(API, API, []))).toBe(401);
    expect(await statusFor(await createTokenIssuer(await strangersKeys()).appToken(API, STORAGE, []))).toBe(401);
    expect(await statusFor()).toBe(401);
  });
});

test("a restarted instance finds the token that the previous one exchanged", async () => {
  const headers = { authorization: `Bearer ${await stack.token("works")}` };
  const profile = async () => (await fetch(`${stack.apiUrl}/api/profile`, { headers })).status;
  expect(await profile()).toBe(200);
  const appToken = await stack.issuer.appToken(API, STORAGE, []);
  const day = new Date(Date.now() + 3_600_000).toISOString().slice(0, 10).replaceAll("-", "");
  // The entry is written after the answer.
  await expect.poll(() => statusFor(appToken, `/tokens${day}()`)).toBe(200);
  const exchanges = () =>
    stack.tokenRequests.filter(({ body }) => JSON.stringify(body).includes("on_behalf_of")).length;
  expect(exchanges()).toBe(1);
  // A look-up that takes longer than 50 ms counts as a miss: on a busy machine, one of the next instances finds the entry.
  const exchangesOfNextInstance = async () => {
    const before = exchanges();
    await stack.functions.reload();
    expect(await profile()).toBe(200);
    return exchanges() - before;
  };
  await expect.poll(exchangesOfNextInstance, { timeout: 30_000 }).toBe(0);
});
