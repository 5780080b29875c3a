import http from "node:http";
import { decodeJwt } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { fetchToken } from "../../src/command/token.ts";
import { startStack, type TestStack } from "../../src/test-kit/vitest.ts";

const ORDERS = "0d0d0d0d-4444-4444-8444-444444444444";
const SHOP = "0e0e0e0e-5555-4555-8555-555555555555";
const hello = () => http.createServer((_, response) => response.end("hello"));

describe("apps with registrations of their own", () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startStack({
      servers: { api: hello, frontend: hello },
      api: { registration: "orders" },
      frontend: { registration: "shop" },
      registrations: {
        orders: { clientId: ORDERS, identifierUris: ["api://orders"], scopes: ["Orders.Read"] },
        shop: {
          clientId: SHOP,
          clientSecrets: ["secret"],
          delegatedPermissions: ["openid", "api://orders/Orders.Read"],
        },
      },
    });
  });

  test("get tokens for scripts that the API's gate takes", async () => {
    for (const token of [await stack.token("works"), await fetchToken("works", stack.entraUrl)]) {
      expect(decodeJwt(token)).toMatchObject({ aud: ORDERS, azp: SHOP, scp: "Orders.Read" });
      expect((await fetch(stack.apiUrl, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    }
  });

  test("sign users in with the API's scope", async () => {
    const browser = await stack.signIn("works");
    const [session] = (await (await browser.fetch("/.auth/me")).json()) as { access_token: string }[];
    expect(decodeJwt(session?.access_token ?? "")).toMatchObject({ aud: ORDERS, azp: SHOP, scp: "Orders.Read" });
  });

  test("are given consent by one call", () => {
    const orders = stack.registrations.get("orders");
    const adele = stack.directory.accountByKey("works");
    if (!orders || !adele) throw new Error("Not there.");
    stack.consent("Mail.Read", { account: "works" });
    expect(stack.directory.consents.has(orders, { names: ["Mail.Read"] }, adele)).toBe(true);
  });
});
