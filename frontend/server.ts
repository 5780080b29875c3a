import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { forwardToBackend } from "./api-proxy.ts";
import { Failure } from "./failure.ts";
import { answerFailure, type Log } from "./problem.ts";
import { setSecurityHeaders } from "./security-headers.ts";
import { sessionOf } from "./session.ts";
import { isBuiltApp, readStaticFiles, type StaticFile, sendStaticFile } from "./static-files.ts";

export interface FrontendOptions {
  /** Origin of the API, for example `https://api.example.net`: no path, no slash at the end. */
  readonly backendUrl: string;
  /** Folder with the files that `static-files.ts` names. Read once, when the server is created. */
  readonly pageFolder: string;
  /** Milliseconds the backend may take until its response headers; 15,000 by default. */
  readonly timeoutMs?: number;
  /** Takes one JSON line for each failure an operator should know of; standard error by default. */
  readonly log?: Log;
}

interface Site {
  readonly backendUrl: string;
  readonly timeoutMs: number;
  readonly files: ReadonlyMap<string, StaticFile>;
  /** Whether the page has client routes: addresses that its script shows. */
  readonly hasClientRoutes: boolean;
}

const DEFAULT_TIMEOUT_MS = 15_000;

/**
 * Milliseconds that an idle connection is kept. Longer than App Service's front end keeps it (230 s): otherwise a request
 * meets a connection that this server just closed, and is answered 502.
 */
const KEEP_ALIVE_MS = 240_000;

/**
 * Bytes of a request's headers. Easy Auth adds up to three tokens and the principal to the session's cookies; Node's 16
 * KiB are too few.
 */
const MAX_HEADER_SIZE = 65_536;

const READ_METHODS = ["GET", "HEAD"];
/** Methods of the API that are forwarded. Not TRACE: its answer repeats the request, and with it the access token. */
const API_METHODS = [...READ_METHODS, "DELETE", "OPTIONS", "PATCH", "POST", "PUT"];
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);
/** Values of `Sec-Fetch-Site` for requests by a page of this origin, or by the user. */
const OWN_SITES = new Set(["same-origin", "none"]);

/**
 * The reference frontend: serves the page and forwards `/api/*` to the backend with the signed-in user's access token,
 * but for `/api/errors`, which it shows itself, its own failures included.
 * Not listening yet. Must run behind Easy Auth, which signs the user in before a request arrives and fills the `X-MS-*`
 * headers; this server does not verify them, the backend verifies the token.
 */
export function createFrontend(options: FrontendOptions): http.Server {
  const { backendUrl, pageFolder, timeoutMs = DEFAULT_TIMEOUT_MS, log = console.error } = options;
  const site = { backendUrl, timeoutMs, files: readStaticFiles(pageFolder), hasClientRoutes: isBuiltApp(pageFolder) };
  return http.createServer({ maxHeaderSize: MAX_HEADER_SIZE, keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    setSecurityHeaders(request, response);
    answer(request, response, site).catch((error: unknown) => answerFailure(request, response, error, log));
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, site: Site): Promise<void> {
  refuseCrossSiteChange(request);
  const { pathname, search } = addressOf(request);
  const file = site.files.get(pathname) ?? pageOf(request, pathname, site);
  if (!file && pathname.startsWith("/api/")) {
    allowMethods(request, API_METHODS);
    return forwardToBackend(request, response, `${pathname}${search}`, site);
  }
  if (!file && pathname !== "/session" && pathname !== "/health") throw new Failure("no_such_address");
  allowMethods(request, READ_METHODS);
  if (file) return sendStaticFile(request, response, file);
  if (pathname === "/health") return sendJson(response, { status: "ok" });
  sendJson(response, sessionOf(request));
}

/** Returns the page for a client route: an address that a person opens, and that names no file. */
function pageOf({ headers }: IncomingMessage, pathname: string, site: Site): StaticFile | undefined {
  const isOpened = headers["sec-fetch-mode"] === "navigate" || /\btext\/html\b/.test(headers.accept ?? "");
  const isRoute = !pathname.startsWith("/api/") && !pathname.startsWith("/.auth/") && !/\.\w+$/.test(pathname);
  const isOwn = pathname === "/session" || pathname === "/health";
  return site.hasClientRoutes && isOpened && isRoute && !isOwn ? site.files.get("/") : undefined;
}

/**
 * Refuses a change that another site's page asks for: the session's cookie comes with requests from other sites and
 * sibling domains too. Browsers tell by `Sec-Fetch-Site` (https://www.w3.org/TR/fetch-metadata/). A client that does not
 * is no browser, or one from before 2023: its POST is left to Easy Auth's check of `Origin`, and other methods to the
 * preflight, which is answered with no permission.
 */
function refuseCrossSiteChange({ method = "", headers }: IncomingMessage): void {
  const site = headers["sec-fetch-site"];
  const isOwn = site === undefined || OWN_SITES.has(String(site));
  if (!SAFE_METHODS.has(method) && !isOwn) throw new Failure("cross_site_request");
}

/** Returns the address with its dot segments resolved, so that what is compared here is what the backend gets. */
function addressOf(request: IncomingMessage): URL {
  const target = request.url ?? "";
  // An encoded slash is part of a segment to us, but a separator to some servers: `/api/..%2fadmin`.
  if (!target.startsWith("/") || /%2f|%5c/i.test(target.replace(/\?.*/s, ""))) throw new Failure("no_such_address");
  // Never resolved against a base: a target like `//elsewhere/api/` would replace its host.
  return new URL(`http://localhost${target}`);
}

function allowMethods(request: IncomingMessage, methods: readonly string[]): void {
  if (methods.includes(request.method ?? "")) return;
  throw new Failure("method_not_allowed", { headers: { allow: methods.join(", ") } });
}

function sendJson(response: ServerResponse, content: object): void {
  const body = JSON.stringify(content);
  response.writeHead(200, {
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
    "content-type": "application/json",
  });
  response.end(body);
}
