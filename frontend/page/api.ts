import { isRecord, type Problem, problemFrom, SESSION_ENDED, UNREACHABLE, unexpectedAnswer } from "./problem.ts";
import { type Profile, profileFrom } from "./profile.ts";

/** What a call came to. A failure is an answer here: the page shows it, it has nobody to throw it to. */
export type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

/** `fetch`, as far as this client uses it. */
export type Fetch = (path: string, init: RequestInit) => Promise<Response>;

/** Milliseconds. Longer than the server allows the API, so this ends only what the network lost. */
const TIMEOUT_MS = 30_000;

/** The signed-in user's profile, or why there is none. */
export function fetchProfile(fetchFrom: Fetch = fetch): Promise<Answer<Profile>> {
  return get("/api/profile", profileFrom, fetchFrom);
}

/** The signed-in user's name as the server knows it, for the page's header. */
export function fetchAccountName(fetchFrom: Fetch = fetch): Promise<Answer<string>> {
  return get("/session", accountNameFrom, fetchFrom);
}

async function get<Value>(
  path: string,
  parse: (json: unknown) => Value | undefined,
  fetchFrom: Fetch,
): Promise<Answer<Value>> {
  try {
    const response = await fetchFrom(path, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    // The one redirect there can be leads to the sign-in page, which a script cannot follow.
    if (response.type === "opaqueredirect") return { ok: false, problem: SESSION_ENDED };
    if (!response.ok) return { ok: false, problem: await problemFrom(response) };
    const value = parse(await response.json().catch(() => undefined));
    return value === undefined ? { ok: false, problem: unexpectedAnswer(response.status) } : { ok: true, value };
  } catch {
    return { ok: false, problem: UNREACHABLE };
  }
}

function accountNameFrom(json: unknown): string | undefined {
  return isRecord(json) && typeof json.name === "string" ? json.name : undefined;
}
