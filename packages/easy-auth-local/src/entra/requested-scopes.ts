import { graphPermissionsOf } from "../directory/consents.ts";
import { type Directory, GRAPH_ORIGIN, MICROSOFT_GRAPH, type Registration } from "../directory/directory.ts";
import { entraError } from "./errors.ts";
import { spelledPermission } from "./graph-permissions.ts";

/** Contents of a `scope` parameter. */
export interface RequestedScopes {
  /** The API whose scopes are asked for; undefined for Microsoft Graph, and when none are. */
  readonly resource: Registration | undefined;
  /** Names without the resource, as they are registered; `.default` stands for all that the client was granted. */
  readonly names: readonly string[];
  /** Whether the resource's scope `.default` is asked for. */
  readonly isDefault: boolean;
  /**
   * The `scope` of the answer, never empty: OpenID's scopes, and the resource's with the prefix they were asked with. MSAL
   * finds its cached token only when the answer spells it so.
   */
  readonly echo: string;
  readonly hasOpenid: boolean;
  readonly hasEmail: boolean;
  readonly hasOfflineAccess: boolean;
}

/** Scopes of OpenID Connect, to which a user consents by signing in. */
export const OIDC_SCOPES: ReadonlySet<string> = new Set(["openid", "profile", "email", "offline_access"]);
/** Scopes of OpenID Connect that an answer, and a token for Graph, names. */
const NAMED_OIDC_SCOPES = ["openid", "profile", "email"];

/**
 * Reads a `scope` parameter: scopes of one resource, and OpenID's, in upper or lower case. `graphOrigin` is the cloud's.
 * Throws EntraError.
 */
export function requestedScopes(
  scope: string,
  client: Registration,
  directory: Directory,
  graphOrigin = GRAPH_ORIGIN,
): RequestedScopes {
  const all = scope.split(" ").filter((name) => name !== "");
  const ofOpenid = new Set(all.map((name) => name.toLowerCase()).filter((name) => OIDC_SCOPES.has(name)));
  const asked = all.filter((name) => !OIDC_SCOPES.has(name.toLowerCase()));
  const found = asked.map((name) => resolve(name, client, directory, graphOrigin));
  if (new Set(found.map(({ resource }) => resource)).size > 1) {
    throw entraError(28000, "invalid_scope", `The scopes belong to more than one resource: ${asked.join(" ")}`);
  }
  const isDefault = asked.some((name) => /(^|\/)\.default$/i.test(name));
  if (isDefault && asked.length > 1) {
    throw entraError(70011, "invalid_scope", ".default cannot be combined with other scopes of a resource.");
  }
  const named = NAMED_OIDC_SCOPES.filter((name) => ofOpenid.has(name));
  const echo = [...named, ...found.map(({ spelled }) => spelled)];
  return {
    resource: found[0]?.resource,
    names: found.flatMap(({ names }) => names),
    isDefault,
    echo: (echo.length > 0 ? echo : NAMED_OIDC_SCOPES).join(" "),
    hasOpenid: ofOpenid.has("openid"),
    hasEmail: ofOpenid.has("email"),
    hasOfflineAccess: ofOpenid.has("offline_access"),
  };
}

interface Resolved {
  readonly resource: Registration | undefined;
  readonly names: readonly string[];
  /** The requested scope for the answer, with its name as registered. */
  readonly spelled: string;
}

function resolve(scope: string, client: Registration, directory: Directory, graphOrigin: string): Resolved {
  const own = directory.resourceOf(scope);
  if (own) {
    const prefix = scope.slice(0, scope.lastIndexOf("/") + 1);
    const names = own.name.split(" ").filter(Boolean);
    return { resource: own.registration, names, spelled: spelledWith(prefix, names, scope) };
  }
  const exposing = directory.registrations.find(({ identifierUris }) =>
    identifierUris?.some((uri) => scope.toLowerCase().startsWith(`${uri.toLowerCase()}/`)),
  );
  if (exposing) {
    const { displayName, scopes = [] } = exposing;
    const text = `The scope '${scope}' does not exist on the resource '${displayName}'. Its scopes are: ${scopes.join(", ")}.`;
    throw entraError(650053, "invalid_client", text);
  }
  if (/^api:\/\//i.test(scope)) {
    throw entraError(500011, "invalid_resource", `The resource of '${scope}' was not found in the tenant.`);
  }
  return graphScope(scope, client, graphOrigin);
}

/** Spells scopes for the answer, with the prefix they were asked with. `.default` is answered by what it stands for, and itself. */
function spelledWith(prefix: string, names: readonly string[], scope: string): string {
  const spelled = names.map((name) => prefix + name);
  return (/(^|\/)\.default$/i.test(scope) ? [...spelled, scope] : spelled).join(" ");
}

function graphScope(scope: string, client: Registration, graphOrigin: string): Resolved {
  const starts = [`${graphOrigin}//`, `${graphOrigin}/`, `${MICROSOFT_GRAPH}/`];
  const prefix = starts.find((start) => scope.toLowerCase().startsWith(start)) ?? "";
  const name = scope.slice(prefix.length);
  const ofGraph = { resource: undefined };
  if (name.toLowerCase() === ".default") {
    const names = graphPermissionsOf(client);
    return { ...ofGraph, names, spelled: spelledWith(prefix, names, scope) };
  }
  if (/^[A-Za-z.-]+$/.test(name)) {
    const spelled = spelledPermission(name, graphPermissionsOf(client));
    return { ...ofGraph, names: [spelled], spelled: prefix + spelled };
  }
  throw entraError(70011, "invalid_scope", `The scope '${scope}' is not valid.`);
}
