import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TEXT = readFileSync(`${ROOT}.github/workflows/deploy.yml`, "utf8");

interface Job {
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly { readonly uses?: string; readonly with?: Readonly<Record<string, unknown>> }[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const WORKFLOW = parse(TEXT) as Workflow;
const STEPS = Object.values(WORKFLOW.jobs).flatMap(({ steps }) => steps);

describe("the workflow", () => {
  test("reads what the deployment puts out, or what it sets itself", () => {
    const set = [...TEXT.matchAll(/^ {6}([A-Z_]+): /gm)].map(([, name]) => name);
    const read = [...TEXT.matchAll(/\$([A-Z_]{2,})|\benv\.([A-Z_]+)/g)].map(([, name, other]) => name ?? other);
    const main = readFileSync(`${ROOT}infra/main.bicep`, "utf8");
    const outputs = [...main.matchAll(/^output (\w+)/gm)].map(([, name]) => name);
    const known = [...outputs, ...set, "GITHUB_ENV", "RUNNER_TEMP"];
    expect(read.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("pins actions by commit", () => {
    const used = STEPS.flatMap(({ uses = [] }) => uses);
    expect(used).not.toEqual([]);
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  test("may read the code, and its deployment may sign in to Azure", () => {
    const granted = Object.entries(WORKFLOW.jobs).map(([name, { permissions }]) => [name, permissions]);
    expect(WORKFLOW.permissions).toEqual({ contents: "read" });
    expect(granted.filter(([, permissions]) => permissions)).toEqual([
      ["deploy", { contents: "read", "id-token": "write" }],
    ]);
  });

  test("leaves no credentials of git behind", () => {
    const checkouts = STEPS.filter(({ uses = "" }) => uses.startsWith("actions/checkout@"));
    expect(checkouts.filter((step) => step.with?.["persist-credentials"] !== false)).toEqual([]);
  });

  test("runs a pull request with its own rights", () => {
    expect(Object.keys(WORKFLOW.on).sort()).toEqual(["pull_request", "push", "workflow_dispatch"]);
  });

  test("deploys main, checked, in an environment that can be guarded", () => {
    const { needs, environment, if: condition = "" } = WORKFLOW.jobs.deploy ?? {};
    expect({ needs, environment }).toEqual({ needs: ["check", "bicep"], environment: "production" });
    expect(condition.split(" && ")).toEqual(
      expect.arrayContaining(["github.event_name != 'pull_request'", "github.ref == 'refs/heads/main'"]),
    );
  });
});
