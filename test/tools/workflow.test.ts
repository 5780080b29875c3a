import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
  readonly steps: readonly Step[];
}

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const { jobs } = parse(read(".github/workflows/deploy.yml")) as { jobs: Readonly<Record<string, Job>> };
const commands = (job: Job | undefined) => (job?.steps ?? []).map(({ run = "" }) => run);
const using = (job: Job | undefined, action: string) =>
  job?.steps.find(({ uses = "" }) => uses.startsWith(`${action}@`));

test("a job that may sign in to Azure runs no code of packages: no npm, no npx, no cache", () => {
  const trusted = Object.values(jobs).filter(({ permissions }) => permissions?.["id-token"] === "write");
  expect(trusted).toHaveLength(1);
  for (const job of trusted) {
    expect(commands(job).join("\n")).not.toMatch(/\b(npm|npx|node_modules|tsx|yarn|pnpm)\b/);
    expect(JSON.stringify(job.steps)).not.toContain("cache");
  }
});

test("what is deployed is what was checked: the artifact of the job that ran the tests", () => {
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

test("the Nodes that Azure runs are checked, with the browser tests, and the first is the deployed one", () => {
  const nodes = jobs.check?.strategy?.matrix.node ?? [];
  expect(nodes).toEqual([22, 24]);
  expect(commands(jobs.check)).toContain("npm run test:browser");
  expect(nodes.map(String)).toContain(read(".node-version").trim());
  expect(using(jobs.check, "actions/upload-artifact")).toMatchObject({
    if: `matrix.node == ${read(".node-version").trim()}`,
  });
});

test("tools are pinned: az bicep by its version, and all of the dev container's", () => {
  const installs = Object.values(jobs)
    .flatMap(commands)
    .filter((run) => run.includes("az bicep"));
  expect(installs.length).toBeGreaterThan(0);
  for (const run of installs) expect(run).toMatch(/^az bicep install --version v\d+\.\d+\.\d+$/);
  const { features, postCreateCommand } = JSON.parse(read(".devcontainer/devcontainer.json"));
  for (const [feature, options] of Object.entries<Readonly<Record<string, string>>>(features)) {
    expect(feature).toMatch(/:\d+\.\d+\.\d+$/);
    expect(options.version, feature).toMatch(/^\d+\.\d+\.\d+$/);
  }
  expect(
    installs.every((run) => run.endsWith(features["ghcr.io/devcontainers/features/azure-cli:1.3.0"].bicepVersion)),
  ).toBe(true);
  expect(postCreateCommand).toMatch(/azure-functions-core-tools@\d+\.\d+\.\d+$/);
});

test("the dev container's azd is one that azure.yaml takes", () => {
  const { features } = JSON.parse(read(".devcontainer/devcontainer.json"));
  const [, minimum = ""] = />= (\S+)/.exec(parse(read("azure.yaml")).requiredVersions.azd) ?? [];
  const parts = (version: string) => version.split(".").map(Number);
  const [has, wants] = [parts(features["ghcr.io/azure/azure-dev/azd:0.2.0"].version), parts(minimum)];
  const difference = has.map((part, index) => part - (wants[index] ?? 0)).find((one) => one !== 0) ?? 0;
  expect(difference).toBeGreaterThanOrEqual(0);
});
