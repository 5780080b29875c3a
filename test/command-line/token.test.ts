import { describe, expect, test } from "vitest";
import { exitCode, start } from "../support/command.ts";

describe("npm run token", () => {
  test("prints a token for the API and nothing else", async () => {
    const stack = start("packages/easy-auth-local/src/command/main.ts", ["--free-ports"]);
    const entra = /http:\S+/.exec(await stack.line(/^Entra ID emulator/))?.[0] ?? "";
    const script = start("scripts/token.ts", ["sparse", "--entra", entra]);
    expect(await exitCode(script)).toBe(0);
    expect(script.output()).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  test("says so when the stack is not running", async () => {
    const script = start("scripts/token.ts", ["--entra", "http://localhost:9"]);
    expect(await exitCode(script)).toBe(1);
    expect(script.output()).toContain("npm start");
  });
});
