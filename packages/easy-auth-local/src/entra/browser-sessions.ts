import { LRUCache } from "lru-cache";
import type { Account } from "../directory/directory.ts";
import { clearCookie, cookieOf, setCookie } from "../easy-auth/cookies.ts";
import { randomId } from "../easy-auth/sessions.ts";
import type { RoutedRequest } from "../http/router.ts";

/** Last sign-in of a browser. */
export interface BrowserSession {
  readonly account: Account;
  /** Authentication contexts that were satisfied. */
  readonly contexts: readonly string[];
  /** Seconds since 1970. */
  readonly signedInAt: number;
}

type Request = Pick<RoutedRequest, "headers" | "url">;

/** Name of Entra's own cookie. Browsers send it to every port of this machine. */
const NAME = "ESTSAUTH";
/** Name over https: a browser would not let a cookie without `Secure` replace one with it. */
const SECURE_NAME = "ESTSAUTHPERSISTENT";
const KEPT = 1000;
const DAY_MS = 24 * 3600_000;

/** Sign-ins of browsers, by which `prompt=none` signs in without a page. The cookie holds a random id, for a day. */
export class BrowserSessions {
  readonly #sessions = new LRUCache<string, BrowserSession>({ max: KEPT, ttl: DAY_MS, perf: Date });

  of(request: Request): BrowserSession | undefined {
    return this.#sessions.get(cookieOf(request, nameFor(request)));
  }

  /** Begins a session in place of the browser's last one. Returns the cookie to set. */
  begin(request: Request, session: BrowserSession): string {
    this.end(request);
    const id = randomId();
    this.#sessions.set(id, session);
    return forFrames(request, setCookie(nameFor(request), id));
  }

  /** Ends the browser's session, if there is one. Returns the cookie to set. */
  end(request: Request): string {
    this.#sessions.delete(cookieOf(request, nameFor(request)));
    return forFrames(request, clearCookie(nameFor(request)));
  }
}

function nameFor({ url }: Request): string {
  return url.protocol === "https:" ? SECURE_NAME : NAME;
}

/**
 * Lets a cookie over https be sent from other sites: to https, a page over http that signs in silently in a frame is one.
 */
function forFrames({ url }: Request, cookie: string): string {
  return url.protocol === "https:" ? cookie.replace("SameSite=Lax", "SameSite=None; Secure") : cookie;
}
