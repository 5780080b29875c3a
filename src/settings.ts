import { readStorage, type StorageSettings } from "./settings/storage.ts";

/** Where users of one tenant, or of several, sign in. */
export interface Authority {
  /** For example `https://login.microsoftonline.com`. */
  readonly origin: string;
  /** Origin of the issuer in version 1 tokens, for example `https://sts.windows.net`. */
  readonly v1IssuerOrigin: string;
  /** A tenant id in lower case, or `common` or `organizations` for several tenants. */
  readonly tenant: string;
}

/** What the app is told by its environment. Read once, at start. */
export interface Settings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly authority: Authority;
  /** Tenant ids, in lower case, whose users are served. Never empty. */
  readonly allowedTenants: readonly string[];
  /** Values of `aud` that mean this API. */
  readonly audiences: readonly string[];
  /** Bytes that cached tokens may take. */
  readonly tokenCacheBytes: number;
  /** Exchanges with Entra at a time. */
  readonly exchangeConcurrency: number;
  /** How long a request may take, all waiting and retrying included. */
  readonly requestTimeoutMs: number;
  /** Where files are; undefined when the routes for them are off. */
  readonly storage: StorageSettings | undefined;
}

/** Names of all settings this app reads. `local.settings.example.json` and the infrastructure are held against it. */
export const SETTING_NAMES = [
  "WEBSITE_AUTH_CLIENT_ID",
  "WEBSITE_AUTH_OPENID_ISSUER",
  "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
  "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET",
  "API_AUDIENCES",
  "TOKEN_CACHE_MB",
  "EXCHANGE_CONCURRENCY",
  "REQUEST_TIMEOUT_MS",
  "STORAGE_ACCOUNT_URL",
  "STORAGE_CONTAINER",
] as const;

type SettingName = (typeof SETTING_NAMES)[number];
export type Environment = Readonly<Partial<Record<SettingName, string>>>;

/** All settings that are missing or malformed, in one error: its message names each and how to fix it. Shows no secret. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The app cannot start, its settings need attention:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
    this.problems = problems;
  }
}

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const SEVERAL_TENANTS = new Set(["common", "organizations"]);

/** Hosts of `WEBSITE_AUTH_OPENID_ISSUER` in the spellings App Service writes. Other clouds have other hosts, also for Graph. */
const ISSUER_HOSTS: ReadonlySet<string> = new Set([
  "login.microsoftonline.com",
  "login.windows.net",
  "sts.windows.net",
]);
const AUTHORITY = { origin: "https://login.microsoftonline.com", v1IssuerOrigin: "https://sts.windows.net" };
/** Where Microsoft Graph is: the only place its tokens are sent to, and the resource of its scopes. */
export const GRAPH_ORIGIN = "https://graph.microsoft.com";

/**
 * Parses the settings. Names that begin with `WEBSITE_AUTH_` are set by App Service itself once authentication is on.
 * Checks form only: whether the secret is right, or the client exists, shows at the first exchange.
 *
 * @throws SettingsError
 */
export function readSettings(environment: Environment = process.env): Settings {
  const problems: string[] = [];
  const clientId = readClientId(environment, problems);
  const authority = readAuthority(environment, problems);
  const settings = {
    clientId,
    clientSecret: readSecret(environment, problems),
    authority,
    allowedTenants: readAllowedTenants(environment, authority.tenant, problems),
    audiences: [...new Set([clientId, `api://${clientId}`, ...readList(environment.API_AUDIENCES)])],
    tokenCacheBytes:
      readNumber(environment, "TOKEN_CACHE_MB", { least: 1, most: 4096, otherwise: 128 }, problems) * 2 ** 20,
    exchangeConcurrency: readNumber(
      environment,
      "EXCHANGE_CONCURRENCY",
      { least: 1, most: 1000, otherwise: 50 },
      problems,
    ),
    requestTimeoutMs: readNumber(
      environment,
      "REQUEST_TIMEOUT_MS",
      { least: 100, most: 230_000, otherwise: 10_000 },
      problems,
    ),
    storage: readStorage(environment.STORAGE_ACCOUNT_URL, environment.STORAGE_CONTAINER, problems),
  };
  if (problems.length > 0) throw new SettingsError(problems);
  return settings;
}

function readClientId({ WEBSITE_AUTH_CLIENT_ID }: Environment, problems: string[]): string {
  const clientId = (WEBSITE_AUTH_CLIENT_ID ?? "").trim().toLowerCase();
  if (!GUID.test(clientId)) {
    problems.push(
      `WEBSITE_AUTH_CLIENT_ID ${missingOr(clientId, "is not a GUID")}. Use the application (client) id of the API's own ` +
        "app registration; App Service sets it when authentication is on.",
    );
  }
  return clientId;
}

function readSecret({ MICROSOFT_PROVIDER_AUTHENTICATION_SECRET }: Environment, problems: string[]): string {
  const secret = (MICROSOFT_PROVIDER_AUTHENTICATION_SECRET ?? "").trim();
  if (secret === "") {
    problems.push(
      "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET is missing. Use the value of a client secret of the API's app registration.",
    );
  } else if (secret.startsWith("@Microsoft.KeyVault(")) {
    problems.push(
      "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET is a Key Vault reference that was not resolved. Give the app's identity " +
        "the role Key Vault Secrets User, and check the reference.",
    );
  } else if (GUID.test(secret.toLowerCase())) {
    problems.push(
      "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET looks like the id of a client secret. Use the secret's value; it is " +
        "shown once, when the secret is made.",
    );
  }
  return secret;
}

function readAuthority({ WEBSITE_AUTH_OPENID_ISSUER }: Environment, problems: string[]): Authority {
  const issuer = (WEBSITE_AUTH_OPENID_ISSUER ?? "").trim();
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isKnown = url?.protocol === "https:" && ISSUER_HOSTS.has(url.host) && url.search === "" && url.hash === "";
  const tenant = /^\/([^/]+)(\/v2\.0)?\/?$/.exec(url?.pathname ?? "")?.[1]?.toLowerCase() ?? "";
  if (isKnown && (GUID.test(tenant) || SEVERAL_TENANTS.has(tenant))) return { ...AUTHORITY, tenant };
  problems.push(
    `WEBSITE_AUTH_OPENID_ISSUER ${missingOr(issuer, "is not an issuer of Microsoft Entra ID in the global cloud")}. Use ` +
      "https://login.microsoftonline.com/<tenant id>/v2.0; App Service sets it when authentication is on.",
  );
  return { ...AUTHORITY, tenant: "" };
}

function readAllowedTenants(environment: Environment, tenant: string, problems: string[]): readonly string[] {
  const name = "WEBSITE_AUTH_AAD_ALLOWED_TENANTS";
  const listed = readList(environment[name]).map((entry) => entry.toLowerCase());
  const malformed = listed.filter((entry) => !GUID.test(entry));
  if (malformed.length > 0) {
    problems.push(`${name} has ${malformed.length} entries that are not tenant ids. Use GUIDs, separated by commas.`);
  } else if (SEVERAL_TENANTS.has(tenant) && listed.length === 0) {
    problems.push(
      `${name} is missing, but the issuer is for several tenants. List the tenant ids whose users may call this API.`,
    );
  } else if (GUID.test(tenant) && listed.length > 0 && !listed.includes(tenant)) {
    problems.push(
      `${name} does not hold the issuer's own tenant, so nobody could sign in. Add it, or remove the setting.`,
    );
  }
  if (SEVERAL_TENANTS.has(tenant)) return listed;
  return [tenant];
}

interface NumberRange {
  readonly least: number;
  readonly most: number;
  readonly otherwise: number;
}

function readNumber(environment: Environment, name: SettingName, range: NumberRange, problems: string[]): number {
  const { least, most, otherwise } = range;
  const value = (environment[name] ?? "").trim();
  const number = value === "" ? otherwise : Number(value);
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  problems.push(`${name} is not a whole number from ${least} to ${most}. Remove the setting for ${otherwise}.`);
  return otherwise;
}

function readList(value = ""): string[] {
  return value
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function missingOr(value: string, otherwise: string): string {
  return value === "" ? "is missing" : otherwise;
}
