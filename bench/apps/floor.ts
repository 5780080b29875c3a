import { app } from "@azure/functions";
import { JsonResponse } from "../../src/http/json-response.ts";
import { profileOf } from "./graph-with-token.ts";

/**
 * The least a Functions app can do for the same answer: nothing verified, nothing retried, nothing bounded. Its JSON does not
 * pass through a web stream either, as ours does not.
 */
app.http("profile", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: async ({ headers }) => new JsonResponse({ jsonBody: await profileOf(headers.get("authorization") ?? "") }),
});
