import type { Account, Directory } from "../directory/directory.ts";
import { json, type Reply, type RoutedRequest } from "../http/router.ts";
import type { Principal } from "./access.ts";
import { graphError, notEmulated, requestIds, resourceNotFound } from "./errors.ts";
import { filterOf, QueryOptionError, type QueryOptions, queryOptionsOf } from "./query-options.ts";
import { CONTEXT, propertiesOf, valuesOf } from "./user-entity.ts";
import { DEFAULT_PROPERTIES } from "./user-properties.ts";

/** Answers a request about one user: the signed-in one, or another. */
export type UserHandler = (
  request: RoutedRequest,
  user: Account,
  principal: Principal,
  directory: Directory,
) => Reply | Promise<Reply>;

const PAGE_SIZE = 100;

/** Answers with the user: the default properties, or the selected ones. */
export const showUser: UserHandler = (request, user, principal, directory) =>
  withOptions(request, "one", (options) => {
    const context = `${CONTEXT}${entityName("users", options)}/$entity`;
    return json(
      200,
      { "@odata.context": context, ...entityOf(user, options, principal, directory) },
      requestIds(request),
    );
  });

/** Answers with the user's manager, as `$expand=manager` does inside the user. */
export const showManager: UserHandler = (request, user, principal, directory) =>
  withOptions(request, "one", (options) => {
    const manager = managerOf(user, directory);
    if (!manager) return resourceNotFound(request, "manager");
    const context = `${CONTEXT}${entityName("directoryObjects", options)}/$entity`;
    const type = { "@odata.type": "#microsoft.graph.user" };
    return json(
      200,
      { "@odata.context": context, ...type, ...entityOf(manager, options, principal, directory) },
      requestIds(request),
    );
  });

/** Lists the users whose manager the user is. */
export const listDirectReports: UserHandler = (request, user, principal, directory) => {
  const reports = directory.accounts.filter((account) => managerOf(account, directory) === user);
  return list(request, reports, "directoryObjects", principal, directory);
};

/** Lists the users of the tenant. */
export function listUsers(request: RoutedRequest, principal: Principal, directory: Directory): Reply {
  const users = directory.accounts.filter((account) => directory.isKnownIn(directory.tenant.id, account));
  return list(request, users, "users", principal, directory);
}

/** Finds a user by id or user principal name. */
export function userIn(directory: Directory, idOrName: string): Account | undefined {
  const wanted = idOrName.toLowerCase();
  return directory.accounts.find(
    ({ objectId, profile }) => objectId === wanted || profile.userPrincipalName.toLowerCase() === wanted,
  );
}

/** Answers with the checked query options, or with the reason why they are refused. */
function withOptions(request: RoutedRequest, of: "one" | "list", answer: (options: QueryOptions) => Reply): Reply {
  try {
    return answer(queryOptionsOf(request.url.searchParams, of));
  } catch (error) {
    if (!(error instanceof QueryOptionError)) throw error;
    if (error.kind === "not emulated") return notEmulated(request, error.message);
    return graphError(request, 400, "Request_BadRequest", error.message);
  }
}

function list(
  request: RoutedRequest,
  users: readonly Account[],
  set: string,
  principal: Principal,
  directory: Directory,
): Reply {
  return withOptions(request, "list", (options) => {
    const { top = PAGE_SIZE, skip, filter, orderBy, count } = options;
    const matches = filter === undefined ? () => true : filterOf(filter);
    const found = sorted(
      users.filter((user) => matches(valuesOf(user, principal))),
      orderBy,
    );
    const page = found.slice(skip, skip + top).map((user) => entityOf(user, options, principal, directory));
    const body = {
      "@odata.context": CONTEXT + entityName(set, options),
      ...(count && { "@odata.count": found.length }),
      ...(skip + top < found.length && { "@odata.nextLink": nextLink(request, skip + top) }),
      value: page,
    };
    return json(200, body, requestIds(request));
  });
}

function sorted(users: readonly Account[], orderBy: string | undefined): readonly Account[] {
  if (orderBy === undefined) return users;
  const [, name = "", direction] = /^(displayName|userPrincipalName)(?: +(asc|desc))?$/.exec(orderBy) ?? [];
  if (name === "") throw new QueryOptionError("not emulated", `$orderby=${orderBy}`);
  const order = [...users].sort((one, other) => String(one.profile[name]).localeCompare(String(other.profile[name])));
  return direction === "desc" ? order.reverse() : order;
}

/** Returns the address of the next page, with the options of this one. */
function nextLink({ url }: RoutedRequest, skip: number): string {
  const next = new URL(url);
  next.searchParams.set("$skiptoken", String(skip));
  // A request for Graph's name comes here over http; its client sent it over https.
  return next.hostname === "localhost" || next.hostname === "127.0.0.1"
    ? next.href
    : next.href.replace(/^http:/, "https:");
}

function entityOf(
  user: Account,
  { select, expandManager }: QueryOptions,
  principal: Principal,
  directory: Directory,
): object {
  const entity = propertiesOf(valuesOf(user, principal), select ?? DEFAULT_PROPERTIES);
  const manager = expandManager === undefined ? undefined : managerOf(user, directory);
  if (!manager || expandManager === undefined) return entity;
  const names = expandManager === "default" ? DEFAULT_PROPERTIES : expandManager;
  const shown = propertiesOf(valuesOf(manager, principal), names);
  return { ...entity, manager: { "@odata.type": "#microsoft.graph.user", ...shown } };
}

function managerOf({ managerKey }: Account, directory: Directory): Account | undefined {
  return managerKey === undefined ? undefined : directory.accountByKey(managerKey);
}

function entityName(set: string, { select, expandManager }: QueryOptions): string {
  const names = [...(select ?? []), ...(expandManager === undefined ? [] : ["manager()"])];
  return names.length > 0 ? `${set}(${names.join(",")})` : set;
}
