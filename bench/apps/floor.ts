import { app } from "@azure/functions";
import { profileOf } from "./graph-with-token.ts";

/** The least a Functions app can do for the same answer: nothing verified, nothing retried, nothing bounded. */
app.http("profile", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: async ({ headers }) => ({ jsonBody: await profileOf(headers.get("authorization") ?? "") }),
});
