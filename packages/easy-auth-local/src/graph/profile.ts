import { type Account, GRAPH_ORIGIN } from "../directory/directory.ts";
import { json, type Reply, type RoutedRequest } from "../http/router.ts";
import { graphError, requestIds } from "./errors.ts";

/** What a user is without `$select`: https://learn.microsoft.com/graph/api/user-get#response */
const DEFAULT_PROPERTIES = [
  ...["businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation"],
  ...["preferredLanguage", "surname", "userPrincipalName", "id"],
];
const OTHER_PROPERTIES = ["accountEnabled", "city", "companyName", "country", "department", "employeeId", "userType"];
const KNOWN: ReadonlySet<string> = new Set([...DEFAULT_PROPERTIES, ...OTHER_PROPERTIES]);

/** The user: the default properties, or the selected ones, those without a value as null. */
export function profile(request: RoutedRequest, { objectId, profile: stored }: Account): Reply {
  const values: Readonly<Record<string, unknown>> = { ...stored, id: objectId };
  const select = request.url.searchParams.get("$select")?.split(",");
  const unknown = select?.find((name) => !KNOWN.has(name));
  if (unknown !== undefined) {
    const text = `Parsing OData Select and Expand failed: Could not find a property named '${unknown}' on type 'microsoft.graph.user'.`;
    return graphError(request, 400, "Request_BadRequest", text);
  }
  const entity = select ? `users(${select.join(",")})` : "users";
  const properties = (select ?? DEFAULT_PROPERTIES).map((name) => [name, values[name] ?? null]);
  const body = {
    "@odata.context": `${GRAPH_ORIGIN}/v1.0/$metadata#${entity}/$entity`,
    ...Object.fromEntries(properties),
  };
  return json(200, body, requestIds(request));
}

/** A user by id or name: with User.Read, only the signed-in one. */
export function profileOf(request: RoutedRequest, account: Account): Reply {
  const names = [account.objectId, account.profile.userPrincipalName.toLowerCase()];
  if (names.includes((request.params.user ?? "").toLowerCase())) return profile(request, account);
  return graphError(request, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
}
