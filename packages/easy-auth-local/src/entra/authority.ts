import { AUTHORITY_HOSTS } from "../directory/clouds.ts";
import { OTHER_TENANT_ID, type Registration, TENANT_ID } from "../directory/directory.ts";
import type { RoutedRequest } from "../http/router.ts";
import { type EntraError, entraError } from "./errors.ts";

/** Whom a request asked. */
export interface Authority {
  /** The origin that the asking app knows: Entra's own, or an address on this machine. */
  readonly origin: string;
  /** A tenant id, `organizations` or `common`. */
  readonly tenant: string;
}

const TENANTS: ReadonlySet<string> = new Set([TENANT_ID, OTHER_TENANT_ID, "organizations", "common"]);

/** An app asks by Entra's own name and gets Entra's addresses; a browser, or another process, asks on loopback. */
export function authorityOf({ url, params }: Pick<RoutedRequest, "url" | "params">): Authority {
  const isOwnName = AUTHORITY_HOSTS.includes(url.host);
  return { origin: isOwnName ? `https://${url.host}` : url.origin, tenant: params.tenant ?? TENANT_ID };
}

export function isTenant(tenant: string): boolean {
  return TENANTS.has(tenant);
}

/** Why an app cannot be used at an authority; undefined when it can. */
export function refusalOfApp(
  app: Registration | undefined,
  { tenant }: Pick<Authority, "tenant">,
): EntraError | undefined {
  const isMultiTenant = app?.signInAudience === "AzureADMultipleOrgs";
  if (!app || (tenant === OTHER_TENANT_ID && !isMultiTenant)) {
    return entraError(700016, "unauthorized_client", "The application was not found in the tenant.");
  }
  if (isMultiTenant || tenant === TENANT_ID) return undefined;
  return entraError(50194, "invalid_request", "The application is not configured as a multi-tenant application.");
}
