import { textAt } from "./bicep.ts";
import type { Infra } from "./infra.ts";
import type { Rule } from "./structure-rules.ts";

/** What `resources.bicep` has to hand on to which module: a wrong one of these compiles, and opens something. */
export const WIRING_RULES = {
  "rights are the API's identity's": (infra) => [
    ...given(infra, "monitoring", { publisherPrincipalId: "apiIdentity.outputs.principalId" }),
    ...given(infra, "storage", { ownerPrincipalId: "apiIdentity.outputs.principalId" }),
  ],
  "each registration trusts its own app's identity": (infra) => [
    ...given(infra, "entra", {
      apiPrincipalId: "apiIdentity.outputs.principalId",
      frontendPrincipalId: "frontendIdentity.outputs.principalId",
    }),
    ...given(infra, "api", { identityClientId: "apiIdentity.outputs.clientId" }),
    ...given(infra, "frontend", { identityClientId: "frontendIdentity.outputs.clientId" }),
  ],
  "what is asked to be private is": (infra) => [
    ...given(infra, "storage", { isPrivate: "isStoragePrivate" }),
    ...given(infra, "api", { isPrivate: "isApiPrivate" }),
  ],
  "the API's clients are the frontend and those that are named": (infra) =>
    given(infra, "apiEasyAuth", { allowedClientIds: "union([frontendApplicationId], extraClientIds)" }),
  "the frontend calls this API, over HTTPS": (infra) => [
    ...given(infra, "frontend", { backendUrl: "'https://${apiSiteName}.${cloud.sites}'" }),
    ...given(infra, "frontendEasyAuth", { apiScope: "'${apiUri}/user_impersonation'" }),
  ],
  "Easy Auth trusts this tenant's issuer": (infra) => [
    ...given(infra, "apiEasyAuth", { issuer: "issuer", clientId: "apiApplicationId", audience: "apiUri" }),
    ...given(infra, "frontendEasyAuth", { issuer: "issuer", clientId: "frontendApplicationId" }),
  ],
} satisfies Record<string, Rule>;

function given(infra: Infra, module: string, wanted: Readonly<Record<string, string>>): string[] {
  const { body } = infra.files.get("resources.bicep")?.modules.find(({ name }) => name === module) ?? {};
  return Object.entries(wanted).flatMap(([name, value]) => {
    const text = textAt(body, `params.${name}`);
    return text === value ? [] : [`resources.bicep: ${module} is given ${text} as ${name}, not ${value}`];
  });
}
