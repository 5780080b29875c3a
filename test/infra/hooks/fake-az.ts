import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const HOOKS = fileURLToPath(new URL("../../../infra/hooks/", import.meta.url));

/** Output of `az` for commands that begin with this text, as JSON or text; `{ fails }` ends it with that message. */
export type Answers = Record<string, unknown>;

export interface Ran {
  readonly code: number | null;
  readonly output: string;
  /** Commands passed to `az`, in order. */
  readonly calls: readonly string[];
}

/**
 * Writes a script in the place of `az`: it gives the answer for the longest beginning that matches, and fails for any
 * other command. Written for the shell, which starts in a tenth of the time of Node.
 */
function fakeAz(bin: string, answers: Answers): string {
  const longestFirst = Object.entries(answers).sort(([a], [b]) => b.length - a.length);
  const cases = longestFirst.map(([command, answer]) => `  ${quoted(command)}*) ${replyWith(answer)} ;;`);
  return [
    "#!/bin/sh",
    `echo "$*" >> ${quoted(join(bin, "calls"))}`,
    'say() { printf %s "$1"; }',
    'fail() { say "$1" >&2; exit 1; }',
    'case "$*" in',
    ...cases,
    "  *) fail 'unknown command' ;;",
    "esac",
  ].join("\n");
}

function replyWith(answer: unknown): string {
  const { fails } = (answer ?? {}) as { readonly fails?: string };
  if (fails) return `fail ${quoted(fails)}`;
  const json = `say ${quoted(JSON.stringify(answer))}`;
  return typeof answer === "string" ? `case "$*" in *tsv) say ${quoted(answer)} ;; *) ${json} ;; esac` : json;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Makes a folder to run hooks in, as azd does at the project's root. */
export async function workFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "hooks-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a hook where `az` is the fake; without answers there is no `az` at all. */
export async function runHook(
  name: string,
  folder: string,
  answers: Answers | undefined,
  env: Record<string, string> = {},
): Promise<Ran> {
  const bin = await mkdtemp(join(tmpdir(), "bin-"));
  onTestFinished(() => rm(bin, { recursive: true, force: true }));
  if (answers) {
    await writeFile(join(bin, "az"), fakeAz(bin, answers));
    await chmod(join(bin, "az"), 0o755);
  }
  const path = [bin, dirname(process.execPath)].join(delimiter);
  const child = spawn(process.execPath, [join(HOOKS, `${name}.mjs`)], { cwd: folder, env: { PATH: path, ...env } });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  const calls = await readFile(join(bin, "calls"), "utf8").catch(() => "");
  return { code, output: Buffer.concat(chunks).toString(), calls: calls.split("\n").filter((line) => line !== "") };
}
