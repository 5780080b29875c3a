import { afterAll, onTestFinished } from "vitest";
import { startStack as start, type TestStack, type TestStackOptions } from "./stack.ts";

export { Browser } from "./browser.ts";
export type { RecordedRequest, TestStack, TestStackOptions } from "./stack.ts";

const open = new Set<TestStack>();

// On import, and so for the whole file: Vitest takes no afterAll from within a beforeAll.
afterAll(async () => {
  for (const stack of open) await stack.close();
});

/**
 * Starts a stack for Vitest. It stops by itself: when the test that started it ends, or, started in `beforeAll` or outside of
 * tests, when the file's tests have ended. One at a time in a file, since requests for Microsoft's addresses are routed for
 * the whole process; `close()` ends it earlier.
 */
export async function startStack(options: TestStackOptions = {}): Promise<TestStack> {
  if (open.size > 0) throw new Error("A stack is still running in this file: close it before you start another.");
  const started = await start(options);
  const stack = Object.create(started, {
    close: {
      value: async () => {
        open.delete(stack);
        await started.close();
      },
    },
  }) as TestStack;
  open.add(stack);
  try {
    onTestFinished(() => stack.close());
  } catch {
    // Not in a test: the file's end stops it.
  }
  return stack;
}
