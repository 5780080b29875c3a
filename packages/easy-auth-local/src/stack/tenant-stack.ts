import type { AppConfiguration, Ports } from "../configuration/configuration.ts";
import { API, AUTHORITY_ORIGIN, FRONTEND } from "../directory/directory.ts";
import type { CorsSettings } from "../easy-auth/cors.ts";
import type { Platform } from "../easy-auth/platform.ts";
import type { Switches } from "../easy-auth/switches.ts";
import type { FunctionsHost, HostLog } from "../functions-host/host.ts";
import { keepFromProxies } from "../routing/proxies.ts";
import { apiAuth, CLIENT_SECRET_SETTING, frontendAuth, issuerOf } from "./app-auth.ts";
import { resolveSettings } from "./app-settings.ts";
import { type AppSurroundings, type RunningApp, type ServerFactory, startApp } from "./apps.ts";
import { Closers } from "./closers.ts";
import { refuseInAzure } from "./refuse-in-azure.ts";

export interface TenantStackOptions {
  /** Id or domain of a tenant of Microsoft Entra ID. */
  readonly tenant: string;
  /** The `Values` of local.settings.json. */
  readonly settings: Readonly<Record<string, string>>;
  readonly api?: AppConfiguration;
  readonly frontend?: AppConfiguration;
  /** Apps in this process, in place of those that the configuration names. */
  readonly servers?: { readonly frontend?: ServerFactory };
  readonly ports: Pick<Ports, "api" | "frontend" | "functions">;
  /** Runs the app under `func start`. */
  readonly func?: boolean;
  /** The API's CORS, for pages that call it from another origin. Default: none. */
  readonly cors?: CorsSettings;
  /** Service whose Easy Auth both gates imitate. Default: App Service. */
  readonly platform?: Platform;
  /** Both gates' answers where Easy Auth's behaviour is not documented. */
  readonly switches?: Partial<Switches>;
  readonly onLog?: (log: HostLog) => void;
}

/** Apps behind their gates, with the real Entra and Graph. The addresses have no slash at the end. */
export interface TenantStack {
  readonly tenantId: string;
  readonly frontendUrl: string;
  readonly apiUrl: string;
  readonly apps: { readonly api: RunningApp; readonly frontend: RunningApp | undefined };
  readonly functions: Pick<FunctionsHost, "url" | "functions" | "reload">;
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/** Settings of the frontend, which the function app does not get. */
const FRONTEND_SETTINGS = ["FRONTEND_CLIENT_ID", "FRONTEND_CLIENT_SECRET", "API_SCOPE"];
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DISCOVERY_TIMEOUT_MS = 10_000;

/**
 * Starts the apps, each behind its gate, with the real Entra and the real Graph: the same gates and the same apps as with the
 * emulators. Rejects, naming all that is missing, when the settings are not those of a tenant's registrations.
 */
export async function startTenantStack(options: TenantStackOptions): Promise<TenantStack> {
  refuseInAzure();
  refuseIncomplete(options.settings);
  const tenantId = await resolveTenant(options.tenant);
  const closers = new Closers();
  closers.addShared(keepFromProxies());
  try {
    return { ...(await startApps(options, tenantId, closers)), tenantId, close: () => closers.closeAll() };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function startApps(options: TenantStackOptions, tenantId: string, closers: Closers) {
  const { settings, ports, func = false, switches = {}, platform, servers = {}, onLog = () => {} } = options;
  const { api: apiOptions = {}, frontend: frontendOptions = {}, cors = apiOptions.cors } = options;
  const around: AppSurroundings = {
    ...{ ports, func, onLog, addresses: { tenantId }, onServer: () => {}, onForward: () => undefined },
  };
  const apps = appsOf(options, tenantId);
  const both = { environment: { ...process.env }, gate: { switches, ...(platform && { platform }) } };
  const api = await startApp(
    {
      ...{ ...apiOptions, ...both, title: "The API", auth: apiAuth(apps), port: ports.api },
      stations: { gate: "API gate", app: "function" },
      appSettings: functionSettings(settings, tenantId),
      ...(cors !== undefined && { cors }),
    },
    around,
    closers,
  );
  const secret = settings.FRONTEND_CLIENT_SECRET ?? "";
  const ownSettings = resolveSettings(frontendOptions.settings ?? {}, { tenantId, apiUrl: api.url });
  const frontend =
    frontendOptions.app === undefined && !servers.frontend
      ? undefined
      : await startApp(
          {
            ...{ ...frontendOptions, ...both, title: "The frontend", auth: frontendAuth(apps), port: ports.frontend },
            stations: { gate: "frontend gate", app: "frontend" },
            server: servers.frontend,
            appSettings: { ...ownSettings, [CLIENT_SECRET_SETTING]: secret },
          },
          { ...around, addresses: { tenantId, apiUrl: api.url } },
          closers,
        );
  const noHost = { url: api.appUrl, functions: [], reload: async () => {} };
  return {
    ...{
      frontendUrl: frontend?.url ?? "",
      apiUrl: api.url,
      apps: { api, frontend },
      functions: api.functions ?? noHost,
    },
    ended: Promise.race([api.ended, ...(frontend ? [frontend.ended] : [])]),
  };
}

function appsOf({ settings, api, frontend }: TenantStackOptions, tenantId: string) {
  const { WEBSITE_AUTH_CLIENT_ID: apiClientId = "", FRONTEND_CLIENT_ID: frontendClientId = "" } = settings;
  const apiScope = settings.API_SCOPE || `api://${apiClientId}/user_impersonation`;
  return {
    tenantId,
    apiScope,
    api: { ...API, clientId: apiClientId, identifierUris: [apiScope.slice(0, apiScope.lastIndexOf("/"))] },
    frontend: { ...FRONTEND, clientId: frontendClientId },
    excludedPaths: {
      ...(api?.excludedPaths && { api: api.excludedPaths }),
      ...(frontend?.excludedPaths && { frontend: frontend.excludedPaths }),
    },
  };
}

/** Returns the settings of the file for the named tenant, without the frontend's and without the emulators' audience. */
function functionSettings(settings: TenantStackOptions["settings"], tenantId: string): Record<string, string> {
  const own = Object.entries(settings).filter(([name]) => !FRONTEND_SETTINGS.includes(name));
  const audiences = settings.API_AUDIENCES?.includes(API.clientId) ? "" : (settings.API_AUDIENCES ?? "");
  return {
    FUNCTIONS_WORKER_RUNTIME: "node",
    ...Object.fromEntries(own),
    API_AUDIENCES: audiences,
    WEBSITE_AUTH_OPENID_ISSUER: issuerOf(tenantId),
    WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenantId,
  };
}

function refuseIncomplete(settings: TenantStackOptions["settings"]): void {
  const needed = [
    ["WEBSITE_AUTH_CLIENT_ID", "the application (client) id of the API's registration", API.clientId],
    [CLIENT_SECRET_SETTING, "the value of a client secret of the API's registration", API.clientSecrets[0]],
    ["FRONTEND_CLIENT_ID", "the application (client) id of the frontend's registration", FRONTEND.clientId],
    [
      "FRONTEND_CLIENT_SECRET",
      "the value of a client secret of the frontend's registration",
      FRONTEND.clientSecrets[0],
    ],
  ] as const;
  const problems = needed.flatMap(([name, meaning, example]) => {
    const value = settings[name]?.trim() ?? "";
    if (value === "") return [`${name} is missing. Use ${meaning}.`];
    if (value === example) return [`${name} is the emulator's. Use ${meaning}.`];
    if (name.endsWith("_ID") && !GUID.test(value)) return [`${name} is not a GUID. Use ${meaning}.`];
    return [];
  });
  if (problems.length === 0) return;
  const list = problems.map((problem) => `  - ${problem}`).join("\n");
  throw new Error(`The settings for your own tenant need attention:\n${list}`);
}

/** Returns the tenant's id, which its discovery document names. */
async function resolveTenant(tenant: string): Promise<string> {
  const url = `${AUTHORITY_ORIGIN}/${encodeURIComponent(tenant)}/v2.0/.well-known/openid-configuration`;
  const response = await fetch(url, { signal: AbortSignal.timeout(DISCOVERY_TIMEOUT_MS) }).catch((cause: unknown) => {
    throw new Error(`${AUTHORITY_ORIGIN} cannot be reached: --tenant needs the network.`, { cause });
  });
  const { issuer } = (await response.json().catch(() => ({}))) as { issuer?: unknown };
  const tenantId = String(issuer)
    .split("/")
    .find((part) => GUID.test(part));
  if (!response.ok || tenantId === undefined) {
    throw new Error(
      `Microsoft Entra ID knows no tenant ${tenant}. Use its id, or a domain such as contoso.onmicrosoft.com.`,
    );
  }
  return tenantId.toLowerCase();
}
