import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { SettingsError } from "../src/settings/settings-error.ts";
import { type Environment, readSettings, SETTING_NAMES } from "../src/settings.ts";

const TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const CLIENT = "00001111-aaaa-2222-bbbb-3333cccc4444";
const VALID: Environment = {
  WEBSITE_AUTH_CLIENT_ID: CLIENT,
  WEBSITE_AUTH_OPENID_ISSUER: `https://login.microsoftonline.com/${TENANT}/v2.0`,
  MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: "a~secret.value",
};

const AUTHORITIES = {
  global: "https://login.microsoftonline.com",
  usgov: "https://login.microsoftonline.us",
  china: "https://login.partner.microsoftonline.cn",
};

function problemsOf(environment: Environment): readonly string[] {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe("settings", () => {
  test("are read from the names that Easy Auth itself sets", () => {
    expect(readSettings(VALID)).toEqual({
      clientId: CLIENT,
      credential: { kind: "secret", secret: "a~secret.value" },
      authority: {
        origin: "https://login.microsoftonline.com",
        v1IssuerOrigin: "https://sts.windows.net",
        tenant: TENANT,
      },
      graphOrigin: "https://graph.microsoft.com",
      allowedTenants: [TENANT],
      audiences: [CLIENT, `api://${CLIENT}`],
      tokenCacheBytes: 128 * 2 ** 20,
      exchangeConcurrency: 50,
      requestTimeoutMs: 10_000,
      telemetry: { serviceName: "functions-on-behalf-of", otlp: false },
    });
  });

  test.each([
    [`https://sts.windows.net/${TENANT}/v2.0`, "https://login.microsoftonline.com"],
    [`https://sts.windows.net/${TENANT}/`, "https://login.microsoftonline.com"],
    [`https://login.microsoftonline.com/${TENANT}/v2.0`, "https://login.microsoftonline.com"],
    [`https://login.microsoftonline.com/${TENANT}/`, "https://login.microsoftonline.com"],
    [`https://login.microsoftonline.com/${TENANT.toUpperCase()}/v2.0`, "https://login.microsoftonline.com"],
    [`https://login.windows.net/${TENANT}`, "https://login.microsoftonline.com"],
  ])("accept the issuer %s for the authority at %s", (issuer, origin) => {
    const { authority } = readSettings({ ...VALID, WEBSITE_AUTH_OPENID_ISSUER: issuer });
    expect(authority).toMatchObject({ origin, tenant: TENANT });
  });

  test.each([
    "http://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
    "https://login.example.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
    "https://login.microsoftonline.com/v2.0",
    "https://login.microsoftonline.com/contoso/v2.0",
    "https://login.microsoftonline.com:8443/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
    "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/other",
    "https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0?x",
    "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  ])("refuse the issuer %s", (issuer) => {
    expect(problemsOf({ ...VALID, WEBSITE_AUTH_OPENID_ISSUER: issuer })).toEqual([
      expect.stringMatching(/^WEBSITE_AUTH_OPENID_ISSUER is not an issuer .* Use https:/),
    ]);
  });

  test.each(["contoso.ciamlogin.com", "contoso.b2clogin.com"])(
    "refuse %s, and say that it is for customers",
    (host) => {
      expect(problemsOf({ ...VALID, WEBSITE_AUTH_OPENID_ISSUER: `https://${host}/${TENANT}/v2.0` })).toEqual([
        expect.stringMatching(/External ID \(ciamlogin\.com\) .* workforce tenant/),
      ]);
    },
  );

  test.each([
    ["", "global", "login.microsoftonline.com", "sts.windows.net", "graph.microsoft.com"],
    ["global", "global", "sts.windows.net", "sts.windows.net", "graph.microsoft.com"],
    ["usgov", "usgov", "login.microsoftonline.us", "sts.windows.net", "graph.microsoft.us"],
    ["USGov ", "usgov", "sts.windows.net", "sts.windows.net", "graph.microsoft.us"],
    ["china", "china", "login.partner.microsoftonline.cn", "sts.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"],
    ["china", "china", "login.chinacloudapi.cn", "sts.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"],
    ["china", "china", "sts.chinacloudapi.cn", "sts.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"],
  ])(
    "with CLOUD=%s are those of the cloud %s, its issuer at %s",
    (CLOUD, cloud, issuerHost, v1IssuerHost, graphHost) => {
      const issuer = `https://${issuerHost}/${TENANT}/v2.0`;
      const settings = readSettings({ ...VALID, CLOUD, WEBSITE_AUTH_OPENID_ISSUER: issuer });
      expect(settings.authority).toEqual({
        origin: AUTHORITIES[cloud as keyof typeof AUTHORITIES],
        v1IssuerOrigin: `https://${v1IssuerHost}`,
        tenant: TENANT,
      });
      expect(settings.graphOrigin).toBe(`https://${graphHost}`);
    },
  );

  test.each([
    ["", "login.microsoftonline.us", "usgov"],
    ["usgov", "login.microsoftonline.com", "global"],
    ["usgov", "sts.chinacloudapi.cn", "china"],
    ["china", "sts.windows.net", "global"],
  ])("with CLOUD=%s refuse an issuer at %s, and name its cloud", (CLOUD, host, named) => {
    const environment = { ...VALID, CLOUD, WEBSITE_AUTH_OPENID_ISSUER: `https://${host}/${TENANT}/v2.0` };
    expect(problemsOf(environment)).toEqual([
      `WEBSITE_AUTH_OPENID_ISSUER is an issuer of another cloud than CLOUD names. Set CLOUD to ${named}.`,
    ]);
  });

  test("refuse an unknown cloud", () => {
    expect(problemsOf({ ...VALID, CLOUD: "mars" })).toEqual([
      "CLOUD is not one of global, usgov, china. Remove the setting for global.",
    ]);
  });

  test("for several tenants accept the allowed tenants", () => {
    const issuer = "https://login.microsoftonline.com/organizations/v2.0";
    const other = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    const environment = { ...VALID, WEBSITE_AUTH_OPENID_ISSUER: issuer };
    const allowed = `${TENANT}, ${other.toUpperCase()}`;
    expect(readSettings({ ...environment, WEBSITE_AUTH_AAD_ALLOWED_TENANTS: allowed }).allowedTenants).toEqual([
      TENANT,
      other,
    ]);
    expect(problemsOf(environment)).toEqual([expect.stringMatching(/^WEBSITE_AUTH_AAD_ALLOWED_TENANTS is missing/)]);
  });

  test("for one tenant refuse an allow-list without that tenant", () => {
    const allowed = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    expect(problemsOf({ ...VALID, WEBSITE_AUTH_AAD_ALLOWED_TENANTS: allowed })).toHaveLength(1);
  });

  test("for one tenant serve only that tenant, whatever the allow-list adds", () => {
    const allowed = `${TENANT},bbbbcccc-1111-dddd-2222-eeee3333ffff`;
    expect(readSettings({ ...VALID, WEBSITE_AUTH_AAD_ALLOWED_TENANTS: allowed }).allowedTenants).toEqual([TENANT]);
  });

  test.each([
    '"api://contoso/one"',
    "api://one;api://two",
    "api://one api://two",
    '["api://one"]',
    "api://one\r\napi://two",
  ])("refuse the audience %j, which no token has", (audiences) => {
    expect(problemsOf({ ...VALID, API_AUDIENCES: `api://good, ${audiences}` })).toEqual([
      expect.stringMatching(/^API_AUDIENCES has entries .* Use client ids or URIs, separated by commas/),
    ]);
  });

  test.each(["urn:contoso:orders", "https://orders.contoso.com/a%20b/", TENANT, "api://a~b_c.d:1/@x+y"])(
    "accept the audience %s",
    (audience) => {
      expect(readSettings({ ...VALID, API_AUDIENCES: audience }).audiences).toContain(audience);
    },
  );

  test("accept more audiences, and a client id in capitals", () => {
    const environment = {
      ...VALID,
      WEBSITE_AUTH_CLIENT_ID: CLIENT.toUpperCase(),
      API_AUDIENCES: "api://contoso/one, api://contoso/two",
    };
    expect(readSettings(environment).audiences).toEqual([
      CLIENT,
      `api://${CLIENT}`,
      "api://contoso/one",
      "api://contoso/two",
    ]);
  });

  test("name every problem at once, each with its fix, and show no secret", () => {
    const secret = "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/very-private)";
    const environment = {
      WEBSITE_AUTH_CLIENT_ID: "my app",
      WEBSITE_AUTH_AAD_ALLOWED_TENANTS: "contoso",
      MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: secret,
      TOKEN_CACHE_MB: "much",
    };
    const problems = problemsOf(environment);
    expect(problems.map((problem) => problem.split(" ")[0])).toEqual([
      "WEBSITE_AUTH_CLIENT_ID",
      "WEBSITE_AUTH_OPENID_ISSUER",
      "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET",
      "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
      "TOKEN_CACHE_MB",
    ]);
    expect(problems.join("\n")).not.toContain("very-private");
    expect(() => readSettings(environment)).toThrow(/WEBSITE_AUTH_CLIENT_ID.*TOKEN_CACHE_MB/s);
  });

  test("refuse the id of a secret in place of its value", () => {
    expect(problemsOf({ ...VALID, MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: TENANT })).toEqual([
      expect.stringMatching(/the secret's value/),
    ]);
  });

  test.each([
    ["TOKEN_CACHE_MB", "0"],
    ["TOKEN_CACHE_MB", "1e9"],
    ["EXCHANGE_CONCURRENCY", "many"],
    ["EXCHANGE_CONCURRENCY", "2.5"],
    ["REQUEST_TIMEOUT_MS", "99"],
    ["REQUEST_TIMEOUT_MS", "10s"],
  ])("refuse %s=%s, and say which numbers are taken", (name, value) => {
    expect(problemsOf({ ...VALID, [name]: value })).toEqual([
      expect.stringMatching(new RegExp(`^${name} is not a whole number from \\d+ to \\d+\\.`)),
    ]);
  });

  test("of the example file are exactly those that the code reads, and valid", async () => {
    const file = JSON.parse(await readFile(new URL("../local.settings.example.json", import.meta.url), "utf8"));
    const { FUNCTIONS_WORKER_RUNTIME, ...values } = file.Values;
    expect(file.IsEncrypted, "func takes an absent IsEncrypted for true").toBe(false);
    expect(FUNCTIONS_WORKER_RUNTIME).toBe("node");
    expect(Object.keys(values).sort()).toEqual([...SETTING_NAMES].sort());
    expect(problemsOf(values)).toEqual([]);
  });

  test("on their page are exactly those that the code reads", async () => {
    const page = await readFile(new URL("../docs/settings.md", import.meta.url), "utf8");
    const names = [...page.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name);
    expect(names.sort()).toEqual([...SETTING_NAMES].sort());
  });
});
