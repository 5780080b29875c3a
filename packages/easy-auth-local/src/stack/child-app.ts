import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/** Command that runs an app in a process of its own. */
export interface ChildAppOptions {
  /** Name of the app in messages, such as "the frontend". */
  readonly name: string;
  readonly command: string;
  readonly folder: string;
  /** Whole environment of the process; programs of the folder's node_modules are added to its PATH. */
  readonly environment: NodeJS.ProcessEnv;
  /** Address that the app is going to answer at. */
  readonly url: string;
  /** Whether an answer of that status means that the app is up. Default: any. */
  readonly isUp?: (status: number) => boolean;
}

/** App in a process of its own, answering. */
export interface ChildApp {
  readonly url: string;
  /** Resolves with the reason when the process ends without having been told to. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

const START_WITHIN_MS = 120_000;
const ASK_EVERY_MS = 100;
const STOP_WITHIN_MS = 5000;
/**
 * Shell script that ends the command's process group when its file descriptor 3, a pipe from this process, ends: as it
 * does with this process. The shell that waits for that is part of the group and must not be ended before the group is.
 */
const END_WITH_PARENT =
  '(trap "" TERM; read -r _ <&3; kill -TERM -$$; sleep 5; kill -KILL -$$) >/dev/null 2>&1 & exec 3<&-; eval "$0"';

/**
 * Starts a command and resolves when its app answers. Its output goes to this process's. Rejects when it ends, or does not
 * answer within two minutes. Whatever it starts ends with it, and with this process.
 */
export async function startChildApp(options: ChildAppOptions): Promise<ChildApp> {
  const { name, url, isUp = () => true } = options;
  const child = spawnCommand(options);
  const ended = endOf(child, name);
  const kill = () => signalGroup(child, "SIGKILL");
  process.once("exit", kill);
  void ended.then(() => process.off("exit", kill));
  const close = () => stop(child, ended);
  try {
    await untilItAnswers(url, name, ended, isUp);
  } catch (error) {
    await close();
    throw error;
  }
  return { url, ended, close };
}

function spawnCommand({ command, folder, environment }: ChildAppOptions): ChildProcess {
  const options = { cwd: folder, env: withPrograms(environment, folder) };
  if (process.platform === "win32") return spawn(command, { ...options, stdio: "inherit", shell: true });
  return spawn("/bin/sh", ["-c", END_WITH_PARENT, command], {
    ...options,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    // A group of its own: a command starts processes that a signal to it alone would leave behind.
    detached: true,
  });
}

/** Adds the programs of a folder's node_modules to the PATH, after those that are there. */
export function withPrograms(environment: NodeJS.ProcessEnv, folder: string): NodeJS.ProcessEnv {
  return { ...environment, PATH: [environment.PATH, join(folder, "node_modules/.bin")].join(delimiter) };
}

async function endOf(child: ChildProcess, name: string): Promise<string> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    child.stdio[3]?.destroy();
    return `${name} ended (${signal ?? `exit code ${code}`}). What it printed says why.`;
  } catch (error) {
    return `${name} did not start: ${(error as Error).message}.`;
  }
}

async function untilItAnswers(url: string, name: string, ended: Promise<string>, isUp: (status: number) => boolean) {
  const stopped = ended.then((why) => {
    throw new Error(why);
  });
  const deadline = AbortSignal.timeout(START_WITHIN_MS);
  while (!deadline.aborted) {
    const options = { signal: deadline, redirect: "manual" } as const;
    const answer = await Promise.race([fetch(url, options).catch(() => undefined), stopped]);
    await answer?.body?.cancel();
    if (answer && isUp(answer.status)) return;
    await Promise.race([wait(ASK_EVERY_MS), stopped]);
  }
  throw new Error(`${name} did not answer at ${url} within ${START_WITHIN_MS / 1000} seconds.`);
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  signalGroup(child, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), STOP_WITHIN_MS);
  await ended;
  clearTimeout(timer);
  // What is left of the group, such as the shell that waits for the pipe.
  signalGroup(child, "SIGKILL");
}

/** Signals the command and all that it started. Nothing happens when the group is gone. */
function signalGroup({ pid, kill }: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined && process.platform !== "win32") process.kill(-pid, name);
    else kill(name);
  } catch {
    // The group has ended.
  }
}
