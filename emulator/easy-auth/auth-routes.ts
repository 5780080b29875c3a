import type http from "node:http";
import { json, type Reply } from "../router.ts";
import { clearCookie, cookieOf, setCookie } from "./cookies.ts";
import { expiresOn, userClaims } from "./headers.ts";
import { randomId, type Sessions } from "./sessions.ts";
import type { SignedIn, SignInClient } from "./sign-in.ts";

export interface AuthRoutesOptions {
  readonly sessions: Sessions;
  /** Undefined where nobody can sign in: an API that only takes bearer tokens. */
  readonly signIn: SignInClient | undefined;
  readonly tokenStore: boolean;
  /** The gate's own address. Known once it listens. */
  readonly publicUrl: () => string;
  /** Told of what failed behind an answer that says little. */
  readonly onError: (step: string, error: unknown) => void;
}

export const SESSION_COOKIE = "AppServiceAuthSession";
const NONCE_COOKIE = "Nonce";
const NONCE_SECONDS = 300;
const PREFIX = "/.auth";

/** Easy Auth's own routes, `/.auth/*`. None of them ever reaches the app. */
export class AuthRoutes {
  readonly #options: AuthRoutesOptions;

  constructor(options: AuthRoutesOptions) {
    this.#options = options;
  }

  owns(path: string): boolean {
    return path === PREFIX || path.startsWith(`${PREFIX}/`);
  }

  async answer(request: http.IncomingMessage, url: URL): Promise<Reply> {
    const { signIn } = this.#options;
    if (request.method !== "GET") return text(404, "Not found.");
    if (url.pathname === `${PREFIX}/me`) return this.#me(request);
    if (signIn && url.pathname === `${PREFIX}/login/aad`) return this.#login(request, url, signIn);
    if (signIn && url.pathname === `${PREFIX}/login/aad/callback`) return this.#callback(request, url, signIn);
    if (signIn && url.pathname === `${PREFIX}/refresh`) return this.#refresh(request, signIn);
    if (signIn && url.pathname === `${PREFIX}/logout`) return this.#logout(request, url, signIn);
    if (url.pathname === `${PREFIX}/logout/complete`) return text(200, "You have been signed out.");
    return text(404, "Not found.");
  }

  /** Sends the browser to sign in and come back to `returnTo`, a path of this app. */
  async sendToSignIn(request: http.IncomingMessage, returnTo: string, signIn: SignInClient): Promise<Reply> {
    const browserId = cookieOf(request, NONCE_COOKIE) || randomId();
    const { location, pending } = await signIn.begin(
      `${this.#options.publicUrl()}${PREFIX}/login/aad/callback`,
      returnTo,
    );
    this.#options.sessions.begin(pending, browserId);
    return redirect(location, [setCookie(NONCE_COOKIE, browserId, NONCE_SECONDS)]);
  }

  async #login(request: http.IncomingMessage, url: URL, signIn: SignInClient): Promise<Reply> {
    const asked =
      url.searchParams.get("post_login_redirect_uri") ?? url.searchParams.get("post_login_redirect_url") ?? "/";
    const returnTo = this.#ownPath(asked);
    if (returnTo === undefined) return text(400, "post_login_redirect_uri leads to another site.");
    return this.sendToSignIn(request, returnTo, signIn);
  }

  async #callback(request: http.IncomingMessage, url: URL, signIn: SignInClient): Promise<Reply> {
    const pending = this.#options.sessions.end(url.searchParams.get("state") ?? "", cookieOf(request, NONCE_COOKIE));
    if (!pending)
      return text(401, "This sign-in was not begun here, or took too long. Go back to the app and try again.");
    try {
      const callback = new URL(url.pathname + url.search, this.#options.publicUrl());
      const id = this.#options.sessions.open(await signIn.complete(callback, pending));
      // Absolute, so that no path can be read as another host. The nonce's cookie stays: another tab may be signing in.
      return redirect(`${this.#options.publicUrl()}${pending.returnTo}`, [setCookie(SESSION_COOKIE, id)]);
    } catch (error) {
      this.#options.onError("sign-in", error);
      return text(401, "The sign-in could not be completed.");
    }
  }

  /** Everything the session holds, tokens included, as an array: one entry for the one provider. */
  #me(request: http.IncomingMessage): Reply {
    const session = this.#session(request);
    if (!session || !this.#options.tokenStore) return text(401, "");
    const entry = {
      access_token: session.accessToken,
      expires_on: expiresOn(session),
      id_token: session.idToken,
      provider_name: "aad",
      ...(session.refreshToken !== undefined && { refresh_token: session.refreshToken }),
      user_claims: userClaims(session.claims),
      user_id: session.claims.preferred_username,
    };
    return json(200, [entry]);
  }

  async #refresh(request: http.IncomingMessage, signIn: SignInClient): Promise<Reply> {
    const session = this.#session(request);
    if (!session) return text(401, "");
    if (session.refreshToken === undefined)
      return text(403, "The session holds no refresh token: ask for offline_access.");
    try {
      this.#options.sessions.update(cookieOf(request, SESSION_COOKIE), await signIn.refresh(session));
      return text(200, "");
    } catch (error) {
      this.#options.onError("refresh", error);
      return text(403, "The refresh token is no longer accepted.");
    }
  }

  async #logout(request: http.IncomingMessage, url: URL, signIn: SignInClient): Promise<Reply> {
    const returnTo = this.#ownPath(url.searchParams.get("post_logout_redirect_uri") ?? `${PREFIX}/logout/complete`);
    if (returnTo === undefined) return text(400, "post_logout_redirect_uri leads to another site.");
    this.#options.sessions.close(cookieOf(request, SESSION_COOKIE));
    const location = await signIn.signOutLocation(`${this.#options.publicUrl()}${returnTo}`);
    return redirect(location, [clearCookie(SESSION_COOKIE)]);
  }

  #session(request: http.IncomingMessage): SignedIn | undefined {
    return this.#options.sessions.find(cookieOf(request, SESSION_COOKIE));
  }

  /** A path of this app, from a path or an address of it; undefined for any other site (`//host`, `\\host`, user info …). */
  #ownPath(target: string): string | undefined {
    const base = this.#options.publicUrl();
    if (!URL.canParse(target, base)) return undefined;
    const { origin, username, password, pathname, search, hash } = new URL(target, base);
    const isOwn = origin === new URL(base).origin && username === "" && password === "";
    return isOwn ? `${pathname}${search}${hash}` : undefined;
  }
}

function redirect(location: string, cookies: readonly string[]): Reply {
  return { status: 302, headers: { location, "set-cookie": cookies, "cache-control": "no-store" } };
}

function text(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" }, body };
}
