import { createCallApi } from "./client/call-api.ts";
import type { CallOptions, FetchAsUser } from "./client/fetch-as-user.ts";
import { isRecord, RequestProblem, unexpectedAnswer } from "./client/problem.ts";
import { type Profile, profileFrom } from "./profile.ts";

/** Size of the photo: the smallest of Graph's that is larger than the page shows it. */
const PHOTO_PIXELS = "120";

/** Object id of the user that an answer is about, as this app's server names it; undefined when it does not. */
type User = string | undefined;

/** The session as the server knows it. */
export interface Session {
  readonly isOver: boolean;
  /** Sign-in name. */
  readonly name: string;
  readonly user: User;
}

const OVER: Session = { isOver: true, name: "", user: undefined };

/**
 * Fetches the signed-in user's profile, with the user that it is about.
 *
 * @throws RequestProblem
 */
export async function fetchProfile(
  fetchAsUser: FetchAsUser,
  options?: CallOptions,
): Promise<{ readonly profile: Profile; readonly user: User }> {
  const response = await createCallApi(fetchAsUser)("GET", "/api/profile", options);
  const profile = profileFrom(await response.json().catch(() => undefined));
  if (!profile) throw new RequestProblem(unexpectedAnswer(response.status));
  return { profile, user: userOf(response) };
}

/**
 * Fetches the photo of the user whose profile is shown. Undefined if there is none, on failure, and if somebody else
 * has signed in since: the page works without it.
 */
export async function fetchPhoto(
  fetchAsUser: FetchAsUser,
  user: User,
  signal?: AbortSignal,
): Promise<Blob | undefined> {
  const asked = { headers: { accept: "image/*" }, query: { size: PHOTO_PIXELS } } as const;
  try {
    const response = await createCallApi(fetchAsUser)("GET", "/api/photo", {
      ...asked,
      onSignIn: () => false,
      ...(signal && { signal }),
    });
    const photo = await response.blob();
    return photo.type.startsWith("image/") && userOf(response) === user ? photo : undefined;
  } catch {
    return undefined;
  }
}

/** Fetches who is signed in; undefined when the server cannot be asked. */
export async function fetchSession(fetchFrom: typeof fetch = fetch): Promise<Session | undefined> {
  try {
    const response = await fetchFrom("/session", { cache: "no-store", redirect: "manual" });
    if (response.type === "opaqueredirect" || response.status === 401) return OVER;
    const session: unknown = await response.json();
    return isRecord(session) ? { isOver: false, name: text(session.name) ?? "", user: text(session.user) } : undefined;
  } catch {
    return undefined;
  }
}

function userOf({ headers }: Pick<Response, "headers">): User {
  return headers.get("x-signed-in-user") ?? undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
