import { describe, expect, test } from "vitest";
import { exitCode, run } from "../support/command.ts";
import { startStack } from "../support/stack.ts";

describe("npm run token", () => {
  test("prints a token for the API and nothing else", async () => {
    const { entraUrl } = await startStack();
    const script = run("npm", ["run", "--silent", "token", "--", "sparse", "--entra", entraUrl]);
    expect(await exitCode(script)).toBe(0);
    expect(script.output()).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });
});
