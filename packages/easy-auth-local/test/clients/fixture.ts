import { afterAll, beforeAll, inject } from "vitest";
import {
  type Account,
  API,
  AUTHORITY_ORIGIN,
  createDirectory,
  type Directory,
  type Registration,
  TENANT_ID,
} from "../../src/directory/directory.ts";
import { createSigningKeys, type SigningKeys } from "../../src/entra/keys.ts";
import { type EntraServer, startEntra } from "../../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../src/entra/tokens.ts";
import { type GraphServer, startGraph } from "../../src/graph/server.ts";
import { readCertificate } from "../../src/http/certificate.ts";
import type { AnsweredRequest } from "../../src/http/router.ts";
import { routeMicrosoftOrigins } from "../../src/routing/microsoft-origins.ts";

export const ISSUER = `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`;
export const API_SCOPE = `${API.identifierUris[0]}/user_impersonation`;

/** A server-side app: it signs users in, calls the API and Graph. */
export const WEB = {
  clientId: "44445555-eeee-6666-ffff-777788889999",
  displayName: "Web app",
  redirectUris: { web: ["http://localhost/signed-in", "http://localhost/callback", "http://localhost/signin-oidc"] },
  clientSecrets: ["web-app-secret"],
  delegatedPermissions: ["User.Read", API_SCOPE],
} as const satisfies Registration;

/** A single-page app, with two pages. */
export const SPA = {
  clientId: "55556666-ffff-7777-aaaa-888899990000",
  displayName: "Single-page app",
  redirectUris: { spa: ["http://localhost/", "http://localhost/redirect.html"] },
  delegatedPermissions: ["User.Read", API_SCOPE],
} as const satisfies Registration;

/** A program on a device. */
export const NATIVE = {
  clientId: "66667777-aaaa-8888-bbbb-999900001111",
  displayName: "Native app",
  redirectUris: { publicClient: ["http://localhost"] },
  isFallbackPublicClient: true,
  delegatedPermissions: ["User.Read", API_SCOPE],
} as const satisfies Registration;

/** An app without users. */
export const DAEMON = {
  clientId: "77778888-bbbb-9999-cccc-000011112222",
  displayName: "Daemon",
  clientSecrets: ["daemon-secret"],
  applicationPermissions: ["User.Read.All", `${API.identifierUris[0]}/Tasks.Run`],
} as const satisfies Registration;

const API_WITH_ROLES: Registration = { ...API, appRoles: [{ value: "Tasks.Run" }, { value: "Reader" }] };

/** Entra and Graph for the clients of one test file. */
export interface Surroundings {
  readonly directory: Directory;
  readonly keys: SigningKeys;
  readonly issuer: TokenIssuer;
  readonly entra: EntraServer;
  readonly graph: GraphServer;
  /** Requests that Entra and Graph answered, in the order of their answers. */
  readonly answered: readonly AnsweredRequest[];
  account(key: string): Account;
  /** Returns the http address on this machine for one of Microsoft's, or for one over https. */
  onLoopback(url: URL | string): string;
}

/** Starts Entra and Graph before the file's tests, and routes this process's requests for Microsoft there. */
export function surroundings(more: readonly Registration[] = []): Surroundings {
  const answered: AnsweredRequest[] = [];
  const started = {} as Omit<Surroundings, "exchanged" | "account" | "onLoopback">;
  let unroute: () => Promise<void>;
  beforeAll(async () => {
    const directory = createDirectory({ registrations: [API_WITH_ROLES, WEB, SPA, NATIVE, DAEMON, ...more] });
    const stateFolder = inject("stateFolder");
    const [keys, certificate] = await Promise.all([createSigningKeys(stateFolder), readCertificate(stateFolder)]);
    const issuer = createTokenIssuer(keys);
    const onAnswered = (one: AnsweredRequest) => answered.push(one);
    const entra = await startEntra({ directory, issuer, https: certificate, onAnswered });
    const graph = await startGraph({ directory, keys, certificate, onAnswered });
    unroute = routeMicrosoftOrigins({ entra: entra.url, graph: graph.url });
    Object.assign(started, { directory, keys, issuer, entra, graph });
  });
  afterAll(() => Promise.all([started.entra.close(), started.graph.close(), unroute()]));
  return Object.assign(started, {
    answered,
    account: (key: string) => accountOf(started.directory, key),
    onLoopback: (url: URL | string) => {
      const { url: plain, https } = started.entra;
      return String(url)
        .replace(AUTHORITY_ORIGIN, plain)
        .replace(https?.url ?? "", plain);
    },
  });
}

function accountOf(directory: Directory, key: string): Account {
  const account = directory.accountByKey(key);
  if (!account) throw new Error(`The directory has no account ${key}.`);
  return account;
}
