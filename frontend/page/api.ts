import type { CallOptions, FetchAsUser } from "./client/fetch-as-user.ts";
import { isRecord, RequestProblem, unexpectedAnswer } from "./client/problem.ts";
import { type Profile, profileFrom } from "./profile.ts";

/** Of the sizes that Graph keeps, the smallest that is larger than the page shows it. */
const PHOTO_PIXELS = 120;

/**
 * The signed-in user's profile.
 *
 * @throws RequestProblem
 */
export async function fetchProfile(fetchAsUser: FetchAsUser, options?: CallOptions): Promise<Profile> {
  const response = await fetchAsUser("/api/profile", options);
  const profile = profileFrom(await response.json().catch(() => undefined));
  if (!profile) throw new RequestProblem(unexpectedAnswer(response.status));
  return profile;
}

/** The user's photo; undefined when there is none, or none to be had: a page does well without. */
export async function fetchPhoto(fetchAsUser: FetchAsUser): Promise<Blob | undefined> {
  try {
    const photo = await (
      await fetchAsUser(`/api/photo?size=${PHOTO_PIXELS}`, { headers: { accept: "image/*" } })
    ).blob();
    return photo.type.startsWith("image/") ? photo : undefined;
  } catch {
    return undefined;
  }
}

/** The signed-in user's name as the server knows it, for the page's header; undefined when it does not. */
export async function fetchAccountName(fetchFrom: typeof fetch = fetch): Promise<string | undefined> {
  try {
    const session: unknown = await (await fetchFrom("/session", { redirect: "manual" })).json();
    return isRecord(session) && typeof session.name === "string" ? session.name : undefined;
  } catch {
    return undefined;
  }
}
