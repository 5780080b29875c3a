import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly environment?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const TEXT = read(".github/workflows/deploy.yml");
const WORKFLOW = parse(TEXT) as Workflow;
const { jobs } = WORKFLOW;
const STEPS = Object.values(jobs).flatMap(({ steps }) => steps);
const DEV_CONTAINER = JSON.parse(read(".devcontainer/devcontainer.json"));
const commands = (job: Job | undefined) => (job?.steps ?? []).map(({ run = "" }) => run);
const using = (job: Job | undefined, action: string) =>
  job?.steps.find(({ uses = "" }) => uses.startsWith(`${action}@`));

describe("the workflow", () => {
  test("reads only outputs of the deployment and variables that it sets itself", () => {
    const set = [...TEXT.matchAll(/^ {6}([A-Z_]+): /gm)].map(([, name]) => name);
    const needed = [...TEXT.matchAll(/\$([A-Z_]{2,})|\benv\.([A-Z_]+)/g)].map(([, name, other]) => name ?? other);
    const main = read("infra/main.bicep");
    const outputs = [...main.matchAll(/^output (\w+)/gm)].map(([, name]) => name);
    const known = [...outputs, ...set, "GITHUB_ENV", "RUNNER_TEMP"];
    expect(needed.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("pins actions by commit", () => {
    const used = STEPS.flatMap(({ uses = [] }) => uses);
    expect(used).not.toEqual([]);
    expect(used.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  });

  test("has the right to read the code, and its deployment job to sign in to Azure", () => {
    const granted = Object.entries(jobs).map(([name, { permissions }]) => [name, permissions]);
    expect(WORKFLOW.permissions).toEqual({ contents: "read" });
    expect(granted.filter(([, permissions]) => permissions)).toEqual([
      ["deploy", { contents: "read", "id-token": "write" }],
    ]);
  });

  test("leaves no credentials of git behind", () => {
    const checkouts = STEPS.filter(({ uses = "" }) => uses.startsWith("actions/checkout@"));
    expect(checkouts.filter((step) => step.with?.["persist-credentials"] !== false)).toEqual([]);
  });

  test("runs a pull request with that request's limited rights", () => {
    expect(Object.keys(WORKFLOW.on).sort()).toEqual(["pull_request", "push", "workflow_dispatch"]);
  });

  test("deploys main only after the checks, in an environment that can require approval", () => {
    const { needs, environment, if: condition = "" } = jobs.deploy ?? {};
    expect({ needs, environment }).toEqual({ needs: ["check", "bicep"], environment: "production" });
    expect(condition.split(" && ")).toEqual(
      expect.arrayContaining(["github.event_name != 'pull_request'", "github.ref == 'refs/heads/main'"]),
    );
  });

  test("runs no npm, no npx and no cache in a job that may sign in to Azure", () => {
    const trusted = Object.values(jobs).filter(({ permissions }) => permissions?.["id-token"] === "write");
    expect(trusted).toHaveLength(1);
    for (const job of trusted) {
      expect(commands(job).join("\n")).not.toMatch(/\b(npm|npx|node_modules|tsx|yarn|pnpm)\b/);
      expect(JSON.stringify(job.steps)).not.toContain("cache");
    }
  });

  test("deploys the artifact of the job that ran the tests", () => {
    const [sent, received] = [
      using(jobs.check, "actions/upload-artifact"),
      using(jobs.deploy, "actions/download-artifact"),
    ];
    expect(sent?.with).toMatchObject({ name: "apps", path: "dist/api\ndist/frontend\n", "if-no-files-found": "error" });
    expect(received?.with).toEqual({ name: "apps", path: "dist" });
    const steps = jobs.check?.steps ?? [];
    const position = (run: string) => steps.findIndex((step) => step.run === run);
    expect(position("npm run check")).toBeGreaterThan(0);
    expect(steps.findIndex(({ uses }) => uses === sent?.uses)).toBeGreaterThan(position("npm run build"));
    expect(commands(jobs.deploy).join("\n")).toContain("(cd dist/api && zip -qr ../../api.zip .)");
  });

  test("checks on the versions of Node that Azure runs, with the integration tests, and deploys what the first built", () => {
    const nodes = jobs.check?.strategy?.matrix.node ?? [];
    expect(nodes).toEqual([22, 24]);
    expect(commands(jobs.check)).toContain("npm run test:integration");
    expect(nodes.map(String)).toContain(read(".node-version").trim());
    expect(using(jobs.check, "actions/upload-artifact")).toMatchObject({
      if: `matrix.node == ${read(".node-version").trim()}`,
    });
  });

  test("pins the Bicep compiler to the version that check:infra and the dev container use", () => {
    const installs = Object.values(jobs)
      .flatMap(commands)
      .filter((run) => run.includes("az bicep"));
    const { bicepVersion } = DEV_CONTAINER.features["ghcr.io/devcontainers/features/azure-cli:1.3.0"];
    expect(bicepVersion).toMatch(/^v\d+\.\d+\.\d+$/);
    expect(new Set(installs)).toEqual(new Set([`az bicep install --version ${bicepVersion}`]));
    expect(read("scripts/check-infra.ts")).toContain(`VERSION = "${bicepVersion.slice(1)}"`);
  });
});

describe("the dev container", () => {
  test("pins its features, their tools and Core Tools", () => {
    const { features, postCreateCommand } = DEV_CONTAINER;
    for (const [feature, options] of Object.entries<Readonly<Record<string, string>>>(features)) {
      expect(feature).toMatch(/:\d+\.\d+\.\d+$/);
      expect(options.version, feature).toMatch(/^\d+\.\d+\.\d+$/);
    }
    expect(postCreateCommand).toMatch(/azure-functions-core-tools@\d+\.\d+\.\d+$/);
  });

  test("has an azd that azure.yaml accepts", () => {
    const [, minimum = ""] = />= (\S+)/.exec(parse(read("azure.yaml")).requiredVersions.azd) ?? [];
    const parts = (version: string) => version.split(".").map(Number);
    const installed = DEV_CONTAINER.features["ghcr.io/azure/azure-dev/azd:0.2.0"].version;
    const [has, wants] = [parts(installed), parts(minimum)];
    const difference = has.map((part, index) => part - (wants[index] ?? 0)).find((one) => one !== 0) ?? 0;
    expect(difference).toBeGreaterThanOrEqual(0);
  });
});
