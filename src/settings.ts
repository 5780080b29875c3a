import { type Authority, isSeveralTenants, readAuthority } from "./settings/authority.ts";
import { readCloud } from "./settings/cloud.ts";
import { CREDENTIAL_SETTING_NAMES, type Credential, readCredential } from "./settings/credential.ts";
import { SettingsError } from "./settings/settings-error.ts";
import { readSharedCache, type SharedCacheSettings } from "./settings/shared-cache.ts";
import { readStorage, STORAGE_SETTING_NAMES, type StorageSettings } from "./settings/storage.ts";
import { readTelemetry, TELEMETRY_SETTING_NAMES, type TelemetrySettings } from "./settings/telemetry.ts";
import { GUID, missingOr, textOf, type Variables } from "./settings/values.ts";

/** The app's settings, read from its environment once, at start. */
export interface Settings {
  readonly clientId: string;
  readonly credential: Credential;
  readonly authority: Authority;
  /** Origin of Microsoft Graph, without a slash at the end; Graph's tokens are sent nowhere else. */
  readonly graphOrigin: string;
  /** Tenant ids, in lower case, whose users are served. Never empty. */
  readonly allowedTenants: readonly string[];
  /** Values of `aud` that name this API. */
  readonly audiences: readonly string[];
  /** Maximum of bytes of cached tokens. */
  readonly tokenCacheBytes: number;
  /** Maximum number of simultaneous exchanges with Entra. */
  readonly exchangeConcurrency: number;
  /** Time of a request, with all waits and retries. */
  readonly requestTimeoutMs: number;
  /** Location of the files; undefined when the routes for them are off. */
  readonly storage: StorageSettings | undefined;
  /** Store in which instances share users' tokens; undefined when each keeps its own. */
  readonly sharedCache: SharedCacheSettings | undefined;
  readonly telemetry: TelemetrySettings;
}

/** Names of all settings this app reads. Tests compare `local.settings.example.json` and the infrastructure with them. */
export const SETTING_NAMES = [
  "WEBSITE_AUTH_CLIENT_ID",
  "WEBSITE_AUTH_OPENID_ISSUER",
  "WEBSITE_AUTH_AAD_ALLOWED_TENANTS",
  ...CREDENTIAL_SETTING_NAMES,
  "CLOUD",
  "API_AUDIENCES",
  "TOKEN_CACHE_MB",
  "EXCHANGE_CONCURRENCY",
  "REQUEST_TIMEOUT_MS",
  "SHARED_CACHE_URL",
  ...STORAGE_SETTING_NAMES,
  ...TELEMETRY_SETTING_NAMES,
] as const;

type SettingName = (typeof SETTING_NAMES)[number];
/** The variables that are read: the settings, and the app's name, which the platform sets. */
export type Environment = Variables<SettingName | "WEBSITE_SITE_NAME">;

/**
 * Parses the settings. App Service itself sets the client id and the issuer once authentication is on. Checks form only:
 * whether the secret is right, or the client exists, shows at the first exchange.
 *
 * @throws SettingsError
 */
export function readSettings(environment: Environment = process.env): Settings {
  const problems: string[] = [];
  const clientId = readClientId(environment, problems);
  const cloud = readCloud(environment.CLOUD, problems);
  const authority = readAuthority(environment.WEBSITE_AUTH_OPENID_ISSUER, cloud, problems);
  const settings = {
    clientId,
    credential: readCredential(environment, cloud, problems),
    authority,
    graphOrigin: cloud.graph,
    allowedTenants: readAllowedTenants(environment, authority.tenant, problems),
    audiences: [...new Set([clientId, `api://${clientId}`, ...readAudiences(environment.API_AUDIENCES, problems)])],
    tokenCacheBytes: readNumber(environment, "TOKEN_CACHE_MB", problems) * 2 ** 20,
    exchangeConcurrency: readNumber(environment, "EXCHANGE_CONCURRENCY", problems),
    requestTimeoutMs: readNumber(environment, "REQUEST_TIMEOUT_MS", problems),
    storage: readStorage(environment, problems),
    sharedCache: readSharedCache(environment.SHARED_CACHE_URL, problems),
    telemetry: readTelemetry(environment, problems),
  };
  if (problems.length > 0) throw new SettingsError("app", problems);
  return settings;
}

function readClientId(environment: Environment, problems: string[]): string {
  const clientId = textOf(environment, "WEBSITE_AUTH_CLIENT_ID").toLowerCase();
  if (!GUID.test(clientId)) {
    problems.push(
      `WEBSITE_AUTH_CLIENT_ID ${missingOr(clientId, "is not a GUID")}. Use the application (client) id of the API's own ` +
        "app registration; App Service sets it when authentication is on.",
    );
  }
  return clientId;
}

function readAllowedTenants(environment: Environment, tenant: string, problems: string[]): readonly string[] {
  const name = "WEBSITE_AUTH_AAD_ALLOWED_TENANTS";
  const listed = readList(environment[name]).map((entry) => entry.toLowerCase());
  const malformed = listed.filter((entry) => !GUID.test(entry));
  if (malformed.length > 0) {
    problems.push(`${name} has ${malformed.length} entries that are not tenant ids. Use GUIDs, separated by commas.`);
  } else if (isSeveralTenants(tenant) && listed.length === 0) {
    problems.push(
      `${name} is missing, but the issuer is for several tenants. List the tenant ids whose users may call this API.`,
    );
  } else if (GUID.test(tenant) && listed.length > 0 && !listed.includes(tenant)) {
    problems.push(
      `${name} does not hold the issuer's own tenant, so nobody could sign in. Add it, or remove the setting.`,
    );
  }
  return isSeveralTenants(tenant) ? listed : [tenant];
}

/** Reads ids and URIs. Other characters, such as quotation marks or a semicolon as separator, are in no token's `aud`. */
function readAudiences(value: string | undefined, problems: string[]): readonly string[] {
  const listed = readList(value);
  if (/[^\w.~:/@%+-]/.test(listed.join("")))
    problems.push("API_AUDIENCES has entries that can be no aud. Use client ids or URIs, separated by commas.");
  return listed;
}

/** The settings that are whole numbers: from `min` to `max`, `fallback` without a value. */
const NUMBERS = {
  TOKEN_CACHE_MB: { min: 1, max: 4096, fallback: 128 },
  EXCHANGE_CONCURRENCY: { min: 1, max: 1000, fallback: 50 },
  REQUEST_TIMEOUT_MS: { min: 100, max: 230_000, fallback: 10_000 },
} as const;

function readNumber(environment: Environment, name: keyof typeof NUMBERS, problems: string[]): number {
  const { min, max, fallback } = NUMBERS[name];
  const value = textOf(environment, name);
  const number = value === "" ? fallback : Number(value);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  problems.push(`${name} is not a whole number from ${min} to ${max}. Remove the setting for ${fallback}.`);
  return fallback;
}

function readList(value = ""): string[] {
  return value
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
