import type { HostLog } from "../../emulator/functions-host/host.ts";
import type { Exchanged } from "../../emulator/router.ts";
import { type Stack, type StackOptions, startStack } from "../../emulator/stack.ts";

/** A stack on free ports that remembers what was logged, and what Entra and Graph were asked. */
export interface TestStack extends Stack {
  readonly logs: readonly HostLog[];
  /** Requests that Entra's token endpoint answered. */
  readonly tokenRequests: readonly Exchanged[];
  readonly graphRequests: readonly Exchanged[];
}

export async function startTestStack(options: StackOptions = {}): Promise<TestStack> {
  const logs: HostLog[] = [];
  const exchanged = { entra: [] as Exchanged[], graph: [] as Exchanged[] };
  const stack = await startStack({
    ...options,
    onLog: (log) => logs.push(log),
    onExchange: (service, one) => exchanged[service].push(one),
  });
  return {
    ...stack,
    logs,
    get tokenRequests() {
      return exchanged.entra.filter(({ request }) => request.url.pathname.endsWith("/oauth2/v2.0/token"));
    },
    graphRequests: exchanged.graph,
  };
}
