import { app } from "@azure/functions";
import { endpoint } from "../http/endpoint.ts";

/** For probes: the app is loaded and its settings are well-formed. No token needed, no details given. */
app.http("health", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: endpoint(async () => ({ jsonBody: { status: "ok" } })),
});
