import { API, type Registration, TENANT_ID } from "easy-auth-local";
import type { Answer } from "easy-auth-local/parts";
import { STORAGE } from "easy-auth-local/parts";
import type { ServiceRequest } from "../support/azure-service.ts";

/** A service of Azure as its clients see it. */
export interface Service {
  readonly name: string;
  readonly host: string;
  readonly registration: Registration;
  /** Answers a request without faults, and names the token's user. */
  succeed(request: ServiceRequest): Answer;
  /** Number of requests that a successful call takes. */
  readonly requests: number;
}

const json = (status: number, body: object, headers = {}): Answer => ({
  status,
  headers: { "content-type": "application/json", "x-ms-request-id": "id-1", ...headers },
  body: JSON.stringify(body),
});

/** An error as Key Vault and Resource Manager word it: https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret#error */
export const refusal = (status: number, code: string, headers = {}): Answer =>
  json(status, { error: { code, message: "about someone" } }, headers);

/** https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses#unauthorized-response */
export function vaultChallenge(tenantId = TENANT_ID, resource = "https://vault.azure.net"): Answer {
  const challenge = `Bearer authorization="https://login.microsoftonline.com/${tenantId}", resource="${resource}"`;
  return refusal(401, "Unauthorized", { "www-authenticate": challenge });
}

export const VAULT: Service = {
  name: "secrets",
  host: "contoso.vault.azure.net",
  registration: {
    ...STORAGE,
    preAuthorizedApplications: [API.clientId],
    clientId: "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
    displayName: "Azure Key Vault",
    identifierUris: ["https://vault.azure.net"],
  },
  // https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret
  succeed: ({ token, objectId, path }) =>
    token
      ? json(200, { value: objectId, id: `https://contoso.vault.azure.net${path.split("?")[0]}`, attributes: {} })
      : vaultChallenge(),
  requests: 3,
};

export const RESOURCE_MANAGER: Service = {
  name: "subscriptions",
  host: "management.azure.com",
  registration: {
    ...STORAGE,
    preAuthorizedApplications: [API.clientId],
    clientId: "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    displayName: "Windows Azure Service Management API",
    identifierUris: ["https://management.azure.com"],
  },
  // https://learn.microsoft.com/rest/api/resources/subscriptions/list
  succeed: ({ objectId, path }) => {
    const next = "https://management.azure.com/subscriptions?api-version=2022-12-01&$skiptoken=2";
    return json(200, { value: [{ displayName: objectId }], ...(!path.includes("skiptoken") && { nextLink: next }) });
  },
  requests: 2,
};
