import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";

const PRELOAD = new URL("../dist/preload.js", import.meta.url).href;

/** Runs a process with the preload; returns its status and everything that it printed. */
function runWith(env: Record<string, string>): { status: number | null; output: string } {
  const script = 'fetch("https://graph.microsoft.com/").catch(({ cause }) => console.log(cause.code))';
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--import", PRELOAD, "--eval", script], {
    env: { PATH: process.env.PATH, ...env },
    encoding: "utf8",
  });
  return { status, output: `${stdout}${stderr}` };
}

const EMULATED = { EMULATED_ENTRA_URL: "http://localhost:9", EMULATED_GRAPH_URL: "http://localhost:9" };

describe("the preload", () => {
  test("routes a process's requests for Microsoft to the emulators", () => {
    expect(runWith(EMULATED)).toEqual({ status: 0, output: "ECONNREFUSED\n" });
  });

  test.each(["WEBSITE_SITE_NAME", "WEBSITE_INSTANCE_ID"])("does not load in App Service (%s)", (name) => {
    const { status, output } = runWith({ ...EMULATED, [name]: "x" });
    expect(status).not.toBe(0);
    expect(output).toContain(`${name} is set`);
  });

  test.each(["EMULATED_ENTRA_URL", "EMULATED_GRAPH_URL"])("refuses a value of %s on another machine", (name) => {
    const { status, output } = runWith({ ...EMULATED, [name]: "http://localhost.evil.example" });
    expect(status).not.toBe(0);
    expect(output).toContain("is not an emulator on this machine");
  });
});
