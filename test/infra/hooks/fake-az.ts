import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const HOOKS = fileURLToPath(new URL("../../../infra/hooks/", import.meta.url));

/** What `az` prints for a command that begins so, as JSON or text; `{ fails }` ends it with that message. */
export type Answers = Record<string, unknown>;

export interface Ran {
  readonly code: number | null;
  readonly output: string;
  /** Commands that `az` got, in order. */
  readonly calls: readonly string[];
}

/** Stands where `az` would: answers the longest beginning that fits, fails for anything else. */
const FAKE = `#!${process.execPath}
const { appendFileSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const command = process.argv.slice(2).join(" ");
appendFileSync(join(__dirname, "calls"), command + "\\n");
const answers = JSON.parse(readFileSync(join(__dirname, "answers.json"), "utf8"));
const key = Object.keys(answers).filter((one) => command.startsWith(one)).sort((a, b) => b.length - a.length)[0];
const answer = key === undefined ? { fails: "unknown command" } : answers[key];
if (answer?.fails) {
  process.stderr.write(answer.fails);
  process.exit(1);
}
process.stdout.write(typeof answer === "string" && command.endsWith("tsv") ? answer : JSON.stringify(answer));
`;

/** A folder to run hooks in, as azd would at the project's root. */
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
    await writeFile(join(bin, "az"), FAKE);
    await chmod(join(bin, "az"), 0o755);
    await writeFile(join(bin, "answers.json"), JSON.stringify(answers));
  }
  const path = [bin, dirname(process.execPath)].join(delimiter);
  const child = spawn(process.execPath, [join(HOOKS, `${name}.mjs`)], { cwd: folder, env: { PATH: path, ...env } });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  const calls = await readFile(join(bin, "calls"), "utf8").catch(() => "");
  return { code, output: Buffer.concat(chunks).toString(), calls: calls.split("\n").filter((line) => line !== "") };
}
