import http from "node:http";
import { createProxyServer } from "httpxy";
import { type LoopbackServer, listenOnLoopback } from "../loopback-server.ts";
import { type Reply, write } from "../router.ts";
import { AuthRoutes, SESSION_COOKIE } from "./auth-routes.ts";
import type { AuthSettings } from "./auth-settings.ts";
import { authorityOf, createBearerCheck } from "./bearer.ts";
import { cookieOf } from "./cookies.ts";
import { injectUserHeaders, stripHopByHopHeaders, stripReservedHeaders } from "./headers.ts";
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
  /** Told of failures whose answer says little; never of a token. Default: standard error. */
  readonly onError?: (line: string) => void;
  /** Told of the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}

/** App Service ends a request after 230 s: https://learn.microsoft.com/azure/app-service/faq-availability-performance-application-issues */
const UPSTREAM_TIMEOUT_MS = 230_000;

/** Starts Easy Auth in front of one app: the same headers, routes and refusals, on loopback. */
export async function startGate(options: GateOptions): Promise<LoopbackServer> {
  let publicUrl = "";
  const gate = new Gate(options, () => publicUrl);
  const server = http.createServer((request, response) => gate.handle(request, response));
  options.onServer?.(server);
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
  readonly #onError: (step: string, error: unknown) => void;
  readonly #checkBearer: ReturnType<typeof createBearerCheck>;
  readonly #proxy = createProxyServer({ xfwd: true, proxyTimeout: UPSTREAM_TIMEOUT_MS });

  constructor(options: GateOptions, publicUrl: () => string) {
    const { settings, upstream, clientSecret, browserOrigin, now = Date.now, onError = console.error } = options;
    this.#settings = settings;
    this.#upstream = upstream;
    this.#publicUrl = publicUrl;
    this.#sessions = new Sessions(now);
    this.#signIn =
      clientSecret === undefined
        ? undefined
        : createSignInClient({ settings, clientSecret, now, ...(browserOrigin !== undefined && { browserOrigin }) });
    const tokenStore = settings.login.tokenStore.enabled;
    this.#onError = (step, error) => onError(`Easy Auth at ${publicUrl()}: ${step} failed: ${describe(error)}`);
    const told = { publicUrl, onError: this.#onError };
    this.#routes = new AuthRoutes({ sessions: this.#sessions, signIn: this.#signIn, tokenStore, ...told });
    this.#checkBearer = createBearerCheck(settings, now);
  }

  handle(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.#answer(request)
      .then((reply) => (reply ? write(response, reply) : this.#forward(request, response)))
      .catch((error: unknown) => {
        this.#onError(request.url?.replace(/\?.*/, "") ?? "a request", error);
        fail(response, 503, "Easy Auth could not ask Microsoft Entra ID.");
      });
  }

  /** The pipeline. Resolves to undefined when the request goes on to the app, its headers set. */
  async #answer(request: http.IncomingMessage): Promise<Reply | undefined> {
    stripHopByHopHeaders(request.headers);
    stripReservedHeaders(request.headers);
    if (!request.url?.startsWith("/")) return { status: 400 };
    const url = new URL(this.#publicUrl() + request.url);
    // What is judged here is what the app gets: dot segments resolved, without a fragment.
    request.url = url.pathname + url.search;
    if (this.#routes.owns(url.pathname)) return this.#routes.answer(request, url);

    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    if (bearer !== undefined) {
      const verdict = await this.#checkBearer(bearer);
      if ("status" in verdict) return this.#refuse(request, url, verdict.status);
      injectUserHeaders(request.headers, verdict.claims);
      return undefined;
    }
    const session = this.#sessions.find(cookieOf(request, SESSION_COOKIE));
    if (!session) return this.#refuse(request, url);
    injectUserHeaders(request.headers, session.claims, this.#settings.login.tokenStore.enabled ? session : undefined);
    return undefined;
  }

  async #refuse(request: http.IncomingMessage, url: URL, verdict = 401): Promise<Reply | undefined> {
    if (this.#isExcluded(url.pathname)) return undefined;
    const action = this.#settings.globalValidation.unauthenticatedClientAction;
    if (verdict === 403 || action === "Return403") return { status: 403 };
    if (action === "AllowAnonymous") return undefined;
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
    const { clientId } = this.#settings.identityProviders.azureActiveDirectory.registration;
    const authorizationUri = `${authorityOf(this.#settings)}/oauth2/v2.0/authorize`;
    const { host } = new URL(this.#publicUrl());
    return `Bearer realm="${host}" authorization_uri="${authorizationUri}" resource_id="${clientId}"`;
  }

  /** A path with an encoded separator means different things to different servers, so it is never excluded. */
  #isExcluded(path: string): boolean {
    if (/%2f|%5c/i.test(path)) return false;
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

/** Names and codes only: the messages and properties of libraries hold tokens. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { code, error: oauthError } = error as { code?: unknown; error?: unknown };
  return [error.name, code, oauthError].filter((part) => typeof part === "string").join(" ");
}
