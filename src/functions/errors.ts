import { app } from "@azure/functions";
import errorsPage from "../../docs/errors.md";
import { endpoint } from "../http/endpoint.ts";
import type { Operation } from "../http/operation.ts";

/** The page that the `type` of every problem links to: the meaning of each code, and who fixes it how. Public. */
app.http("errors", {
  methods: ["GET", "HEAD"],
  authLevel: "anonymous",
  handler: endpoint(async () => ({
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "public, max-age=3600",
      "content-security-policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    },
    body: errorsPage,
  })),
});

export const operation: Operation = {
  summary: "What each code of a failure means, and who can fix it",
  responses: { 200: { description: "A page for people", content: { "text/html": {} } } },
};
