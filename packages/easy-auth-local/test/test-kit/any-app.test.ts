import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { fetchToken } from "../../src/command/token.ts";
import { startStaticSite } from "../../src/stack/static-site.ts";
import { readConfiguration } from "../../src/test-kit/stack.ts";
import { startStack, type TestStack } from "../../src/test-kit/vitest.ts";

const ORDERS = "0d0d0d0d-4444-4444-8444-444444444444";
const SHOP = "0e0e0e0e-5555-4555-8555-555555555555";
const hello = () => http.createServer((_, response) => response.end("hello"));

describe("apps with registrations of their own", () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startStack({
      stateFolder: inject("stateFolder"),
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
      const response = await fetch(stack.apiUrl, { headers: { authorization: `Bearer ${token}` } });
      expect([response.status, await response.text()]).toEqual([200, "hello"]);
    }
  });

  test("sign users in with the API's scope", async () => {
    const browser = await stack.signIn("works");
    const [session] = (await (await browser.fetch("/.auth/me")).json()) as { access_token: string }[];
    expect(decodeJwt(session?.access_token ?? "")).toMatchObject({ aud: ORDERS, azp: SHOP, scp: "Orders.Read" });
  });

  afterAll(() => stack.close());

  test("are given consent by one call", () => {
    const orders = stack.registrations.get("orders");
    const adele = stack.directory.accountByKey("works");
    if (!orders || !adele) throw new Error("Not there.");
    stack.consent("Mail.Read", { account: "works" });
    expect(stack.directory.consents.has(orders, { names: ["Mail.Read"] }, adele)).toBe(true);
  });
});

describe("an app by its folder, with a configuration", () => {
  const folder = mkdtempSync(join(tmpdir(), "any-app-"));
  const file = join(folder, "easy-auth-local.json");
  beforeAll(() => {
    writeFileSync(join(folder, "index.html"), "<title>Page</title>");
    const registrations = { api: { clientId: ORDERS }, frontend: { clientId: SHOP } };
    writeFileSync(file, JSON.stringify({ registrations, api: { excludedPaths: ["/open"] } }));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ["a file", () => file],
    ["an object", () => readConfiguration(file)],
  ])("given as %s is served", async (_, config) => {
    const stack = await startStack({
      stateFolder: inject("stateFolder"),
      api: folder,
      frontend: folder,
      config: await config(),
    });
    expect(await (await (await stack.signIn("works")).fetch("/")).text()).toBe("<title>Page</title>");
    expect(decodeJwt(await stack.token("works"))).toMatchObject({ aud: ORDERS, azp: SHOP });
    const page = await fetch(`${stack.apiUrl}/open`);
    expect([(await fetch(stack.apiUrl)).status, page.status, await page.text()]).toEqual([
      401,
      200,
      "<title>Page</title>",
    ]);
  });

  test("may be an address", async () => {
    const page = await startStaticSite(folder);
    onTestFinished(() => page.close());
    const stack = await startStack({ stateFolder: inject("stateFolder"), frontend: page.url });
    expect(await (await (await stack.signIn("many-groups")).fetch("/")).text()).toBe("<title>Page</title>");
  });
});
