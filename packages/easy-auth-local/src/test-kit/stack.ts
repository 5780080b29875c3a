import type { AppConfiguration, Configuration } from "../configuration/configuration.ts";
import { absolute, readConfiguration } from "../configuration/read-configuration.ts";
import type { Registration } from "../directory/registration.ts";
import type { Service } from "../faults/fault.ts";
import type { HostLog } from "../functions-host/host.ts";
import type { AnsweredRequest } from "../http/router.ts";
import { type Stack, type StackOptions, startStack as startWholeStack } from "../stack/stack.ts";
import type { StorageRequest } from "../storage/access.ts";
import { Browser } from "./browser.ts";
import { type RecordedRequest, recordRequest } from "./recorded-request.ts";

export { readConfiguration } from "../configuration/read-configuration.ts";
export { Browser } from "./browser.ts";
export type { RecordedRequest } from "./recorded-request.ts";

/** Folder, address or port of an app, or its whole configuration. */
type TestApp = string | number | AppConfiguration;

export interface TestStackOptions extends Omit<StackOptions, "api" | "frontend"> {
  readonly api?: TestApp;
  readonly frontend?: TestApp;
  /** Configuration, or the path of its file. The other options replace members of it. */
  readonly config?: string | Configuration;
}

/** A running stack, with what a test needs to drive it and to look into it. */
export interface TestStack extends Stack {
  /** Returns a browser in which the account has signed in at the frontend. Rejects when the sign-in does not lead there. */
  signIn(account: string): Promise<Browser>;
  /** Returns an access token for the API, as the frontend's sign-in would hold it. `changes` replaces claims. */
  token(account: string, changes?: Readonly<Record<string, unknown>>): Promise<string>;
  /**
   * Consents to scopes, spelled as in a `scope` parameter, for an app by the name of its registration (default: the API): for
   * one account by its key, or for everyone, as an administrator does.
   */
  consent(scopes: string | readonly string[], options?: { readonly app?: string; readonly account?: string }): void;
  /** Requests that Entra and Graph answered, in the order of their answers. */
  readonly requests: readonly RecordedRequest[];
  /** Requests that Entra's token endpoint answered. */
  readonly tokenRequests: readonly RecordedRequest[];
  /** Requests that Graph answered. */
  readonly graphRequests: readonly RecordedRequest[];
  /** Requests of users to Storage, with `files`, before they are answered. */
  readonly storageRequests: readonly StorageRequest[];
  /** Lines that the Functions app and its host logged. */
  readonly logs: readonly HostLog[];
  /** Lines in which the gates explained refusals and failures, such as `API gate refused: …`. */
  readonly gateLines: readonly string[];
}

/**
 * Starts a stack for a test, on free ports: of any app, by folder, address or a server in this process. One at a time in a
 * process, since requests for Microsoft's addresses are routed for all of it. `close()` ends it.
 */
export async function startStack(options: TestStackOptions = {}): Promise<TestStack> {
  const logs: HostLog[] = [];
  const gateLines: string[] = [];
  const requests: RecordedRequest[] = [];
  const storageRequests: StorageRequest[] = [];
  const started = await startWholeStack({
    ...(await stackOptions(options)),
    onLog: (log) => {
      logs.push(log);
      options.onLog?.(log);
    },
    onGateLine: (line) => {
      gateLines.push(line);
      options.onGateLine?.(line);
    },
    onAnswered: (service: Service, answered: AnsweredRequest) => {
      requests.push(recordRequest(service, answered));
      options.onAnswered?.(service, answered);
    },
    onStorageRequest: (request) => {
      storageRequests.push(request);
      options.onStorageRequest?.(request);
    },
  });
  return withTools(started, { logs, gateLines, requests, storageRequests });
}

/** Puts options over those of the configuration. */
async function stackOptions({ api, frontend, config = {}, ...options }: TestStackOptions): Promise<StackOptions> {
  const configuration = typeof config === "string" ? await readConfiguration(config) : config;
  return {
    ...configuration,
    ...options,
    ...(api !== undefined && { api: { ...configuration.api, ...appOf(api) } }),
    ...(frontend !== undefined && { frontend: { ...configuration.frontend, ...appOf(frontend) } }),
  };
}

function appOf(app: TestApp): AppConfiguration {
  return typeof app === "object" ? app : { app: absolute(app, process.cwd()) };
}

type Recorded = Pick<TestStack, "logs" | "gateLines" | "requests" | "storageRequests">;

function withTools(stack: Stack, recorded: Recorded): TestStack {
  const { requests } = recorded;
  return {
    ...stack,
    ...recorded,
    get tokenRequests() {
      return requests.filter(({ url }) => url.pathname.endsWith("/oauth2/v2.0/token"));
    },
    get graphRequests() {
      return requests.filter(({ service }) => service === "graph");
    },
    signIn: (account) => signIn(stack, account),
    token: async (key, changes) =>
      stack.issuer.apiToken({ ...stack.apiSignIn, account: accountOf(stack, key) }, changes),
    consent: (scopes, { app, account } = {}) => {
      const client = app === undefined ? stack.apiSignIn.audience : registrationOf(stack, app);
      const user = account === undefined ? undefined : accountOf(stack, account);
      for (const scope of [scopes].flat().flatMap((text) => text.split(" "))) {
        const found = stack.directory.resourceOf(scope);
        const permissions = found
          ? { resource: found.registration, names: found.name.split(" ") }
          : { names: [scope.slice(scope.lastIndexOf("/") + 1)] };
        stack.directory.consents.grant(client, permissions, user);
      }
    },
  };
}

function accountOf({ directory }: Stack, key: string) {
  const account = directory.accountByKey(key);
  if (!account) throw new Error(`The directory has no account ${key}.`);
  return account;
}

function registrationOf({ registrations }: Stack, name: string): Registration {
  const registration = registrations.get(name);
  if (!registration) throw new Error(`No registration ${name}. There are: ${[...registrations.keys()].join(", ")}.`);
  return registration;
}

async function signIn({ frontendUrl }: Stack, account: string): Promise<Browser> {
  const browser = new Browser(frontendUrl);
  const { url, response } = await browser.signIn("/", account);
  if (url === `${frontendUrl}/` && response.ok) return browser;
  throw new Error(`Signing in as ${account} led to ${url.replace(/\?.*/, "")} with status ${response.status}.`);
}
