import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { makePageFolder } from "./fixture.ts";

let folder: string;
const SERVER = "server.mjs";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "frontend-"));
  await build({
    entryPoints: ["frontend/main.ts"],
    outfile: join(folder, SERVER),
    bundle: true,
    format: "esm",
    platform: "node",
  });
});

afterAll(() => rmSync(folder, { recursive: true }));

describe("the built frontend", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("serves its page, and stops on %s with exit code 0", async (signal) => {
    cpSync(makePageFolder(), join(folder, "page"), { recursive: true });
    const frontend = start({ BACKEND_URL: "https://api.example.net", PORT: "0" });
    const port = await portOf(frontend);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    expect(await page.text()).toBe("(index.html)");
    frontend.kill(signal);
    expect(await once(frontend, "exit")).toEqual([0, null]);
  });

  test("names the settings it lacks, without a stack trace, and exits with code 1", async () => {
    const frontend = start({ PORT: "eighty" });
    const [message, [code]] = await Promise.all([text(frontend.stderr), once(frontend, "exit")]);
    expect(code).toBe(1);
    expect(message).toMatch(
      /^The frontend cannot start.*\n {2}- BACKEND_URL is missing.*\n {2}- PORT is not a port.*\n$/,
    );
  });
});

function start(
  environment: Record<string, string>,
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const child = spawn(process.execPath, [join(folder, SERVER)], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function portOf(frontend: { stdout: NodeJS.ReadableStream }): Promise<string | undefined> {
  const [line] = (await once(createInterface({ input: frontend.stdout }), "line")) as [string];
  return /port (\d+)/.exec(line)?.[1];
}
