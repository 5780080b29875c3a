import { app } from "@azure/functions";
import { JsonResponse } from "../../src/http/json-response.ts";
import { profileOf } from "./graph-with-token.ts";

/**
 * The least a Functions app can do for the same answer: no verification, no retries, no limits. Its JSON bypasses the
 * web stream, as ours does.
 */
app.http("profile", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: async ({ headers }) => new JsonResponse({ jsonBody: await profileOf(headers.get("authorization") ?? "") }),
});
