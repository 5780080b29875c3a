import { isPermitted } from "../entra/graph-permissions.ts";
import { json } from "../http/router.ts";
import { notEmulated, requestIds } from "./errors.ts";
import { CONTEXT } from "./user-entity.ts";
import type { UserHandler } from "./users.ts";

/** Permissions to read more of a group than its id: https://learn.microsoft.com/graph/api/user-list-memberof#permissions */
const READ_GROUPS = ["GroupMember.Read.All", "Directory.Read.All"];
const KNOWN_OPTIONS: ReadonlySet<string> = new Set(["$select", "$top", "$count"]);
const PROPERTIES = ["id", "displayName", "description", "mail", "mailEnabled", "mailNickname", "securityEnabled"];

/**
 * Lists the groups of the user; there are no groups in groups, and no directory roles. To a principal that may not read
 * groups each shows its id alone:
 * https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects
 */
export const listMemberships: UserHandler = (request, { groups = [] }, { permissions }) => {
  const { searchParams } = request.url;
  const unknown = [...searchParams.keys()].find((name) => name.startsWith("$") && !KNOWN_OPTIONS.has(name));
  if (unknown !== undefined) return notEmulated(request, `The query option ${unknown}`);
  const names = searchParams.get("$select")?.split(",") ?? PROPERTIES;
  const top = Number(searchParams.get("$top") ?? groups.length);
  const canRead = isPermitted(permissions, READ_GROUPS);
  const value = groups.slice(0, top).map((id) => {
    const values: Readonly<Record<string, unknown>> = canRead ? { ...group(id), id } : { id };
    const shown = Object.fromEntries(names.map((name) => [name, values[name] ?? null]));
    return { "@odata.type": "#microsoft.graph.group", ...shown };
  });
  const count = searchParams.get("$count") === "true" ? { "@odata.count": groups.length } : {};
  return json(200, { "@odata.context": `${CONTEXT}directoryObjects`, ...count, value }, requestIds(request));
};

function group(id: string) {
  const displayName = `Group ${id.slice(-4)}`;
  return { displayName, mailEnabled: false, mailNickname: displayName.replace(" ", "-"), securityEnabled: true };
}
