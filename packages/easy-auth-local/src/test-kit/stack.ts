import { afterAll, onTestFinished } from "vitest";
import { API } from "../directory/directory.ts";
import type { Service } from "../faults/fault.ts";
import type { HostLog } from "../functions-host/host.ts";
import type { Exchanged } from "../http/router.ts";
import { type Stack, type StackOptions, startStack as startWholeStack } from "../stack/stack.ts";
import type { StorageRequest } from "../storage/access.ts";
import { Browser } from "./browser.ts";
import { type RecordedRequest, recordRequest } from "./recorded-request.ts";

export type { RecordedRequest } from "./recorded-request.ts";

/** A running stack, with what a test needs to drive it and to look into it. */
export interface TestStack extends Stack {
  /** A browser in which the account has signed in at the frontend. Throws when the sign-in does not lead there. */
  signIn(account: string): Promise<Browser>;
  /** An access token for the API, as the frontend's sign-in would hold it. `changes` replaces claims. */
  token(account: string, changes?: Readonly<Record<string, unknown>>): Promise<string>;
  /** What Entra and Graph were asked, in the order of their answers. */
  readonly requests: readonly RecordedRequest[];
  /** Those of `requests` that Entra's token endpoint answered. */
  readonly tokenRequests: readonly RecordedRequest[];
  /** Those of `requests` that Graph answered. */
  readonly graphRequests: readonly RecordedRequest[];
  /** What users asked of Storage, with `files`, before it is answered. */
  readonly storageRequests: readonly StorageRequest[];
  /** What the function app and its host logged. */
  readonly logs: readonly HostLog[];
}

const open = new Set<TestStack>();

// On import, and so for the whole file: Vitest takes no afterAll from within a beforeAll.
afterAll(() => closeAll());

/**
 * Starts the whole chain on free ports, with the app that was built last. Stops by itself: when the test ends that started
 * it, or, started in `beforeAll` or outside of tests, when the file's tests have ended. One at a time in a file, since
 * requests for Microsoft's addresses are routed for the whole process; `close()` ends it earlier.
 */
export async function startStack(options: StackOptions = {}): Promise<TestStack> {
  if (open.size > 0) throw new Error("A stack is still running in this file: close it before you start another.");
  const logs: HostLog[] = [];
  const requests: RecordedRequest[] = [];
  const storageRequests: StorageRequest[] = [];
  const started = await startWholeStack({
    ...options,
    onLog: (log) => {
      logs.push(log);
      options.onLog?.(log);
    },
    onExchange: (service: Service, exchanged: Exchanged) => {
      requests.push(recordRequest(service, exchanged));
      options.onExchange?.(service, exchanged);
    },
    onStorageRequest: (request) => {
      storageRequests.push(request);
      options.onStorageRequest?.(request);
    },
  });
  const stack = withTools(started, { logs, requests, storageRequests });
  open.add(stack);
  stopWithTest(stack);
  return stack;
}

type Recorded = Pick<TestStack, "logs" | "requests" | "storageRequests">;

function withTools(stack: Stack, recorded: Recorded): TestStack {
  const { requests } = recorded;
  const testStack: TestStack = {
    ...stack,
    ...recorded,
    get tokenRequests() {
      return requests.filter(({ url }) => url.pathname.endsWith("/oauth2/v2.0/token"));
    },
    get graphRequests() {
      return requests.filter(({ service }) => service === "graph");
    },
    signIn: (account) => signIn(stack, account),
    token: async (key, changes) => {
      const account = stack.directory.accountByKey(key);
      if (!account) throw new Error(`The directory has no account ${key}.`);
      return stack.issuer.apiToken({ account, audience: API, scope: "user_impersonation" }, changes);
    },
    close: async () => {
      open.delete(testStack);
      await stack.close();
    },
  };
  return testStack;
}

async function signIn({ frontendUrl }: Stack, account: string): Promise<Browser> {
  const browser = new Browser(frontendUrl);
  const { url, response } = await browser.signIn("/", account);
  if (url === `${frontendUrl}/` && response.ok) return browser;
  throw new Error(`Signing in as ${account} led to ${url.replace(/\?.*/, "")} with status ${response.status}.`);
}

function stopWithTest(stack: TestStack): void {
  try {
    onTestFinished(() => stack.close());
  } catch {
    // Not in a test: the file's end stops it.
  }
}

async function closeAll(): Promise<void> {
  for (const stack of open) await stack.close();
}
