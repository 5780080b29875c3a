import type { Client } from "@microsoft/microsoft-graph-client";
import { AppError } from "../../errors.ts";

/** A user's profile as Graph gives it: https://learn.microsoft.com/graph/api/user-get */
export type Profile = Readonly<Record<string, unknown>>;

const PROPERTY_NAME = /^[A-Za-z]\w{0,119}$/;
const MAX_PROPERTIES = 50;

/** The parameter `select`. */
export const SELECT = { type: "string", description: "Names of properties with commas between them: displayName,mail" };

export { default as PROFILE } from "./profile.schema.json" with { type: "json" };

/** Returns the signed-in user's profile: Graph's default properties, or the selected ones. */
export async function getProfile(graph: Client, select: readonly string[] = []): Promise<Profile> {
  const request = graph.api("/me");
  if (select.length > 0) request.select([...select]);
  const profile: unknown = await request.get();
  if (isJsonObject(profile)) return profile;
  throw new AppError("downstream_failed", { hint: "Graph's answer to /me is not a JSON object." });
}

/** Whether the answer was JSON: for other content types the Graph client returns streams and strings. */
function isJsonObject(value: unknown): value is Profile {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/**
 * Reads the property names in `?select=displayName,mail`; none when the parameter is absent. Checks their form only: Graph
 * checks whether they exist.
 *
 * @throws AppError `invalid_request`
 */
export function selectFrom(select: string | undefined): readonly string[] {
  if (select === undefined) return [];
  const names = select.split(",").map((name) => name.trim());
  if (names.length <= MAX_PROPERTIES && names.every((name) => PROPERTY_NAME.test(name))) return names;
  throw new AppError("invalid_request", {
    detail: `select takes 1 to ${MAX_PROPERTIES} names of user properties, separated by commas, such as displayName,mail.`,
  });
}
