import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SAMPLE_FILES } from "easy-auth-local";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { commandLine, exitCode, ROOT, type Running, run, startCommand, urlOf } from "../support/command.ts";

/** Makes a folder whose `npm start` starts the command without building first. */
function startsTheCommand(): string {
  const folder = mkdtempSync(join(tmpdir(), "npm-start-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const words = commandLine().map((word) => JSON.stringify(word));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts: { start: `exec ${words.join(" ")}` } }));
  return folder;
}

describe("npm start", () => {
  test("builds, prints its addresses, then Ready; SIGINT to npm alone stops all of it with exit code 0", async () => {
    const running = run("npm", ["start", "--", "--free-ports"]);
    await running.line(/^Ready/);
    const lines = running
      .output()
      .split("\n")
      .filter((one) => one !== "");
    expect(lines.at(-1)).toMatch(/^Ready: open http:\/\/localhost:\d+/);
    expect(running.output()).not.toMatch(/Azure Storage emulator|\[GET\] \S+\/files/);
    expect(running.output()).toMatch(/profile: \[GET.*\] http:\/\/localhost:\d+\/api\/profile/);
    const frontend = await urlOf(running, /^Frontend listens/);
    running.child.kill("SIGINT");
    expect(await exitCode(running)).toBe(0);
    if (frontend !== "") await expect(fetch(frontend)).rejects.toThrow();
  });

  test("ends all of it when npm is killed without warning", async () => {
    const running = run("npm", ["start", "--prefix", startsTheCommand()]);
    await running.line(/^Ready/);
    const entra = await urlOf(running, /^Entra ID emulator/);
    running.child.kill("SIGKILL");
    await vi.waitFor(() => expect(fetch(entra)).rejects.toThrow(), 10_000);
  });

  test("builds the package before it starts it", () => {
    const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { scripts: Record<string, string> };
    expect(scripts.start).toBe("node packages/easy-auth-local/scripts/build.mjs && exec easy-auth-local");
  });
});

/** Returns the address of the frontend, which runs in a process of its own. */
function frontendOf(running: Running): string {
  return `http://localhost:${/listens on port (\d+)/.exec(running.output())?.[1]}`;
}

describe("easy-auth-local", () => {
  test("with --trace prints each request and the requests that it caused, and the chosen misconfiguration; takes its child processes with it when it is killed", async () => {
    const running = startCommand(["--trace", "--misconfigure", "wrong-secret", "--https"]);
    await running.line(/^Ready/);
    const url = await urlOf(running, /^API, behind Easy Auth/);
    expect((await fetch(`${url}/api/profile`)).status).toBe(401);
    await running.line(/^ {2}client → API gate {2}GET \/api\/profile {2}401 .*✗ /);
    expect(running.output()).toContain("Misconfigured, wrong-secret: ");
    expect(running.output()).toMatch(/^Entra ID emulator +http:\/\/localhost:\d+ {2}https:\/\/localhost:\d+$/m);
    expect(running.output()).toMatch(/^Microsoft Graph emulator +http:\/\/localhost:\d+ {2}https:\/\/localhost:\d+$/m);
    expect(running.output()).toMatch(/^Certificate of https +\/.*certificate\.pem$/m);
    const frontend = frontendOf(running);
    expect((await fetch(`${frontend}/health`)).status).toBe(200);
    running.child.kill("SIGKILL");
    await vi.waitFor(() => expect(fetch(frontend)).rejects.toThrow(), 10_000);
  });

  test("with --files serves files from Storage, to each user by their role; SIGHUP ends all with exit code 0", async () => {
    const running = startCommand(["--files"]);
    await running.line(/^Ready/);
    expect(running.output()).toMatch(/^Azure Storage emulator +https:\/\/\S+:\d+\/devstoreaccount1\/documents$/m);
    const [api, entra] = [await urlOf(running, /^API, behind/), await urlOf(running, /^Entra ID emulator/)];
    const get = async (path: string, account: string) => {
      const answer = await fetch(`${entra}/emulator/token?account=${account}`);
      const { access_token: token } = (await answer.json()) as { access_token: string };
      return fetch(`${api}/api/${path}`, { headers: { authorization: `Bearer ${token}` } });
    };
    const { files } = (await (await get("files", "works")).json()) as { files: { name: string }[] };
    expect(files.map(({ name }) => name)).toEqual(SAMPLE_FILES.map(({ name }) => name).sort());
    const refused = await get("files", "no-role");
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: "downstream_forbidden" }]);
    running.child.kill("SIGHUP");
    expect(await exitCode(running)).toBe(0);
    await expect(fetch(frontendOf(running))).rejects.toThrow();
  });
});
