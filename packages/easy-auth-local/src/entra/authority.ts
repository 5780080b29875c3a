import { AUTHORITY_HOSTS } from "../directory/clouds.ts";
import { AUTHORITY_ORIGIN, type Directory, type Registration } from "../directory/directory.ts";
import type { RoutedRequest } from "../http/router.ts";
import { entraError } from "./errors.ts";

/** Authority that a request was sent to. */
export interface Authority {
  /** Origin of the request: Entra's own, or an address on this machine. */
  readonly origin: string;
  /** Origin of the issuer in tokens: of the cloud whose host was asked, else of the global cloud. */
  readonly issuerOrigin: string;
  /** A tenant id in lower case, `organizations` or `common`. */
  readonly tenant: string;
}

/** Authorities for the users of several tenants. */
const SEVERAL_TENANTS: readonly string[] = ["organizations", "common"];

/** Returns the authority in a request's address, whose tenant is spelled as `tenantAt` returns it. */
export function authorityOf({ url, params }: Pick<RoutedRequest, "url" | "params">): Authority {
  const { tenant = "common" } = params;
  if (!AUTHORITY_HOSTS.includes(url.host)) return { origin: url.origin, issuerOrigin: AUTHORITY_ORIGIN, tenant };
  const origin = `https://${url.host}`;
  return { origin, issuerOrigin: origin, tenant };
}

/** Returns the tenant of an address by its id or a domain name, in upper or lower case; undefined when there is none. */
export function tenantAt(name: string, directory: Directory): string | undefined {
  return SEVERAL_TENANTS.find((several) => several === name.toLowerCase()) ?? directory.tenantIdOf(name);
}

/** Whether an authority is for several tenants: the user decides which one it is. */
export function isForSeveralTenants({ tenant }: Pick<Authority, "tenant">): boolean {
  return SEVERAL_TENANTS.includes(tenant);
}

/** Finds the app of a client id. Throws EntraError unless it can be used at the authority. */
export function appAt({ tenant }: Pick<Authority, "tenant">, clientId: string, directory: Directory): Registration {
  const app = directory.registrationById(clientId);
  const isMultiTenant = app !== undefined && (app.signInAudience ?? "AzureADMyOrg") !== "AzureADMyOrg";
  const isOfSeveral = isForSeveralTenants({ tenant });
  if (!app || (tenant !== directory.tenant.id && !isOfSeveral && !isMultiTenant)) {
    const text = `The application with the identifier '${clientId}' was not found in the tenant '${tenant}'.`;
    throw entraError(700016, "unauthorized_client", text);
  }
  if (isMultiTenant || !isOfSeveral) return app;
  const text = `The application '${clientId}' is not configured as a multi-tenant application. Ask the authority of its own tenant, ${directory.tenant.id}.`;
  throw entraError(50194, "invalid_request", text);
}
