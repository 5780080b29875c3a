import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestStack } from "../../../../test/support/stack.ts";

let stack: TestStack;

// Vitest runs the hook that was registered last first, so this one runs after the kit's own.
afterAll(() => expect(fetch(`${stack.apiUrl}/api/health`)).rejects.toThrow("fetch failed"));
const { startStack } = await import("../../../../test/support/stack.ts");
afterAll(async () => expect((await fetch(`${stack.apiUrl}/api/health`)).status).toBe(200));

beforeAll(async () => {
  stack = await startStack();
});

test.each([1, 2])("a stack started in beforeAll runs until the file's tests have ended (%i of 2)", async () => {
  expect((await fetch(`${stack.apiUrl}/api/health`)).status).toBe(200);
});
