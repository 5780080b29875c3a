import { app } from "@azure/functions";
import { endpoint } from "../http/endpoint.ts";

/** The route for probes: the app is loaded and its settings are well-formed. Takes no token and gives no details. */
app.http("health", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: endpoint(async () => ({ jsonBody: { status: "ok" } })),
});
