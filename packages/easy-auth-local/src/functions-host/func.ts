import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { listenOnLoopback } from "../http/loopback-server.ts";
import type { MicrosoftOrigins } from "../routing/microsoft-origins.ts";
import { refuseUnusableSettings } from "./func-settings.ts";
import { refuseOldFunc } from "./func-version.ts";
import type { FunctionsHost } from "./host.ts";

export interface FuncOptions {
  /** Folder with host.json. */
  readonly appRoot: string;
  /** Port to listen on; 0 takes a free one. */
  readonly port: number;
  /** Settings of the app; they win over local.settings.json, which `func` reads too. */
  readonly settings: Readonly<Record<string, string>>;
  /** Addresses that the app's requests for Entra and Graph go to instead. Default: their own. */
  readonly origins?: MicrosoftOrigins;
  /** Certificate in PEM that the app trusts besides those that Node does. */
  readonly certificate?: string | undefined;
}

/** Running `func start`. It prints its functions itself, and notices a new build itself. */
export interface RunningFunc extends FunctionsHost {
  /** Resolves with the reason when it ends without having been told to. */
  readonly ended: Promise<string>;
}

const START_WITHIN_MS = 120_000;
const ASK_EVERY_MS = 200;
const STOP_WITHIN_MS = 5000;
const NOT_FOUND =
  "func was not found, neither on PATH nor in node_modules/.bin. Install Azure Functions Core Tools " +
  "(npm install --global azure-functions-core-tools@4), or start without --func: the embedded host needs nothing.";

/**
 * Starts the app under Azure Functions Core Tools, from PATH or node_modules, and resolves when it answers. Its output goes
 * to this process's. Rejects when it is not there, is older than 4.14, cannot use local.settings.json, ends, or takes more
 * than two minutes.
 */
export async function startFunc({ appRoot, port, settings, origins, certificate }: FuncOptions): Promise<RunningFunc> {
  const environment = environmentFor(appRoot, settings, origins);
  refuseUnusableSettings(appRoot);
  await refuseOldFunc(environment);
  const actualPort = port === 0 ? await freePort() : port;
  const trusted = certificate === undefined ? undefined : temporaryFile(certificate);
  // The address said aloud: `LocalHttpAddress` of local.settings.json would open the host to the network.
  const child = spawn("func", ["start", "--port", String(actualPort), "--address", "127.0.0.1"], {
    cwd: appRoot,
    env: { ...environment, ...(trusted && { NODE_EXTRA_CA_CERTS: trusted.path }) },
    stdio: ["ignore", "inherit", "inherit"],
    // A group of its own: func starts processes that a signal to it alone would leave behind.
    detached: process.platform !== "win32",
    shell: process.platform === "win32",
  });
  const url = `http://localhost:${actualPort}`;
  const ended = endOf(child);
  const kill = () => {
    signal(child, "SIGKILL");
    trusted?.remove();
  };
  process.once("exit", kill);
  void ended.then(() => {
    process.off("exit", kill);
    trusted?.remove();
  });
  try {
    await untilAnswers(url, ended);
  } catch (error) {
    await stop(child, ended);
    throw error;
  }
  return { url, functions: [], reload: async () => {}, ended, close: () => stop(child, ended) };
}

function environmentFor(appRoot: string, settings: FuncOptions["settings"], origins: FuncOptions["origins"]) {
  const { NODE_OPTIONS = "", PATH = "" } = process.env;
  const preload = new URL("../../../../dist/emulator/route-microsoft-origins.mjs", import.meta.url);
  return {
    ...process.env,
    ...settings,
    PATH: `${PATH}${delimiter}${appRoot}node_modules/.bin`,
    ...(origins && {
      NODE_OPTIONS: `${NODE_OPTIONS} --import ${preload.href}`.trim(),
      EMULATED_ENTRA_URL: origins.entra,
      EMULATED_GRAPH_URL: origins.graph,
    }),
  };
}

function temporaryFile(content: string): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "emulator-"));
  const path = join(folder, "certificate.pem");
  writeFileSync(path, content);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

async function endOf(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return `func ended (${signal ?? `exit code ${code}`}). What it printed says why.`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? NOT_FOUND : `func: ${(error as Error).message}`;
  }
}

/** Any answer counts that says that the host is up: while it starts, there is none, or a 503. */
async function untilAnswers(url: string, ended: Promise<string>): Promise<void> {
  const stopped = ended.then((why) => {
    throw new Error(why);
  });
  const deadline = AbortSignal.timeout(START_WITHIN_MS);
  while (!deadline.aborted) {
    const answer = await Promise.race([fetch(url, { signal: deadline }).catch(() => undefined), stopped]);
    await answer?.body?.cancel();
    if (answer && answer.status < 500) return;
    await Promise.race([wait(ASK_EVERY_MS), stopped]);
  }
  throw new Error(`func did not answer at ${url} within ${START_WITHIN_MS / 1000} seconds.`);
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  signal(child, "SIGTERM");
  const timer = setTimeout(() => signal(child, "SIGKILL"), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (process.platform === "win32") child.kill(name);
  else process.kill(-child.pid, name);
}

async function freePort(): Promise<number> {
  const server = await listenOnLoopback(http.createServer(), 0);
  await server.close();
  return Number(new URL(server.url).port);
}
