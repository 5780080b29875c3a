import { app } from "@azure/functions";
import { endpoint } from "../http/endpoint.ts";
import type { Operation } from "../http/operation.ts";

/** The route for probes. Its 200 says that the app is loaded and its settings are well-formed. Takes no token. */
app.http("health", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: endpoint(async () => ({ jsonBody: { status: "ok" } })),
});

export const operation: Operation = {
  summary: "Whether the app is loaded",
  json: { type: "object", required: ["status"], properties: { status: { const: "ok" } } },
};
