import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { type LoopbackServer, listenOnLoopback } from "easy-auth-local/parts";

/** Returns the path of a library beside its CommonJS build, to which the package's main entry leads. */
const library = (name: string) =>
  path.join(path.dirname(createRequire(import.meta.url).resolve("@azure/msal-browser")), name);

const page = (script: string, ...libraries: string[]) =>
  `<!doctype html><link rel="icon" href="data:,"><title>SPA</title>
  ${libraries.map((name) => `<script src="${name}"></script>`).join("")}<script>${script}</script>`;

/** A page that keeps its MSAL client in `app`, and the result of its last redirect in `answered`. */
const PAGE = page(
  `const app = new msal.PublicClientApplication(JSON.parse(localStorage.configuration));
   const answered = app.initialize().then(() => app.handleRedirectPromise()).catch((error) => ({ error: String(error) }));`,
  "/msal-browser.min.js",
);

/** Page to which redirects and pop-ups return: https://learn.microsoft.com/entra/msal/javascript/browser/redirect-bridge */
const BRIDGE = page("msalRedirectBridge.broadcastResponseToMainFrame()", "/msal-redirect-bridge.min.js");

/** Serves a single-page app that uses msal-browser, as a folder of static files. */
export async function serveMsalPage(): Promise<LoopbackServer> {
  const files: Readonly<Record<string, [string, string]>> = {
    "/": ["text/html", PAGE],
    "/empty.html": ["text/html", page("")],
    "/redirect.html": ["text/html", BRIDGE],
    "/msal-browser.min.js": ["text/javascript", await readFile(library("msal-browser.min.js"), "utf8")],
    "/msal-redirect-bridge.min.js": [
      "text/javascript",
      await readFile(library("redirect-bridge/msal-redirect-bridge.min.js"), "utf8"),
    ],
  };
  const server = http.createServer((request, response) => {
    const [type, content] = files[new URL(request.url ?? "/", "http://localhost").pathname] ?? [];
    if (type === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(content);
  });
  return listenOnLoopback(server, 0);
}
