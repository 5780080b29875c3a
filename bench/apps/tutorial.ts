import { app } from "@azure/functions";
import { Client } from "@microsoft/microsoft-graph-client";
import { createMsal, seed as seedCache } from "../msal.ts";
import { GRAPH_SCOPES } from "../tokens.ts";

const BEARER_LENGTH = "Bearer ".length;
const msal = createMsal();

/** Puts these users into MSAL's cache. */
export function seed(assertions: readonly string[]): Promise<void> {
  return seedCache(msal, assertions);
}

/**
 * The handler of Microsoft's tutorial, with MSAL's client in module scope so that its cache survives the request:
 * https://learn.microsoft.com/azure/app-service/tutorial-connect-app-app-graph-javascript
 */
app.http("profile", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: async ({ headers }) => {
    const oboAssertion = headers.get("authorization")?.slice(BEARER_LENGTH) ?? "";
    const result = await msal.acquireTokenOnBehalfOf({ oboAssertion, scopes: [...GRAPH_SCOPES] });
    const graph = Client.init({ authProvider: (done) => done(null, result?.accessToken ?? null) });
    return { jsonBody: await graph.api("/me").get() };
  },
});
