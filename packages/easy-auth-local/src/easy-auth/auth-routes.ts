import { type Reply, readBody } from "../http/router.ts";
import type { AuthRoutesOptions, GateReply, GateRequest, Route } from "./auth-route.ts";
import { createClientDirectedLogin } from "./client-directed-login.ts";
import { clearCookie, cookieOf, setCookie } from "./cookies.ts";
import { page, text } from "./pages.ts";
import { signedOutPath } from "./platform.ts";
import { redirectTarget } from "./redirect-target.ts";
import { clearSessionCookies, sessionCookies, sessionIdOf } from "./session-cookie.ts";
import { randomId } from "./sessions.ts";
import { createMe, createRefresh } from "./token-store-routes.ts";

const NONCE_COOKIE = "Nonce";
/** Parameters of the login's address that go on to Entra. `claims` answers a claims challenge. */
const PASSED_ON = ["prompt", "login_hint", "domain_hint", "claims"];

/** Easy Auth's own routes, `/.auth/*`. None of them ever reaches the app. */
export class AuthRoutes {
  readonly #options: AuthRoutesOptions;
  readonly #prefix: string;
  readonly #routes: ReadonlyMap<string, Route>;
  readonly #redirectUrls: readonly string[];

  constructor(options: AuthRoutesOptions) {
    const { settings, platform } = options;
    this.#options = options;
    this.#prefix = settings.httpSettings?.routes?.apiPrefix ?? "/.auth";
    this.#redirectUrls = settings.login.allowedExternalRedirectUrls ?? [];
    this.#routes = new Map<string, Route>([
      ["GET /login/aad", (request) => this.#login(request)],
      ["POST /login/aad", createClientDirectedLogin(options)],
      ["GET /login/aad/callback", (request) => this.#callback(request, request.url.searchParams)],
      ["POST /login/aad/callback", (request) => this.#postedCallback(request)],
      ["GET /me", createMe(options)],
      ["GET /refresh", createRefresh(options)],
      [`GET ${signedOutPath(platform)}`, ({ site }) => signedOut(site)],
    ]);
  }

  owns(path: string): boolean {
    return path === this.#prefix || path.startsWith(`${this.#prefix}/`) || path === this.#logoutPath;
  }

  async answer(request: GateRequest): Promise<GateReply> {
    const { message, url } = request;
    if (message.method === "GET" && url.pathname === this.#logoutPath) return this.#logout(request);
    const route = this.#routes.get(`${message.method} ${url.pathname.slice(this.#prefix.length)}`);
    return route ? route(request) : text(404, "Not found.");
  }

  /** Sends the browser to sign in and come back to `returnTo`. */
  async sendToSignIn(
    { message, site }: GateRequest,
    returnTo: string,
    parameters: Readonly<Record<string, string>> = {},
  ): Promise<Reply> {
    const { sessions, signIn } = this.#options;
    if (!signIn) return text(404, "Nobody can sign in here: no client credential is configured.");
    const browserId = cookieOf(message, NONCE_COOKIE) || randomId();
    const redirectUri = `${site}${this.#prefix}/login/aad/callback`;
    const { location, pending } = await signIn.begin({ redirectUri, returnTo, parameters });
    sessions.begin(pending, browserId);
    return redirect(location, [setCookie(NONCE_COOKIE, browserId, Math.ceil(sessions.signInMs / 1000))]);
  }

  async #login(request: GateRequest): Promise<Reply> {
    const query = request.url.searchParams;
    const asked = query.get("post_login_redirect_uri") ?? query.get("post_login_redirect_url") ?? "/";
    const returnTo = redirectTarget(asked, request.site, this.#redirectUrls);
    if (returnTo === undefined) return text(400, "post_login_redirect_uri leads to another site.");
    const parameters = PASSED_ON.flatMap((name) => query.getAll(name).map((value) => [name, value]));
    return this.sendToSignIn(request, returnTo, Object.fromEntries(parameters));
  }

  /** Takes Entra's answer from a form, which `response_mode=form_post` in `loginParameters` asks for. */
  async #postedCallback(request: GateRequest): Promise<GateReply> {
    return this.#callback(request, new URLSearchParams(await readBody(request.message)));
  }

  async #callback({ message, site }: GateRequest, callback: URLSearchParams): Promise<GateReply> {
    const { sessions, signIn, onError } = this.#options;
    const tryAgain = { href: `${site}/`, text: "Go back and try again" };
    const pending = sessions.end(callback.get("state") ?? "", cookieOf(message, NONCE_COOKIE));
    if (!signIn || !pending) {
      const reason = "the sign-in was not begun in this browser, or took too long (nonce.nonceExpirationInterval)";
      return { ...page(401, "Sign-in failed", "This sign-in was not begun here, or took too long.", tryAgain), reason };
    }
    try {
      const signedIn = await signIn.complete(callback, pending);
      // The nonce's cookie stays: another tab may be signing in.
      return redirect(pending.returnTo, sessionCookies(sessions.open(signedIn), signedIn.claims, message));
    } catch (error) {
      onError("sign-in", error);
      return page(401, "Sign-in failed", "The terminal of the local stack says why.", tryAgain);
    }
  }

  async #logout({ message, url, site }: GateRequest): Promise<Reply> {
    const { sessions, signIn, platform } = this.#options;
    const complete = `${this.#prefix}${signedOutPath(platform)}`;
    const asked = url.searchParams.get("post_logout_redirect_uri") ?? complete;
    const returnTo = redirectTarget(asked, site, this.#redirectUrls);
    if (returnTo === undefined) return text(400, "post_logout_redirect_uri leads to another site.");
    sessions.close(sessionIdOf(message));
    const location = signIn ? await signIn.signOutLocation(returnTo) : returnTo;
    return redirect(location, [...clearSessionCookies(message), clearCookie(NONCE_COOKIE)]);
  }

  get #logoutPath(): string {
    return this.#options.settings.login.routes?.logoutEndpoint ?? `${this.#prefix}/logout`;
  }
}

function signedOut(site: string): Reply {
  return page(200, "Signed out", "You have been signed out.", { href: `${site}/`, text: "Back to the app" });
}

function redirect(location: string, cookies: readonly string[]): Reply {
  return { status: 302, headers: { location, "set-cookie": cookies, "cache-control": "no-store" } };
}
