import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, delimiter, join, relative } from "node:path";
import { parseArgs } from "node:util";
import pLimit from "p-limit";

/** Compiler that wrote the snapshots. The workflow installs the same one. */
const VERSION = "0.49.2";
/** Files to deploy: by azd, into an existing resource group, and by an administrator. */
const ENTRIES = ["main", "resources", "entra"];
const SNAPSHOTS = "infra/snapshots";
/** Maximum number of changed lines shown for one snapshot. */
const MOST_LINES = 12;
/** Scopes in every snapshot, instead of those in these files of `infra/`: adding a scope there changes no snapshot. */
const SAMPLE_SCOPES = {
  "graph-scopes.json": ["First.Scope", "Second.Scope"],
  "other-scopes.json": {
    "77778888-bbbb-9999-cccc-0000dddd1111": ["https://contoso.com/Third", "https://contoso.com/Fourth"],
  },
};
/** Made-up place to which a snapshot is deployed. */
const PLACE = {
  "--subscription-id": "11112222-3333-4444-5555-666677778888",
  "--tenant-id": "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  "--location": "westeurope",
};

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** One finding of the compiler, in SARIF. */
interface Finding {
  readonly ruleId: string;
  readonly message: { readonly text: string };
  readonly locations: readonly {
    readonly physicalLocation: {
      readonly artifactLocation: { readonly uri: string };
      readonly region: { readonly startLine: number };
    };
  }[];
}

type Compiler = (...args: readonly string[]) => Promise<Output>;

/**
 * Runs `npm run check:infra`: builds and lints every entry of `infra/`, and compares what it deploys with the committed
 * snapshots. Fails on any finding, even a note: the compiler reports an unknown property as a warning. Without a
 * compiler it passes and says so. `-- --write` rewrites the snapshots.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
  const path = findCompiler();
  if (!path) {
    console.log(
      "check:infra: not checked, there is no Bicep compiler. Put `bicep` on the PATH, or run: az bicep install",
    );
    return;
  }
  const compiler = compilerAt(path);
  const { stdout } = await compiler("--version");
  console.log(`check:infra: ${path}, ${stdout.trim()}`);
  if (!stdout.includes(VERSION)) console.log(`check:infra: snapshots are of ${VERSION}; another compiler may differ.`);
  await restore(compiler);
  const once = pLimit(2);
  const checks = ENTRIES.flatMap((entry) => [
    once(() => findingsOf(compiler, "build", entry)),
    once(() => findingsOf(compiler, "lint", entry)),
  ]);
  const scenarios = readdirSync(SNAPSHOTS).filter((name) => name.endsWith(".bicepparam"));
  // The compiler writes a snapshot beside its parameter file.
  const copy = mkdtempSync(join(tmpdir(), "infra-"));
  cpSync("infra", join(copy, "infra"), { recursive: true, filter: (path) => !path.endsWith(".snapshot.json") });
  for (const [name, scopes] of Object.entries(SAMPLE_SCOPES))
    writeFileSync(join(copy, "infra", name), JSON.stringify(scopes));
  const snapshots = scenarios.map((name) =>
    once(() => checkSnapshot(compiler, copy, join(SNAPSHOTS, name), values.write)),
  );
  const results = await Promise.all([...checks, ...snapshots]).finally(() => rmSync(copy, { recursive: true }));
  const problems = new Set(results.flat());
  for (const problem of problems) console.error(problem);
  console.log(`check:infra: ${ENTRIES.length} entries, ${scenarios.length} snapshots, ${problems.size} problems`);
  if (problems.size > 0) process.exitCode = 1;
}

/** Finds the compiler that BICEP names, that is on the PATH, or that the Azure CLI or azd installed for itself. */
function findCompiler(): string | undefined {
  const { AZURE_CONFIG_DIR, BICEP, PATH = "" } = process.env;
  if (BICEP) return BICEP;
  const name = process.platform === "win32" ? "bicep.exe" : "bicep";
  const folders = [
    ...PATH.split(delimiter),
    join(AZURE_CONFIG_DIR ?? join(homedir(), ".azure"), "bin"),
    join(homedir(), ".azd", "bin"),
  ];
  return folders
    .map((folder) => join(folder, name))
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

/**
 * Returns the compiler at a path. Where its registry cannot be reached, BICEP_CONFIG names a configuration that takes
 * the Graph extension from elsewhere.
 */
function compilerAt(path: string): Compiler {
  const config = process.env.BICEP_CONFIG;
  return (command = "", ...args) =>
    new Promise((resolve, reject) => {
      const all = [command, ...args, ...(config && command !== "--version" ? ["--config", config] : [])];
      execFile(path, all, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        if (error && typeof error.code !== "number") reject(new Error(`check:infra: ${path}: ${error.message}`));
        else resolve({ code: Number(error?.code ?? 0), stdout, stderr });
      });
    });
}

/**
 * Fetches the extensions into the compiler's cache, one entry after the other: a compiler that finds the cache locked
 * by another reports BCP190. A failure shows in the build's findings.
 */
async function restore(compiler: Compiler): Promise<void> {
  for (const entry of ENTRIES) await compiler("restore", `infra/${entry}.bicep`);
}

async function findingsOf(compiler: Compiler, command: "build" | "lint", entry: string): Promise<string[]> {
  const file = `infra/${entry}.bicep`;
  const toNowhere = command === "build" ? ["--stdout"] : [];
  const { code, stdout, stderr } = await compiler(command, file, "--diagnostics-format", "sarif", ...toNowhere);
  const report = command === "build" ? stderr : stdout;
  let runs: readonly { readonly results: readonly Finding[] }[];
  try {
    ({ runs } = JSON.parse(report));
  } catch {
    return [`${file}: ${command} ended with ${code}: ${report || stderr}`];
  }
  const findings = runs.flatMap(({ results }) => results).map(lineOf);
  return findings.length === 0 && code !== 0 ? [`${file}: ${command} ended with ${code}`] : findings;
}

function lineOf({ ruleId, message, locations }: Finding): string {
  const { artifactLocation, region } = locations[0]?.physicalLocation ?? {};
  const file = artifactLocation ? relative(process.cwd(), new URL(artifactLocation.uri).pathname) : "";
  return `${file}:${region?.startLine ?? 0} ${ruleId}: ${message.text}`;
}

/**
 * Compares what a parameter file deploys with its snapshot, or writes it there. The compiler's own comparison leaves outputs
 * out, and throws on objects of Microsoft Graph: docs/decisions/0066-check-infra-compares-snapshots.md.
 */
async function checkSnapshot(compiler: Compiler, copy: string, file: string, isWritten: boolean): Promise<string[]> {
  const { code, stderr } = await compiler("snapshot", join(copy, file), "--mode", "overwrite", ...placeOf(file));
  if (code !== 0 || stderr !== "") return [`${file}: ${stderr.trim()}`];
  const target = file.replace(/\.bicepparam$/, ".snapshot.json");
  const snapshot = JSON.parse(readFileSync(join(copy, target), "utf8")) as { outputs: Record<string, unknown> };
  // The compiler sorts outputs differently each time.
  const outputs = Object.fromEntries(Object.entries(snapshot.outputs).sort(([a], [b]) => (a < b ? -1 : 1)));
  const text = `${JSON.stringify({ ...snapshot, outputs }, undefined, 2)}\n`;
  if (isWritten) {
    writeFileSync(target, text);
    return [];
  }
  const committed = existsSync(target) ? readFileSync(target, "utf8") : "";
  if (text === committed) return text.includes('"Microsoft.Graph/') ? [] : validate(compiler, copy, file);
  const changes = [
    ...linesOnlyIn(committed, text).map((line) => `- ${line}`),
    ...linesOnlyIn(text, committed).map((line) => `+ ${line}`),
  ];
  return [
    `${file}: deploys something else than its snapshot. If that is meant: npm run check:infra -- --write`,
    ...changes.slice(0, MOST_LINES),
  ];
}

/** Returns what the compiler says when it compares a snapshot itself: nothing where nothing has changed. */
async function validate(compiler: Compiler, copy: string, file: string): Promise<string[]> {
  const args = [join(copy, file), "--mode", "validate", ...placeOf(file)];
  const { code, stdout, stderr } = await compiler("snapshot", ...args);
  return code === 0 && stdout + stderr === "" ? [] : [`${file}: validate ended with ${code}: ${stdout}${stderr}`];
}

function linesOnlyIn(text: string, other: string): readonly string[] {
  const others = new Set(other.split("\n"));
  return text.split("\n").filter((line) => !others.has(line));
}

/** Returns the arguments that say where to deploy: only a deployment into a group takes a group. */
function placeOf(file: string): string[] {
  const isForSubscription = readFileSync(file, "utf8").includes("main.bicep'");
  const group = isForSubscription ? [] : ["--resource-group", `rg-${basename(file, ".bicepparam")}`];
  return [...Object.entries(PLACE).flat(), ...group];
}

await main();
