import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { ACCOUNTS } from "../../src/directory/accounts.ts";
import { API, createDirectory, FRONTEND, type Registration, TENANT_ID } from "../../src/directory/directory.ts";
import { redirectPlatformOf } from "../../src/directory/registration.ts";

const ORDERS: Registration = {
  clientId: "22223333-cccc-4444-dddd-5555eeee6666",
  displayName: "Orders",
  identifierUris: ["api://orders"],
  scopes: ["Orders.Read", "Orders.Write"],
};

describe("a redirect URI", () => {
  const app: Registration = {
    ...FRONTEND,
    redirectUris: {
      web: ["https://contoso.example/callback?x=1"],
      spa: ["http://localhost:5173/"],
      publicClient: ["http://localhost", "http://127.0.0.1/native", "msal11112222://auth"],
    },
  };

  test.each([
    ["https://contoso.example/callback?x=1", "web"],
    ["http://localhost:5173/", "spa"],
    // Entra ignores the port of a loopback address: https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
    ["http://localhost:9/", "spa"],
    ["http://127.0.0.1:50000/native", "publicClient"],
    ["msal11112222://auth", "publicClient"],
    ["https://contoso.example/callback", undefined],
    ["https://contoso.example:8443/callback?x=1", undefined],
    ["https://localhost:5173/", undefined],
    ["http://localhost:5173/other", undefined],
    ["not a URI", undefined],
  ])("%s is registered for the platform %s", (uri, platform) => {
    expect(redirectPlatformOf(app, uri)).toBe(platform);
  });
});

describe("consent", () => {
  const directory = () => createDirectory({ registrations: [API, FRONTEND, ORDERS] });
  const account = (one: ReturnType<typeof directory>, key: string) => one.accountByKey(key) ?? one.accounts[0];

  test.each([
    ["what the registration lists, in upper or lower case", API, ["user.read"], undefined, "works", true],
    ["nothing else of Microsoft Graph", API, ["User.Read", "Mail.Read"], undefined, "works", false],
    ["nothing of Microsoft Graph for an account that lacks it", API, ["User.Read"], undefined, "no-consent", false],
    ["scopes of another API that the registration lists", FRONTEND, ["user_impersonation"], API, "no-consent", true],
    ["no scopes of another API that it does not list", API, ["Orders.Read"], ORDERS, "works", false],
    ["nothing without an administrator", { ...API, hasAdminConsent: false }, ["User.Read"], undefined, "works", false],
    [
      "a scope whose API preauthorized the app",
      API,
      ["Orders.Read"],
      { ...ORDERS, preAuthorizedApplications: [API.clientId] },
      "works",
      true,
    ],
  ] as const)("covers %s", (_, client: Registration, names, resource: Registration | undefined, key, isCovered) => {
    const one = directory();
    expect(one.consents.has(client, { names, resource }, account(one, key) as never)).toBe(isCovered);
  });

  test("applies to the user who granted it, or to everybody if an administrator did, until it is withdrawn", () => {
    const one = directory();
    const [works, sparse] = [account(one, "works"), account(one, "sparse")] as never[] as [never, never];
    const read = { names: ["Orders.Read"], resource: ORDERS };
    const write = { names: ["Orders.Write"], resource: ORDERS };
    one.consents.grant(API, read, works);
    one.consents.grant(API, write);
    const has = () =>
      [read, write].flatMap((asked) => [works, sparse].map((user) => one.consents.has(API, asked, user)));
    expect(has()).toEqual([true, false, true, true]);
    expect(one.consents.has(API, { names: ["Orders.Read"] }, works)).toBe(false);
    one.consents.withdraw();
    expect(has()).toEqual([false, false, false, false]);
  });
});

describe("a directory", () => {
  test("knows its tenant, and guests' tenant, by id and by domain name in any case", () => {
    const tenant = { id: "0a0a0a0a-1111-4111-8111-111111111111", domains: ["own.example"] };
    const own = createDirectory({ tenant });
    expect([tenant.id.toUpperCase(), "OWN.example", TENANT_ID].map(own.tenantIdOf)).toEqual([
      tenant.id,
      tenant.id,
      undefined,
    ]);
    expect(createDirectory().tenantIdOf("Contoso.Example")).toBe(TENANT_ID);
    const [works, guest] = ["works", "guest"].map((key) => own.accountByKey(key));
    expect(works && own.homeTenantOf(works)).toBe(tenant.id);
    expect(guest && own.isKnownIn(tenant.id, guest)).toBe(true);
  });

  test("adds accounts to the built-in ones, and replaces one of the same key", () => {
    const profile = { displayName: "Somebody", userPrincipalName: "somebody@contoso.example" };
    const [own, other] = ["works", "own"].map((key, index) => ({ key, objectId: `${index}`, shows: "", profile }));
    const { accounts, accountByKey } = createDirectory({ accounts: [own, other] as never });
    expect(accounts).toHaveLength(createDirectory().accounts.length + 1);
    expect([accountByKey("works"), accountByKey("own")]).toEqual([own, other]);
  });

  test("finds a registration by its client id in any case, and scopes by identifier URI or client id", () => {
    const directory = createDirectory({ registrations: [ORDERS] });
    expect(directory.registrationById(ORDERS.clientId.toUpperCase())).toBe(ORDERS);
    expect(directory.resourceOf("api://orders/Orders.Read")).toEqual({ registration: ORDERS, name: "Orders.Read" });
    expect(directory.resourceOf(`${ORDERS.clientId}/.default`)?.name).toBe("Orders.Read Orders.Write");
    expect(directory.resourceOf("api://orders/Orders.Delete")).toBeUndefined();
  });
});

test("no two accounts share a key, an object id or a sign-in name", () => {
  const { accounts } = createDirectory();
  for (const name of ["key", "objectId"] as const)
    expect(new Set(accounts.map((one) => one[name])).size).toBe(accounts.length);
  expect(new Set(accounts.map(({ profile }) => profile.userPrincipalName)).size).toBe(accounts.length);
});

test("the README describes the built-in accounts correctly", async () => {
  const page = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| ([A-Z\d].*) \|$/gm)].map(([, key, shows]) => [key, shows]);
  expect(rows).toEqual(ACCOUNTS.map(({ key, shows }) => [key, shows]));
});
