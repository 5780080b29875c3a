import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { TENANT_ID } from "../emulator/directory.ts";
import { listenOnLoopback } from "../emulator/loopback-server.ts";
import { FREE_PORTS, startStack } from "../emulator/stack.ts";
import { SAMPLE_FILES } from "../emulator/storage/sample-files.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Running {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when a line matches; rejects when the process ends first. */
  line(pattern: RegExp): Promise<string>;
}

function start(script: string, args: readonly string[] = [], env: Record<string, string> = {}): Running {
  return run(process.execPath, ["--import", "tsx", script, ...args], env);
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = output.split("\n").find((one) => pattern.test(one));
        if (found !== undefined) resolve(found);
      };
      child.stdout?.on("data", look);
      child.once("close", () => reject(new Error(`Ended without ${pattern}:\n${output}`)));
      look();
    });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return { child, output: () => output, line };
}

async function freePort(): Promise<number> {
  const server = await listenOnLoopback(http.createServer(), 0);
  await server.close();
  return Number(new URL(server.url).port);
}

/** The first address on this machine in a line of what is printed. */
async function urlOf(running: Running, line: RegExp): Promise<string> {
  return /http:\/\/localhost:\d+/.exec(await running.line(line))?.[0] ?? "";
}

async function exitCode({ child }: Running): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

describe("npm start", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "prints its addresses, then Ready; %s to npm alone stops all of it with exit code 0",
    async (signal) => {
      const running = run("npm", ["start", "--", "--free-ports"]);
      await running.line(/^Ready/);
      const lines = running
        .output()
        .split("\n")
        .filter((one) => one !== "");
      expect(lines.at(-1)).toMatch(/^Ready: open http:\/\/localhost:\d+/);
      expect(running.output()).not.toMatch(/Azure Storage emulator|\[GET\] \S+\/files/);
      expect(running.output()).toMatch(/profile: \[GET\] http:\/\/localhost:\d+\/api\/profile/);
      running.child.kill(signal);
      expect(await exitCode(running)).toBe(0);
    },
  );

  test("prints each request with all it led to, with --trace", async () => {
    const running = start("emulator/main.ts", ["--free-ports", "--trace"]);
    const url = /http:\S+/.exec(await running.line(/^API, behind Easy Auth/))?.[0] ?? "";
    await running.line(/^Ready/);
    expect((await fetch(url)).status).toBe(401);
    await running.line(/^ {2}client → API gate {2}GET \/api\/profile {2}401 .*✗ WWW-Authenticate: Bearer /);
  });

  test("names the port that is in use, and closes what it had started", async () => {
    const taken = await listenOnLoopback(http.createServer(), 0);
    onTestFinished(() => taken.close());
    const graph = await freePort();
    const ports = { ...FREE_PORTS, graph, frontend: Number(new URL(taken.url).port) };
    await expect(startStack({ ports })).rejects.toThrow(
      new RegExp(`^Port ${ports.frontend} is in use\\. .*--free-ports$`),
    );
    await expect(fetch(`http://localhost:${graph}`)).rejects.toThrow();
  });

  test("serves files from Storage with --files, each user by their role", async () => {
    const running = start("emulator/main.ts", ["--free-ports", "--files"]);
    await running.line(/^Ready/);
    expect(running.output()).toMatch(/^Azure Storage emulator +https:\/\/localhost:\d+\/devstoreaccount1\/documents$/m);
    const [api, entra] = [await urlOf(running, /^API, behind/), await urlOf(running, /^Entra ID emulator/)];
    const get = async (path: string, account: string) => {
      const answer = await fetch(`${entra}/emulator/token?account=${account}`);
      const { access_token: token } = (await answer.json()) as { access_token: string };
      return fetch(`${api}/api/${path}`, { headers: { authorization: `Bearer ${token}` } });
    };
    const { files } = (await (await get("files", "works")).json()) as { files: { name: string }[] };
    expect(files.map(({ name }) => name)).toEqual(SAMPLE_FILES.map(({ name }) => name).sort());
    expect(await (await get("files/welcome.txt", "works")).text()).toContain("from Azure Storage as yourself");
    const refused = await get("files", "no-role");
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: "downstream_forbidden" }]);
    expect((await get("profile", "no-role")).status).toBe(200);
    running.child.kill("SIGTERM");
    expect(await exitCode(running)).toBe(0);
  });

  test("refuses to start in App Service", async () => {
    const running = start("emulator/main.ts", ["--free-ports"], { WEBSITE_SITE_NAME: "real-app" });
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("WEBSITE_SITE_NAME");
  });

  test.each([
    [["--freeports"], "'--freeports'. npm start -- --help lists the options."],
    [["extra"], "'extra'"],
    [["--misconfigure", "nothing"], '"nothing". There are: no-api-scope, wrong-audience, v1-token, id-token, '],
    [["--misconfigure"], "--misconfigure <value>"],
    [["--switch", "nothing=1"], "There is no switch nothing. There are: bearerTokenHeaders, "],
    [["--switch", "precedence=cookie"], "precedence is one of: bearer, session."],
    [["--cors", "http://localhost:5173/"], '"http://localhost:5173/" is not an origin'],
    [["--cors", "localhost:5173"], '"localhost:5173" is not an origin'],
    [["--tenant", "contoso.example", "--https"], "--https is for the emulators"],
    [["--tenant", "contoso.example", "--files"], "--files is for the emulators, not for --tenant."],
    [["--tenant="], "--tenant needs the id or a domain"],
    [["--settings", "x.json"], "--settings is for --tenant"],
  ])("refuses %j with exit code 2, and says why", async (args, why) => {
    const running = start("emulator/main.ts", args);
    expect(await exitCode(running)).toBe(2);
    expect(running.output()).toContain(why);
  });

  test("lets pages of the origins named with --cors call the API", async () => {
    const origins = ["http://localhost:5173", "http://localhost:3000"];
    const running = start("emulator/main.ts", ["--free-ports", ...origins.flatMap((origin) => ["--cors", origin])]);
    const url = /http:\S+/.exec(await running.line(/^API, behind Easy Auth/))?.[0] ?? "";
    const allowed = async (origin: string) => {
      const headers = {
        origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      };
      return (await fetch(url, { method: "OPTIONS", headers })).headers.get("access-control-allow-origin");
    };
    expect(await Promise.all([...origins, "http://localhost:4280"].map(allowed))).toEqual([...origins, null]);
  });

  test("lists its options", async () => {
    const running = start("emulator/main.ts", ["--help"]);
    expect(await exitCode(running)).toBe(0);
    for (const option of [
      "--free-ports",
      "--tenant <id or domain>",
      "--misconfigure <name>",
      "wrong-secret",
      "--func",
    ]) {
      expect(running.output()).toContain(`  ${option}`);
    }
  });

  test("says which mistake is made", async () => {
    const running = start("emulator/main.ts", ["--free-ports", "--misconfigure", "wrong-secret"]);
    await running.line(/^Ready/);
    expect(running.output()).toContain("Misconfigured, wrong-secret: ");
  });

  test("prints where Entra listens with https", async () => {
    const running = start("emulator/main.ts", ["--free-ports", "--https"]);
    await running.line(/^Ready/);
    expect(running.output()).toMatch(/^Entra ID emulator +http:\/\/localhost:\d+ {2}https:\/\/localhost:\d+$/m);
  });
});

describe("npm start -- --tenant", () => {
  const SETTINGS = {
    WEBSITE_AUTH_CLIENT_ID: "0a0a0a0a-1111-4111-8111-111111111111",
    MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: "own-api-secret",
    FRONTEND_CLIENT_ID: "0b0b0b0b-2222-4222-8222-222222222222",
    FRONTEND_CLIENT_SECRET: "own-frontend-secret",
  };

  async function settingsFile(content: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "settings-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "local.settings.json");
    await writeFile(path, content);
    return path;
  }

  test("starts the apps with the settings of the file, with Entra where it is", async () => {
    const stack = start("emulator/main.ts", ["--free-ports"]);
    const urlOf = async (line: RegExp) => /http:\S+/.exec(await stack.line(line))?.[0] ?? "";
    // The stack stands in for Microsoft, by the routing that a process without TypeScript uses.
    const env = {
      NODE_OPTIONS: `--import ${new URL("../dist/emulator/route-microsoft-origins.mjs", import.meta.url)}`,
      EMULATED_ENTRA_URL: await urlOf(/^Entra ID emulator/),
      EMULATED_GRAPH_URL: await urlOf(/^Microsoft Graph emulator/),
    };
    const settings = await settingsFile(JSON.stringify({ IsEncrypted: false, Values: SETTINGS }));
    const running = start("emulator/main.ts", ["--free-ports", "--tenant", TENANT_ID, "--settings", settings], env);
    await running.line(/^Ready/);
    expect(running.output()).toContain(`${TENANT_ID}, at the real Microsoft Entra ID and Graph`);
    expect(running.output()).not.toContain("emulator");
    expect(running.output()).not.toContain("own-");
    running.child.kill("SIGTERM");
    expect(await exitCode(running)).toBe(0);
  });

  test.each([
    ["is not there", undefined, "Copy local.settings.example.json to it"],
    ["is not JSON", "{", "is not JSON"],
    ["is encrypted", '{"Values":{}}', "is encrypted"],
    ["is empty", '{"IsEncrypted":false}', "FRONTEND_CLIENT_SECRET is missing."],
  ])("says so when the file of settings %s", async (_, content, why) => {
    const settings = content === undefined ? "not-there.json" : await settingsFile(content);
    const running = start("emulator/main.ts", ["--tenant", "contoso.example", "--settings", settings]);
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain(why);
  });
});

describe("npm start -- --func", () => {
  /** A `func` as Core Tools has it: a script that starts another process, which serves. Returns its folder. */
  async function fakeFunc(host: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "func-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const script = `#!${process.execPath}
      const host = require("node:child_process").spawn(process.execPath, [__dirname + "/host.js", ...process.argv.slice(2)], { stdio: "inherit" });
      host.on("exit", (code) => process.exit(code ?? 1));`;
    await writeFile(join(folder, "func"), script, { mode: 0o755 });
    await writeFile(join(folder, "host.js"), host);
    return folder;
  }

  /** Answers 503 at first, as the host does while it starts; then what it was told and what it gets from Entra. */
  const HOST = `
    let asked = 0;
    console.log("fake func " + process.argv.slice(2).join(" "));
    require("node:http").createServer(async (request, response) => {
      if (++asked < 3) return response.writeHead(503).end();
      if (request.url === "/api/health?end") return process.exit(7);
      if (request.url === "/api/health?now") return response.end(String(Date.now()));
      const { traceparent } = request.headers;
      const keys = "https://login.microsoftonline.com/organizations/discovery/v2.0/keys";
      const answer = await fetch(keys, { headers: traceparent ? { traceparent } : {} }).catch(() => undefined);
      response.end(JSON.stringify({ entra: answer?.status, clientId: process.env.WEBSITE_AUTH_CLIENT_ID }));
    }).listen(Number(process.argv.at(-1)), "127.0.0.1");`;

  async function startWithFunc(host: string, ...args: string[]): Promise<Running> {
    const PATH = `${await fakeFunc(host)}${delimiter}${process.env.PATH}`;
    return start("emulator/main.ts", ["--free-ports", "--func", ...args], { PATH });
  }

  test.each(["SIGINT", "SIGTERM"] as const)(
    "puts the gate in front of func, whose app reaches the emulators; %s ends all of it",
    async (signal) => {
      const running = await startWithFunc(HOST);
      await running.line(/^Ready/);
      const [api, host] = [await urlOf(running, /^API, behind/), await urlOf(running, /^Functions host/)];
      expect(running.output()).toContain(`fake func start --port ${new URL(host).port}`);
      expect((await fetch(`${api}/api/profile`)).status).toBe(401);
      const answer = await (await fetch(`${api}/api/health`)).json();
      expect(answer).toEqual({ entra: 200, clientId: "00001111-aaaa-2222-bbbb-3333cccc4444" });
      running.child.kill(signal);
      expect(await exitCode(running)).toBe(0);
      await expect(fetch(host)).rejects.toThrow();
    },
  );

  test("has the app trust Storage, with --files", async () => {
    const host = `require("node:http").createServer(async (request, response) => {
      const answer = await fetch(process.env.STORAGE_ACCOUNT_URL + "/" + process.env.STORAGE_CONTAINER);
      response.end(String(answer.status));
    }).listen(Number(process.argv.at(-1)), "127.0.0.1");`;
    const running = await startWithFunc(host, "--files");
    await running.line(/^Ready/);
    expect(await (await fetch(`${await urlOf(running, /^API, behind/)}/api/health`)).text()).toBe("401");
  });

  test("lets the stack's clock be that of the app", async () => {
    const running = await startWithFunc(HOST);
    await running.line(/^Ready/);
    const [api, entra] = [await urlOf(running, /^API, behind/), await urlOf(running, /^Entra ID emulator/)];
    const hoursAhead = async () => {
      const now = Number(await (await fetch(`${api}/api/health?now`)).text());
      return (now - Date.now()) / 3600_000;
    };
    expect(await hoursAhead()).toBeCloseTo(0);
    for (const hours of [1, 3]) {
      const body = JSON.stringify({ advanceSeconds: hours === 1 ? 3600 : 7200 });
      await fetch(`${entra}/emulator/clock`, { method: "POST", headers: { "content-type": "application/json" }, body });
      await vi.waitFor(async () => expect(await hoursAhead()).toBeCloseTo(hours));
    }
  });

  test("traces what the app asks of Entra as asked by the function, which is not seen itself", async () => {
    const running = await startWithFunc(HOST, "--trace");
    await running.line(/^Ready/);
    await fetch(`${await urlOf(running, /^API, behind/)}/api/health`);
    await running.line(/^ {2}client → API gate {2}GET \/api\/health {2}200 .*\[function not seen: it runs under func/);
    await running.line(/^ {6}→ Entra {2}GET \/organizations\/discovery\/v2\.0\/keys {2}200/);
    const page = await (await fetch(`${await urlOf(running, /^Entra ID emulator/)}/trace`)).text();
    expect(page).toContain("<strong>function → Entra</strong> <code>GET /organizations/discovery/v2.0/keys</code>");
    expect(page).toContain("<dt>Function</dt><dd>not seen: it runs under func, in a process of its own</dd>");
  });

  test("ends with exit code 1 when func ends, and says so", async () => {
    const running = await startWithFunc(HOST);
    await running.line(/^Ready/);
    await fetch(`${await urlOf(running, /^API, behind/)}/api/health?end`);
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("func ended (exit code 7).");
  });

  test("does not wait for a func that ends before it answers", async () => {
    const running = await startWithFunc('console.log("No job functions found."); process.exit(3);');
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("No job functions found.");
    expect(running.output()).toContain("func ended (exit code 3).");
  });

  test("ends a func that does not answer yet when it is told to stop", async () => {
    const running = await startWithFunc(
      'require("node:http").createServer((_, response) => response.writeHead(503).end()).listen(0, "127.0.0.1", function () { console.log("never ready at http://localhost:" + this.address().port); });',
    );
    const url = await urlOf(running, /never ready/);
    running.child.kill("SIGTERM");
    expect(await exitCode(running)).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  test.skipIf(existsSync(`${ROOT}node_modules/.bin/func`))("says how to get func when it is not there", async () => {
    const running = start("emulator/main.ts", ["--free-ports", "--func"], { PATH: tmpdir() });
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("func was not found");
    expect(running.output()).toContain("npm install --global azure-functions-core-tools@4");
  });
});

describe("npm run token", () => {
  test("prints a token for the API and nothing else", async () => {
    const stack = start("emulator/main.ts", ["--free-ports"]);
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
