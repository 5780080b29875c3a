import { type ChildProcess, fork } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build } from "esbuild";
import { FROM_SOURCE } from "../scripts/from-source.ts";
import type { WorkerReply } from "./worker.ts";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

const ANSWER_WITHIN_MS = 300_000;

/** Options of `scripts/build.ts`, so that everything is measured in the form in which it is deployed. */
const LIKE_THE_APP: BuildOptions = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  mainFields: ["module", "main"],
  // The local stack reads files relative to its own.
  external: ["@azure/functions-core", "esbuild", "easy-auth-local"],
  logLevel: "warning",
};

/** Makes a folder below node_modules, so that files in it can import the project's packages. Deleted at exit. */
export function makeTemporaryFolder(): string {
  const parent = join(ROOT, "node_modules/.cache");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Bundles a file of `bench/` once and returns the bundle's path. Packages come as published, as other apps have them,
 * or from the same sources as in this app's build.
 */
export async function bundleFile(
  source: string,
  folder: string,
  packages: "published" | "source" = "published",
): Promise<string> {
  const outfile = join(folder, `${source.replaceAll("/", "-").replace(/\.ts$/, "")}-${packages}.cjs`);
  if (existsSync(outfile)) return outfile;
  const alias = packages === "source" ? FROM_SOURCE : {};
  await build({ ...LIKE_THE_APP, alias, entryPoints: [join(ROOT, "bench", source)], outfile });
  return outfile;
}

/** Bundles code given as text, like a file in `bench/`. */
export async function bundleText(contents: string, outfile: string): Promise<void> {
  await build({ ...LIKE_THE_APP, stdin: { contents, resolveDir: join(ROOT, "bench") }, outfile });
}

export interface WorkerOptions {
  /** A file of `bench/` that calls `answerMessages`. */
  readonly source: string;
  readonly folder: string;
  readonly nodeOptions?: readonly string[];
  /** Executable of Node; by default, the one that runs this. */
  readonly execPath?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of this benchmark. Runs plain Node on a bundle, without the loader of this process. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #source: string;

  private constructor(child: ChildProcess, source: string) {
    this.#child = child;
    this.#source = source;
  }

  static async start({
    source,
    folder,
    nodeOptions = [],
    execPath = process.execPath,
    env = {},
  }: WorkerOptions): Promise<WorkerProcess> {
    const bundle = await bundleFile(source, folder);
    const child = fork(bundle, {
      execPath,
      // Node 20 warns when a bundle requires an ES module.
      execArgv: ["--disable-warning=ExperimentalWarning", ...nodeOptions],
      env: { ...process.env, ...env },
      // Standard output carries only the result.
      stdio: ["ignore", 2, 2, "ipc"],
    });
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    return new WorkerProcess(child, source);
  }

  /** Sends a message and resolves to the answer, typed by the caller and unchecked. One message at a time. */
  ask<Result>(message: object = {}): Promise<Result> {
    const child = this.#child;
    return new Promise<Result>((resolve, reject) => {
      const settle = (outcome: () => void) => {
        clearTimeout(timer);
        child.off("message", onMessage).off("exit", onExit);
        outcome();
      };
      const fail = (text: string) => settle(() => reject(new Error(`${this.#source} ${text}`)));
      const onMessage = (reply: WorkerReply) =>
        "failure" in reply ? fail(`failed: ${reply.failure}`) : settle(() => resolve(reply.result as Result));
      const onExit = (code: number | null) => fail(`ended with code ${code}`);
      const timer = setTimeout(() => fail(`did not answer within ${ANSWER_WITHIN_MS} ms`), ANSWER_WITHIN_MS);
      child.on("message", onMessage).on("exit", onExit);
      child.send(message);
    });
  }

  /** Ends the process and waits for its end. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const force = setTimeout(() => child.kill("SIGKILL"), 2000);
    if (child.connected) child.disconnect();
    await ended;
    clearTimeout(force);
  }
}

/** Runs one measurement in a process of its own. */
export async function measure<Result>(options: WorkerOptions, message: object): Promise<Result> {
  const worker = await WorkerProcess.start(options);
  try {
    return await worker.ask<Result>(message);
  } finally {
    await worker.stop();
  }
}
