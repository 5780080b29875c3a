import type { Exchanged } from "../../emulator/router.ts";
import type { StackOptions } from "../../emulator/stack.ts";
import { type TestStack as Stack, startStack } from "../../emulator/test-kit/stack.ts";

/** The kit's stack, with the requests as the emulators' routers tell them. New tests use the kit itself. */
export interface TestStack extends Omit<Stack, "tokenRequests" | "graphRequests"> {
  readonly tokenRequests: readonly Exchanged[];
  readonly graphRequests: readonly Exchanged[];
}

export async function startTestStack(options: StackOptions = {}): Promise<TestStack> {
  const exchanged = { entra: [] as Exchanged[], graph: [] as Exchanged[] };
  const stack = await startStack({ ...options, onExchange: (service, one) => exchanged[service].push(one) });
  return {
    ...stack,
    get tokenRequests() {
      return exchanged.entra.filter(({ request }) => request.url.pathname.endsWith("/oauth2/v2.0/token"));
    },
    graphRequests: exchanged.graph,
  };
}
