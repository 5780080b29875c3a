import http from "node:http";
import { listenOnLoopback } from "easy-auth-local/parts";
import { vi } from "vitest";

/** App Service's endpoint for managed identities, with one identity and answers that a test chooses. */
export interface IdentityEndpoint {
  /** Requests in order of arrival. */
  readonly asked: { readonly query: URLSearchParams; readonly headers: http.IncomingHttpHeaders }[];
  /** Answers the next requests instead of a token. */
  answer: ((response: http.ServerResponse) => void) | undefined;
  /** Makes the token for each request by default. */
  token: () => Promise<string>;
  /** Required value of `X-IDENTITY-HEADER`; by default the value that MSAL has. */
  header: string | undefined;
  /** Lifetime of a token in seconds. */
  lifetime: number;
  close(): Promise<void>;
}

const HEADER = "header-of-this-test";

/**
 * Starts the endpoint (protocol version 2019-08-01:
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference) and sets the
 * variables by which MSAL finds it. MSAL reads them once in a process, so a test file starts one.
 */
export async function startIdentityEndpoint(clientId: string): Promise<IdentityEndpoint> {
  const server = http.createServer(async (request, response) => {
    const { searchParams: query } = new URL(request.url ?? "", "http://localhost");
    endpoint.asked.push({ query, headers: request.headers });
    if (endpoint.answer) return endpoint.answer(response);
    if (request.headers["x-identity-header"] !== (endpoint.header ?? HEADER))
      return answerJson(response, 401, { statusCode: 401 });
    if (query.get("api-version") !== "2019-08-01" || query.get("client_id") !== clientId) {
      const message = "No User Assigned or Delegated Managed Identity found for specified ClientId";
      return answerJson(response, 400, { statusCode: 400, message });
    }
    const expires_on = String(Math.floor(Date.now() / 1000) + endpoint.lifetime);
    const resource = query.get("resource");
    const access_token = await endpoint.token();
    return answerJson(response, 200, { access_token, expires_on, resource, token_type: "Bearer", client_id: clientId });
  });
  const listening = await listenOnLoopback(server, 0);
  vi.stubEnv("IDENTITY_ENDPOINT", `${listening.url}/msi/token`);
  vi.stubEnv("IDENTITY_HEADER", HEADER);
  const endpoint: IdentityEndpoint = {
    asked: [],
    answer: undefined,
    token: async () => "identity-token",
    header: undefined,
    lifetime: 86_400,
    close: () => {
      vi.unstubAllEnvs();
      server.closeAllConnections();
      return listening.close();
    },
  };
  return endpoint;
}

export function answerJson(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
