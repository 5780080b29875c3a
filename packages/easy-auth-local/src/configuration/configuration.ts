import type { Account } from "../directory/account.ts";
import type { TenantOptions } from "../directory/directory.ts";
import type { Registration } from "../directory/registration.ts";
import type { AuthSettings } from "../easy-auth/auth-settings.ts";
import type { CorsSettings } from "../easy-auth/cors.ts";
import type { Platform } from "../easy-auth/platform.ts";
import type { Switches } from "../easy-auth/switches.ts";

/** App behind a gate. */
export interface AppConfiguration {
  /**
   * The app: an address, a port of this machine, or a folder. A folder with host.json is a Functions app, which the
   * embedded host runs; one whose package.json has a start script is started with `PORT` set, as App Service does; one with
   * index.html is served as it is.
   */
  readonly app?: string | number;
  /** Command that starts the app, for an address or a port; it ends with the stack. */
  readonly run?: string;
  /** Name of the app's registration. Default: `api` or `frontend`. */
  readonly registration?: string;
  /** `authsettingsV2` of the gate, in the resource's own shape. Default: the usual one for a frontend or an API. */
  readonly auth?: AuthSettings;
  /** Paths that skip the default gate. */
  readonly excludedPaths?: readonly string[];
  /**
   * App settings, over those of local.settings.json. `{apiUrl}`, `{frontendUrl}`, `{entraUrl}`, `{graphUrl}` and
   * `{tenantId}` are replaced.
   */
  readonly settings?: Readonly<Record<string, string>>;
  /** The platform's CORS. Default for the API: `Host.CORS` of its local.settings.json; else none. */
  readonly cors?: CorsSettings;
}

/** Other API that an app calls on behalf of the user. */
export interface ServiceConfiguration {
  /** Origin that the app calls, such as `https://orders.contoso.com`. */
  readonly origin: string;
  /** Address or port where the service listens on this machine. Default: requests go to the origin itself. */
  readonly url?: string | number;
  /** Scopes that the service exposes, such as `api://orders/Orders.Read`. All of them have consent. */
  readonly scopes?: readonly string[];
  /** Format of access tokens for it. Default: 2. */
  readonly requestedAccessTokenVersion?: 1 | 2;
}

/** Ports; 0 takes a free one. */
export interface Ports {
  readonly frontend: number;
  readonly api: number;
  readonly entra: number;
  readonly graph: number;
  readonly functions: number;
  readonly entraHttps: number;
  readonly graphHttps: number;
  readonly storage: number;
}

/** Registration in a configuration: members that are not set come from the built-in one of that name, if there is one. */
export type RegistrationConfiguration = Partial<Registration>;

/** Configuration of a stack. All of it is optional. */
export interface Configuration {
  readonly api?: AppConfiguration;
  readonly frontend?: AppConfiguration;
  /** App registrations by name. `api` and `frontend` are built in; what is named here replaces their members. */
  readonly registrations?: Readonly<Record<string, RegistrationConfiguration>>;
  /** Accounts beside the built-in ones. */
  readonly accounts?: readonly Account[];
  readonly services?: Readonly<Record<string, ServiceConfiguration>>;
  readonly ports?: Partial<Ports>;
  /** Tenant that the apps are registered in. Default: Contoso. */
  readonly tenant?: TenantOptions;
  /** Service whose Easy Auth both gates imitate. Default: App Service, which Functions share. */
  readonly platform?: Platform;
  /** Both gates' answers where Easy Auth's behaviour is not documented. */
  readonly switches?: Partial<Switches>;
  /** Command that builds the apps: before the start, and with --watch whenever a file below one of the folders changes. */
  readonly build?: { readonly command: string; readonly sources?: readonly string[] };
}
