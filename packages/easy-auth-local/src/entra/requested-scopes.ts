import { graphPermissionsOf } from "../directory/consents.ts";
import { type Directory, GRAPH_ORIGIN, MICROSOFT_GRAPH, type Registration } from "../directory/directory.ts";
import { entraError } from "./errors.ts";

/** What a `scope` parameter asks for. */
export interface RequestedScopes {
  /** The API whose scopes are asked for; undefined for Microsoft Graph, and when none are. */
  readonly resource: Registration | undefined;
  /** Names without the resource; `.default` stands for all that the client was granted. */
  readonly names: readonly string[];
  /** Whether the resource's scope `.default` is asked for. */
  readonly isDefault: boolean;
  /** The resource's scopes as they were asked for. MSAL finds its cached token only when the answer spells them so. */
  readonly echo: string;
  readonly hasOpenid: boolean;
  readonly hasOfflineAccess: boolean;
}

/** What a user lets an app know of them by signing in; no permission of Graph has to be asked for. */
export const OIDC_SCOPES: ReadonlySet<string> = new Set(["openid", "profile", "email", "offline_access"]);

/** Reads a `scope` parameter: the scopes of one resource, and OpenID's. `graphOrigin` is the cloud's. Throws EntraError. */
export function requestedScopes(
  scope: string,
  client: Registration,
  directory: Directory,
  graphOrigin = GRAPH_ORIGIN,
): RequestedScopes {
  const all = scope.split(" ").filter((name) => name !== "");
  const asked = all.filter((name) => !OIDC_SCOPES.has(name));
  const found = asked.map((name) => resolve(name, client, directory, graphOrigin));
  if (new Set(found.map(({ resource }) => resource)).size > 1) {
    throw entraError(28000, "invalid_scope", "The scopes belong to more than one resource.");
  }
  const isDefault = asked.some((name) => name.endsWith("/.default") || name === ".default");
  if (isDefault && asked.length > 1) {
    throw entraError(70011, "invalid_scope", ".default cannot be combined with other scopes of a resource.");
  }
  return {
    resource: found[0]?.resource,
    names: found.flatMap(({ names }) => names),
    isDefault,
    echo: asked.join(" "),
    hasOpenid: all.includes("openid"),
    hasOfflineAccess: all.includes("offline_access"),
  };
}

type Resolved = { readonly resource: Registration | undefined; readonly names: readonly string[] };

function resolve(scope: string, client: Registration, directory: Directory, graphOrigin: string): Resolved {
  const own = directory.resourceOf(scope);
  if (own) return { resource: own.registration, names: own.name.split(" ") };
  if (
    directory.registrations.some(({ identifierUris }) => identifierUris?.some((uri) => scope.startsWith(`${uri}/`)))
  ) {
    throw entraError(
      650053,
      "invalid_client",
      "The application asked for a scope that does not exist on the resource.",
    );
  }
  if (scope.startsWith("api://")) {
    throw entraError(500011, "invalid_resource", "The resource principal was not found in the tenant.");
  }
  const prefix = [`${graphOrigin}/`, `${MICROSOFT_GRAPH}/`].find((start) => scope.startsWith(start)) ?? "";
  const name = scope.slice(prefix.length);
  if (name === ".default") return { resource: undefined, names: graphPermissionsOf(client) };
  if (/^[A-Za-z.]+$/.test(name)) return { resource: undefined, names: [name] };
  throw entraError(70011, "invalid_scope", "A scope is not valid here.");
}
