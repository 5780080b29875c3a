import type http from "node:http";
import { LRUCache } from "lru-cache";
import type { Account } from "../directory/directory.ts";
import { clearCookie, cookieOf, setCookie } from "../easy-auth/cookies.ts";
import { randomId } from "../easy-auth/sessions.ts";

/** Who signed in last in a browser. */
export interface BrowserSession {
  readonly account: Account;
  /** Authentication contexts that were satisfied. */
  readonly contexts: readonly string[];
  /** Seconds since 1970. */
  readonly signedInAt: number;
}

type Message = Pick<http.IncomingMessage, "headers">;

/** The name that Entra's own has. Browsers send it to every port of this machine. */
const NAME = "ESTSAUTH";
const KEPT = 1000;
const DAY_MS = 24 * 3600_000;

/** Entra's memory of browsers, by which `prompt=none` signs in without a page. The cookie holds a random id, for a day. */
export class BrowserSessions {
  readonly #sessions = new LRUCache<string, BrowserSession>({ max: KEPT, ttl: DAY_MS, perf: Date });

  of(message: Message): BrowserSession | undefined {
    return this.#sessions.get(cookieOf(message, NAME));
  }

  /** Begins a session in place of the browser's last one. Returns the cookie to set. */
  begin(message: Message, session: BrowserSession): string {
    this.end(message);
    const id = randomId();
    this.#sessions.set(id, session);
    return setCookie(NAME, id);
  }

  /** Ends the browser's session, if there is one. Returns the cookie to set. */
  end(message: Message): string {
    this.#sessions.delete(cookieOf(message, NAME));
    return clearCookie(NAME);
  }
}
