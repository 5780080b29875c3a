import http from "node:http";
import { createProxyServer } from "httpxy";
import { type LoopbackServer, listenOnLoopback } from "../loopback-server.ts";
import { type Reply, write } from "../router.ts";
import { AuthRoutes, SESSION_COOKIE } from "./auth-routes.ts";
import type { AuthSettings } from "./auth-settings.ts";
import { createBearerCheck } from "./bearer.ts";
import { cookieOf } from "./cookies.ts";
import { injectUserHeaders, stripReservedHeaders } from "./headers.ts";
import { Sessions } from "./sessions.ts";
import { createSignInClient, type SignInClient } from "./sign-in.ts";

export interface GateOptions {
  readonly settings: AuthSettings;
  /** The app behind the gate, on this machine. */
  readonly upstream: string;
  /** Needed where users sign in. */
  readonly clientSecret?: string;
  /** Where browsers reach the authority when that is not its own origin: the emulator. */
  readonly browserOrigin?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  readonly now?: () => number;
}

/** App Service ends a request after 230 s: https://learn.microsoft.com/azure/app-service/faq-availability-performance-application-issues */
const UPSTREAM_TIMEOUT_MS = 230_000;

/** Starts Easy Auth in front of one app: the same headers, routes and refusals, on loopback. */
export async function startGate(options: GateOptions): Promise<LoopbackServer> {
  let publicUrl = "";
  const gate = new Gate(options, () => publicUrl);
  const server = http.createServer((request, response) => gate.handle(request, response));
  const listening = await listenOnLoopback(server, options.port ?? 0);
  publicUrl = listening.url;
  return listening;
}

class Gate {
  readonly #settings: AuthSettings;
  readonly #upstream: string;
  readonly #publicUrl: () => string;
  readonly #sessions: Sessions;
  readonly #signIn: SignInClient | undefined;
  readonly #routes: AuthRoutes;
  readonly #checkBearer: ReturnType<typeof createBearerCheck>;
  readonly #proxy = createProxyServer({ xfwd: true, proxyTimeout: UPSTREAM_TIMEOUT_MS });

  constructor(
    { settings, upstream, clientSecret, browserOrigin, now = Date.now }: GateOptions,
    publicUrl: () => string,
  ) {
    this.#settings = settings;
    this.#upstream = upstream;
    this.#publicUrl = publicUrl;
    this.#sessions = new Sessions(now);
    this.#signIn =
      clientSecret === undefined
        ? undefined
        : createSignInClient({ settings, clientSecret, now, ...(browserOrigin !== undefined && { browserOrigin }) });
    const tokenStore = settings.login.tokenStore.enabled;
    this.#routes = new AuthRoutes({ sessions: this.#sessions, signIn: this.#signIn, tokenStore, publicUrl });
    this.#checkBearer = createBearerCheck(settings, now);
  }

  handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#answer(request)
      .then((reply) => (reply ? write(response, reply) : this.#forward(request, response)))
      .catch(() => fail(response, 500, "The gate failed."));
  }

  /** The pipeline. Resolves to undefined when the request goes on to the app, its headers set. */
  async #answer(request: http.IncomingMessage): Promise<Reply | undefined> {
    stripReservedHeaders(request.headers);
    if (!request.url?.startsWith("/")) return { status: 400 };
    const url = new URL(this.#publicUrl() + request.url);
    if (this.#routes.owns(url.pathname)) return this.#routes.answer(request, url);

    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined) {
      const verdict = await this.#checkBearer(bearer);
      if ("status" in verdict) return verdict.status === 403 ? { status: 403 } : this.#refuse(request, url);
      injectUserHeaders(request.headers, verdict.claims);
      return undefined;
    }
    const session = this.#sessions.find(cookieOf(request, SESSION_COOKIE));
    if (!session) return this.#refuse(request, url);
    injectUserHeaders(request.headers, session.claims, this.#settings.login.tokenStore.enabled ? session : undefined);
    return undefined;
  }

  async #refuse(request: http.IncomingMessage, url: URL): Promise<Reply | undefined> {
    const action = this.#settings.globalValidation.unauthenticatedClientAction;
    if (action === "AllowAnonymous" || this.#isExcluded(url.pathname)) return undefined;
    if (action === "Return403") return { status: 403 };
    const isBrowser = request.headers["user-agent"]?.startsWith("Mozilla/") ?? false;
    if (action === "RedirectToLoginPage" && isBrowser && this.#signIn) {
      const { host } = new URL(this.#publicUrl());
      // Sessions belong to one host name: a browser at 127.0.0.1 is sent to localhost before it signs in.
      if (request.headers.host !== host)
        return { status: 302, headers: { location: `${this.#publicUrl()}${request.url}` } };
      return this.#routes.sendToSignIn(request, url.pathname + url.search, this.#signIn);
    }
    return { status: 401, headers: { "www-authenticate": this.#challenge(), "content-length": "0" } };
  }

  /** As App Service on Linux writes it, spaces instead of commas included. */
  #challenge(): string {
    const { openIdIssuer, clientId } = this.#settings.identityProviders.azureActiveDirectory.registration;
    const authorizationUri = `${openIdIssuer.replace(/\/v2\.0$/, "")}/oauth2/v2.0/authorize`;
    const { host } = new URL(this.#publicUrl());
    return `Bearer realm="${host}" authorization_uri="${authorizationUri}" resource_id="${clientId}"`;
  }

  #isExcluded(path: string): boolean {
    const excluded = this.#settings.globalValidation.excludedPaths ?? [];
    return excluded.some((entry) => (entry.endsWith("/*") ? path.startsWith(entry.slice(0, -1)) : path === entry));
  }

  #forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#proxy
      .web(request, response, { target: this.#upstream })
      .catch(() => fail(response, 502, "The app does not answer."));
  }
}

function fail(response: http.ServerResponse, status: number, body: string): void {
  if (response.headersSent) response.destroy();
  else write(response, { status, headers: { "content-type": "text/plain; charset=utf-8" }, body: `${body}\n` });
}
