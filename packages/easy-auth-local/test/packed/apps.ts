/** Function as Core Tools' template of the v4 model has it: `func new --template "HTTP trigger"`. */
const TRIGGER = `app.http("httpTrigger1", {
  methods: ["GET", "POST"], authLevel: "anonymous",
  handler: async (request) => ({ body: \`Hello, \${request.headers.get("x-ms-client-principal-name")}!\` }),
});`;

/** Functions apps as `func init` makes them, in JavaScript and in TypeScript. */
const FUNCTIONS_APPS: Readonly<Record<string, string>> = {
  "javascript/host.json": '{ "version": "2.0" }',
  "javascript/package.json": JSON.stringify({ name: "javascript", main: "src/{index.js,functions/*.js}" }),
  "javascript/src/index.js": 'const { app } = require("@azure/functions"); app.setup({ enableHttpStream: true });',
  "javascript/src/functions/httpTrigger1.js": `const { app } = require("@azure/functions");\n${TRIGGER}`,
  "typescript/host.json": '{ "version": "2.0" }',
  "typescript/package.json": JSON.stringify({ name: "typescript", main: "dist/src/{index.js,functions/*.js}" }),
  "typescript/tsconfig.json": JSON.stringify({
    compilerOptions: {
      ...{ module: "nodenext", target: "es2022", outDir: "dist", rootDir: ".", skipLibCheck: true, types: [] },
    },
  }),
  "typescript/src/functions/httpTrigger1.ts": `import { app } from "@azure/functions";\n${TRIGGER}`,
};

/**
 * Two Express apps that do what those of Microsoft's tutorial do: the same routes, settings, headers and calls of the
 * libraries. https://github.com/Azure-Samples/js-e2e-web-app-easy-auth-app-to-app
 */
const TUTORIAL: Readonly<Record<string, string>> = {
  "tutorial/backend/package.json": JSON.stringify({
    ...{ name: "backend", type: "module", scripts: { start: "node src/index.js --unhandled-rejections=warn" } },
  }),
  "tutorial/backend/src/index.js": `import express from "express";
    import { profileOf } from "./graph.js";
    const app = express();
    app.get("/debug", (request, response) => response.send({ headers: request.headers, env: process.env }));
    app.get("/get-profile", async (request, response) => {
      const token = (request.headers["Authorization"] || request.headers["authorization"])?.split(" ")[1];
      if (!token) return response.status(401).json({ error: "No access token found" });
      try {
        response.json({ profile: await profileOf(token), error: null });
      } catch (error) {
        response.json({ error: { message: error.message } });
      }
    });
    app.use((_, response) => response.json({ status: "unknown url request" }));
    app.listen(process.env.WEB_PORT || process.env.PORT || 8080);`,
  "tutorial/backend/src/graph.js": `import { ConfidentialClientApplication } from "@azure/msal-node";
    import { Client } from "@microsoft/microsoft-graph-client";
    // The portal writes https://sts.windows.net/<tenant>/v2.0.
    const tenant = () => process.env.WEBSITE_AUTH_OPENID_ISSUER.replace(/https:\\/\\/sts\\.windows\\.net\\/(.{1,36})\\/v2\\.0/gm, "$1");
    async function graphToken(oboAssertion) {
      const client = new ConfidentialClientApplication({
        auth: {
          clientId: process.env.WEBSITE_AUTH_CLIENT_ID,
          clientSecret: process.env.MICROSOFT_PROVIDER_AUTHENTICATION_SECRET,
          authority: "https://login.microsoftonline.com/" + tenant(),
        },
      });
      const scopes = ["https://graph.microsoft.com/.default"];
      return (await client.acquireTokenOnBehalfOf({ oboAssertion, scopes })).accessToken;
    }
    export async function profileOf(userToken) {
      const token = await graphToken(userToken);
      return Client.init({ authProvider: (done) => done(null, token) }).api("/me").get();
    }`,
  "tutorial/frontend/package.json": JSON.stringify({
    ...{ name: "frontend", type: "module", scripts: { start: "node src/index.js --unhandled-rejections=warn" } },
  }),
  "tutorial/frontend/src/index.js": `import express from "express";
    const app = express();
    app.get("/", (_, response) => response.send("<a href='/get-profile'>Get user's profile</a>"));
    app.get("/debug", (request, response) => {
      const token = request.headers["x-ms-token-aad-access-token"] ?? "";
      const { scp } = JSON.parse(Buffer.from(token.split(".")[1] ?? "e30", "base64url"));
      response.json({ scope: scp, enabled: process.env.APPSETTING_WEBSITE_AUTH_ENABLED });
    });
    app.get("/get-profile", async (request, response) => {
      const token = request.headers["x-ms-token-aad-access-token"];
      const headers = token ? { Authorization: "Bearer " + token } : {};
      const answer = await fetch(process.env.BACKEND_URL + "/get-profile", { cache: "no-store", headers });
      response.json(await answer.json());
    });
    app.use((_, response) => response.redirect("/"));
    app.listen(process.env.WEB_PORT || process.env.PORT || 8080);`,
};

/** Single-page app with msal-browser, as Vite builds it, which calls the API of the JavaScript app with the user's token. */
const PAGE: Readonly<Record<string, string>> = {
  "page/index.html":
    '<!doctype html><title>Page</title><button>Sign in</button><p></p><script type="module" src="/main.js"></script>',
  "page/main.js": `import { PublicClientApplication } from "@azure/msal-browser";
    const { VITE_ENTRA_URL, VITE_API_URL, VITE_AUTHORITY, VITE_CLIENT_ID, VITE_SCOPE } = import.meta.env;
    const document_ = VITE_ENTRA_URL + new URL(VITE_AUTHORITY).pathname + "/v2.0/.well-known/openid-configuration";
    const app = new PublicClientApplication({
      auth: {
        clientId: VITE_CLIENT_ID,
        authority: VITE_AUTHORITY,
        authorityMetadata: await (await fetch(document_)).text(),
        redirectUri: location.origin + "/",
      },
    });
    await app.initialize();
    document.querySelector("button").onclick = () => app.loginRedirect({ scopes: [VITE_SCOPE] });
    const signedIn = await app.handleRedirectPromise();
    if (signedIn) {
      const { accessToken } = await app.acquireTokenSilent({ account: signedIn.account, scopes: [VITE_SCOPE] });
      const headers = { authorization: "Bearer " + accessToken };
      const answer = await fetch(VITE_API_URL + "/api/httpTrigger1", { headers });
      document.querySelector("p").textContent = answer.status + " " + (await answer.text());
    }`,
};

/** Script that starts the stack by the test kit, once for each app, and prints what the apps answer. */
const TRY = `import { readConfiguration, startStack } from "easy-auth-local/test-kit";
  const answers = {};
  const pair = await startStack(await readConfiguration("tutorial/easy-auth-local.json"));
  const user = await pair.signIn("works");
  const read = async (path) => (await user.fetch(path)).json();
  answers.debug = await read("/debug");
  answers.pair = (await read("/get-profile")).profile.displayName;
  answers.withoutToken = (await fetch(pair.apiUrl + "/get-profile")).status;
  await pair.close();
  for (const name of ["javascript", "typescript"]) {
    const stack = await startStack({ api: { app: "./" + name }, frontend: { app: "./page" } });
    const headers = { authorization: "Bearer " + (await stack.token("works")) };
    answers[name] = await (await fetch(stack.apiUrl + "/api/httpTrigger1", { headers })).text();
    await stack.signIn("works");
    await stack.close();
  }
  console.log(JSON.stringify(answers));`;

/** Apps of a stranger, and a script, by path. */
export const FILES: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({ name: "stranger", private: true }),
  ...FUNCTIONS_APPS,
  ...TUTORIAL,
  ...PAGE,
  "try.mjs": TRY,
};
