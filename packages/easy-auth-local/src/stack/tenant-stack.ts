import { API, AUTHORITY_ORIGIN, FRONTEND } from "../directory/directory.ts";
import type { CorsSettings } from "../easy-auth/cors.ts";
import type { Switches } from "../easy-auth/switches.ts";
import type { HostLog } from "../functions-host/host.ts";
import { type Apps, apiAuth, CLIENT_SECRET_SETTING, frontendAuth, issuerOf } from "./app-auth.ts";
import { type AppPorts, type RunningApps, startApps } from "./apps.ts";
import { Closers } from "./closers.ts";
import { refuseInAzure } from "./refuse-in-azure.ts";

export interface TenantStackOptions {
  /** Id or domain of a tenant of Microsoft Entra ID. */
  readonly tenant: string;
  /** The `Values` of local.settings.json. */
  readonly settings: Readonly<Record<string, string>>;
  readonly ports: AppPorts;
  /** Runs the app under `func start`. */
  readonly func?: boolean;
  /** The API's CORS, for pages that call it from another origin. Default: none. */
  readonly cors?: CorsSettings;
  /** Both gates' answers to what is not known of Easy Auth. */
  readonly switches?: Partial<Switches>;
  readonly onLog?: (log: HostLog) => void;
}

export interface TenantStack extends RunningApps {
  readonly tenantId: string;
  close(): Promise<void>;
}

/** Of the frontend, which the function app is not told. */
const FRONTEND_SETTINGS = ["FRONTEND_CLIENT_ID", "FRONTEND_CLIENT_SECRET", "API_SCOPE"];
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DISCOVERY_TIMEOUT_MS = 10_000;

/**
 * Starts the apps, each behind its gate, with the real Entra and the real Graph: the same gates and the same function app as
 * with the emulators. Rejects, naming all that is missing, when the settings are not those of a tenant's registrations.
 */
export async function startTenantStack(options: TenantStackOptions): Promise<TenantStack> {
  refuseInAzure();
  const { tenant, settings, ports, func = false, cors, switches = {}, onLog } = options;
  refuseIncomplete(settings);
  const tenantId = await resolveTenant(tenant);
  const apps = appsOf(settings, tenantId);
  const closers = new Closers();
  try {
    const running = await startApps(
      {
        ports,
        settings: functionSettings(settings, tenantId),
        func: func ? {} : undefined,
        apiGate: { settings: apiAuth(apps), switches, ...(cors !== undefined && { cors }) },
        frontendGate: {
          settings: frontendAuth(apps),
          switches,
          appSettings: { [CLIENT_SECRET_SETTING]: settings.FRONTEND_CLIENT_SECRET ?? "" },
        },
        ...(onLog !== undefined && { onLog }),
      },
      closers,
    );
    return { ...running, tenantId, close: () => closers.closeAll() };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

function appsOf(settings: TenantStackOptions["settings"], tenantId: string): Apps {
  const { WEBSITE_AUTH_CLIENT_ID: apiClientId = "", FRONTEND_CLIENT_ID: frontendClientId = "" } = settings;
  const apiScope = settings.API_SCOPE || `api://${apiClientId}/user_impersonation`;
  return { tenantId, apiClientId, apiScope, frontendClientId };
}

/** Those of the file, for the tenant that was named; without the frontend's, and without what is the emulators'. */
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
  throw new Error(`The settings for your own tenant need attention; docs/own-tenant.md says how to get them:\n${list}`);
}

/** The tenant's id, which its discovery document names. */
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
