import { describe, expect, test } from "vitest";
import { exitCode, run, startCommand, urlOf } from "../support/command.ts";

describe("npm run token", () => {
  test("prints a token for the API and nothing else", async () => {
    const entra = await urlOf(startCommand(), /^Entra ID emulator/);
    const script = run("npm", ["run", "--silent", "token", "--", "sparse", "--entra", entra]);
    expect(await exitCode(script)).toBe(0);
    expect(script.output()).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });
});
