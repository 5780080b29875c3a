import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { findRunningStack, noteRunningStack } from "../../src/command/running-stack.ts";
import { makeStateFolder } from "../../src/stack/state-folder.ts";

const DEFAULT = { entraUrl: "http://localhost:4282", graphUrl: "http://localhost:4283" };
const RUNNING = { entraUrl: "http://localhost:1", graphUrl: "http://localhost:2", services: {} };

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "running-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return makeStateFolder(path);
}

/** Returns the address of a folder's stack, and the messages about it on standard error. */
function find(state: string) {
  const said = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  onTestFinished(() => said.mockRestore());
  const found = findRunningStack(state);
  return { found, said: said.mock.calls.flat() };
}

test("a running stack is found by its folder until it ends", () => {
  const state = folder();
  const forget = noteRunningStack(state, RUNNING);
  expect(find(state)).toMatchObject({ found: RUNNING, said: [] });
  forget();
  expect(find(state)).toMatchObject({ found: DEFAULT, said: [expect.stringContaining("No stack runs in")] });
});

test("of several stacks the latest is found, then the one before it", () => {
  const state = folder();
  noteRunningStack(state, { ...RUNNING, entraUrl: "http://localhost:7" }, process.ppid);
  utimesSync(join(state, `running-${process.ppid}.json`), 1, 1);
  const forget = noteRunningStack(state, RUNNING);
  expect(findRunningStack(state)).toEqual(RUNNING);
  forget();
  expect(findRunningStack(state).entraUrl).toBe("http://localhost:7");
});

test("a stack that was killed is not found", () => {
  const state = folder();
  noteRunningStack(state, RUNNING, 2 ** 30);
  expect(find(state)).toMatchObject({ found: DEFAULT, said: [expect.stringContaining("No stack runs in")] });
  expect(readdirSync(state)).toEqual([".gitignore"]);
});

test("a folder that cannot be written is reported with the fix", () => {
  const path = join(folder(), "a-file");
  writeFileSync(path, "");
  expect(() => makeStateFolder(path)).toThrow(
    /a-file\/\.easy-auth-local cannot be written \(ENOTDIR\).*Start in another/,
  );
});
