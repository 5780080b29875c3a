import document from "virtual:openapi";
import { app } from "@azure/functions";
import { endpoint } from "../http/endpoint.ts";
import type { Operation } from "../http/operation.ts";

/** The description of this API for programs, made by the build from what the endpoints declare: docs/openapi.md. Public. */
app.http("openapi", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  route: "openapi.json",
  handler: endpoint(async () => ({
    headers: { "content-type": "application/json", "cache-control": "public, max-age=3600" },
    body: document,
  })),
});

export const operation: Operation = { summary: "This document", json: { type: "object" } };
