import type { Problem } from "./problem.ts";

/** The part of the browser that the client uses; tests replace it. */
export interface SignInPage {
  /** Remembers, for this tab, that a sign-in was begun. May throw, as `sessionStorage` does where it is blocked. */
  readonly storage: () => Pick<Storage, "getItem" | "setItem">;
  /** Path, query and fragment of the page the user is on. */
  readonly currentPath: () => string;
  readonly goTo: (url: string) => void;
  readonly now: () => number;
}

const MARKER = "fetch-as-user.sign-ins";
/** Minimum time between two automatic sign-ins. */
const PAUSE_MS = 60_000;

interface Marker {
  /** Time of the last automatic sign-in, in milliseconds since 1970. */
  readonly at: number;
  /** Calls for which a sign-in was begun and which have not succeeded since. */
  readonly calls: readonly string[];
}

/**
 * Returns the address where Easy Auth signs the user in, with the claims that were asked for, and comes back to
 * `returnTo`, a path of this app.
 */
export function signInUrl({ claims }: Pick<Problem, "claims">, returnTo: string): string {
  const asked = claims === undefined ? "" : `&claims=${encodeURIComponent(claims)}`;
  return `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(returnTo)}${asked}`;
}

/**
 * Signs the user in automatically, but never in a loop: once for a call until that call succeeds, and once a minute for
 * all calls of a tab. Never signs in if the browser cannot remember.
 */
export class UnaskedSignIn {
  readonly #page: SignInPage;

  constructor(page: SignInPage) {
    this.#page = page;
  }

  /** Whether a sign-in for a call may begin: the last one is long enough ago, and was not for this call. */
  isDue(call: string): boolean {
    const { at, calls } = this.#read();
    return !calls.includes(call) && Math.abs(this.#page.now() - at) >= PAUSE_MS;
  }

  /** Begins a sign-in for a call. Returns false if none may begin; then it is left to the user. */
  begin(call: string, problem: Problem): boolean {
    if (!this.isDue(call)) return false;
    const { calls } = this.#read();
    if (!this.#write({ at: this.#page.now(), calls: [...calls, call] })) return false;
    this.#page.goTo(signInUrl(problem, this.#page.currentPath()));
    return true;
  }

  succeeded(call: string): void {
    const { at, calls } = this.#read();
    if (calls.includes(call)) this.#write({ at, calls: calls.filter((other) => other !== call) });
  }

  #read(): Marker {
    try {
      const { at, calls } = JSON.parse(this.#page.storage().getItem(MARKER) ?? "") as Partial<Marker>;
      if (typeof at === "number" && Array.isArray(calls)) return { at, calls };
    } catch {
      // Nothing is stored, or something that this code did not write.
    }
    return { at: Number.NEGATIVE_INFINITY, calls: [] };
  }

  #write(marker: Marker): boolean {
    try {
      this.#page.storage().setItem(MARKER, JSON.stringify(marker));
      return true;
    } catch {
      return false;
    }
  }
}
