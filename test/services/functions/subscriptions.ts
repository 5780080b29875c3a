import { app } from "@azure/functions";
import { asUser, credentialFor } from "../../../src/app.ts";

app.http("subscriptions", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["https://management.azure.com/user_impersonation"], async (user, { query }) => {
    const { SubscriptionClient } = await import("@azure/arm-resources-subscriptions");
    const retryOptions = { maxRetries: Number(query.get("retries")) };
    const { subscriptions } = new SubscriptionClient(credentialFor(user), { retryOptions });
    const names: (string | undefined)[] = [];
    for await (const { displayName } of subscriptions.list({ abortSignal: user.deadline.signal }))
      names.push(displayName);
    return { jsonBody: names };
  }),
});
