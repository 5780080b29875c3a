import { app } from "@azure/functions";
import { asUser, credentialFor } from "../../../src/app.ts";

app.http("secrets", {
  methods: ["GET"],
  authLevel: "anonymous",
  handler: asUser(["https://vault.azure.net/user_impersonation"], async (user, { query }) => {
    const { SecretClient } = await import("@azure/keyvault-secrets");
    const retryOptions = { maxRetries: Number(query.get("retries")) };
    const vault = new SecretClient("https://contoso.vault.azure.net", credentialFor(user), { retryOptions });
    const { signal: abortSignal } = user.deadline;
    const first = await vault.getSecret("first", { abortSignal });
    const second = await vault.getSecret("second", { abortSignal });
    return { jsonBody: [first.value, second.value] };
  }),
});
