import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { PROBLEMS } from "../../src/errors.ts";
import { SETTING_NAMES } from "../../src/settings.ts";
import { at, loadSnapshots, resourcesOf } from "./snapshots.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(`${ROOT}${path}`, "utf8");
const filesIn = (folder: string) => readdirSync(`${ROOT}${folder}`).map((name) => `${folder}/${name}`);
const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name = ""]) => name);

const SNAPSHOTS = loadSnapshots();
const MAIN = read("infra/main.bicep");
const AZURE_YAML = parse(read("azure.yaml")) as {
  readonly services: Record<string, { readonly remoteBuild?: boolean }>;
  readonly hooks: Record<string, Record<string, { readonly run: string }>>;
};
const AZD_PARAMETERS = Object.entries(
  (JSON.parse(read("infra/main.parameters.json")) as { parameters: Record<string, { value: string }> }).parameters,
).map(([name, { value }]) => {
  const [, variable = "", fallback] = /^\$\{(\w+)(?:=(.*))?\}$/.exec(value) ?? [];
  return { name, variable, fallback };
});

/** The platform's own settings: read by the Functions host or its worker, not by `src/settings.ts`. */
const PLATFORM_SETTINGS = ["accountName", "blobServiceUri", "clientId", "credential"].map(
  (name) => `AzureWebJobsStorage__${name}`,
);
/**
 * Settings that no template sets: those of Easy Auth itself, credentials that an identity replaces, a collector of
 * one's own.
 */
const NOT_SET = [
  "WEBSITE_AUTH_CLIENT_ID",
  "WEBSITE_AUTH_OPENID_ISSUER",
  "CLIENT_CERTIFICATE_PEM",
  "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET",
  "OTEL_EXPORTER_OTLP_ENDPOINT",
];
/** Variables that azd itself sets, or that tune a hook. */
const HOOK_VARIABLES = [
  "AZURE_ENV_NAME",
  "AZURE_LOCATION",
  "AZURE_SUBSCRIPTION_ID",
  "PURGE_PAUSE_SECONDS",
  "SMOKE_TIMEOUT_SECONDS",
];

/** Returns all values of one property in all snapshots. */
function valuesOf(type: string, name: RegExp, path: string): readonly unknown[] {
  return SNAPSHOTS.flatMap((snapshot) => resourcesOf(snapshot, type, name)).map((resource) => at(resource, path));
}

/** Parameters of a template with their defaults as written. */
function parametersOf(text: string): Map<string, string | undefined> {
  return new Map([...text.matchAll(/^param (\w+) \S+(?: = (.*))?$/gm)].map(([, name = "", value]) => [name, value]));
}

describe("settings", () => {
  test("of the API are those that the code reads", () => {
    const set = valuesOf("Microsoft.Web/sites/config", /^func-api-\w+\/appsettings$/, "properties");
    const names = new Set(set.flatMap((properties) => Object.keys(properties as object)));
    const wanted = [...SETTING_NAMES, ...PLATFORM_SETTINGS].filter((name) => !NOT_SET.includes(name));
    expect([...names].sort()).toEqual(wanted.sort());
  });

  test("of both apps name Node as this project does", () => {
    const version = read(".node-version").trim();
    const runtime = valuesOf("Microsoft.Web/sites", /^func-api/, "properties.functionAppConfig.runtime.version");
    const stack = valuesOf("Microsoft.Web/sites", /^app-frontend/, "properties.siteConfig.linuxFxVersion");
    expect([...new Set([...runtime, ...stack])]).toEqual([version, `NODE|${version}-lts`]);
  });

  test("are written one after the other: writes at the same time overwrite each other", () => {
    for (const site of ["api", "frontend"]) {
      const text = read(`infra/modules/${site}.bicep`);
      const written = [...text.matchAll(/^resource (\w+) [^{]*\{\n {2}parent: site\n(.*?)^\}/gms)];
      const waitsFor = written.map(([, , body = ""]) => /dependsOn: \[\s*(\w+)\s*\]/.exec(body)?.[1]);
      expect(waitsFor, site).toEqual([undefined, ...written.slice(0, -1).map(([, name]) => name)]);
      expect(read("infra/resources.bicep")).toContain(`siteName: ${site}!.outputs.name`);
    }
  });
});

describe("paths without a sign-in", () => {
  const excluded = (site: RegExp) =>
    valuesOf("Microsoft.Web/sites/config", site, "properties.globalValidation.excludedPaths").filter(Boolean);
  const { api, frontend } = JSON.parse(read("easy-auth-local.json")) as Readonly<
    Record<"api" | "frontend", { readonly excludedPaths: readonly string[] }>
  >;

  test("are those of the local stack's gates, the probe's among them", () => {
    for (const paths of excluded(/^func-api/)) expect(paths).toEqual(api.excludedPaths);
    for (const paths of excluded(/^app-frontend/)) expect(paths).toEqual(frontend.excludedPaths);
    const probed = valuesOf("Microsoft.Web/sites", /^app-frontend/, "properties.siteConfig.healthCheckPath");
    expect(frontend.excludedPaths).toEqual(expect.arrayContaining([...new Set(probed)]));
  });
});

describe("azd", () => {
  test("finds a site for each service, and builds neither in Azure", () => {
    const tags = valuesOf("Microsoft.Web/sites", /./, "tags.azd-service-name");
    expect([...new Set(tags)]).toEqual(Object.keys(AZURE_YAML.services));
    expect(AZURE_YAML.services.api?.remoteBuild).toBe(false);
    const build = "properties.SCM_DO_BUILD_DURING_DEPLOYMENT";
    const built = valuesOf("Microsoft.Web/sites/config", /^app-frontend-\w+\/appsettings$/, build);
    expect([...new Set(built)]).toEqual(["false"]);
  });

  test("passes every parameter, with the default of the template, and docs/deploy.md names it", () => {
    const parameters = parametersOf(MAIN);
    for (const name of ["cloudName", "tags"]) parameters.delete(name);
    expect(AZD_PARAMETERS.map(({ name }) => name).sort()).toEqual([...parameters.keys()].sort());
    for (const { name, variable, fallback } of AZD_PARAMETERS) {
      expect(fallback, name).toBe(parameters.get(name)?.replaceAll("'", ""));
      expect(read("docs/deploy.md")).toContain(`\`${variable}\``);
    }
  });

  test("deploys with the defaults of a deployment into one group", () => {
    const inner = parametersOf(read("infra/resources.bicep"));
    const main = [...parametersOf(MAIN)].filter(([name]) => inner.has(name) && name !== "location");
    const isList = (name: string) => inner.get(name) === "[]";
    for (const [name, value] of main) expect(inner.get(name), name).toBe(isList(name) ? "[]" : value);
  });

  test("runs hooks that exist, the same on Windows", () => {
    for (const [name, { windows, posix }] of Object.entries(AZURE_YAML.hooks)) {
      expect(windows?.run, name).toBe(posix?.run);
      const [, script] = /^node (\S+)$/.exec(posix?.run ?? "") ?? [];
      if (script) expect(filesIn("infra/hooks")).toContain(script);
    }
  });

  test("gives hooks what they read", () => {
    const text = filesIn("infra/hooks").map(read).join("\n");
    const taken = namesIn(text, /const \{([^}]*)\} = process\.env/g).flatMap((names) => names.match(/\b[A-Z_]{2,}\b/g));
    const wanted = new Set([...namesIn(text, /\benv\.([A-Z]\w+)/g), ...taken]);
    const known = [...namesIn(MAIN, /^output (\w+)/gm), ...AZD_PARAMETERS.map(({ variable }) => variable)];
    expect([...wanted].filter((name) => ![...known, ...HOOK_VARIABLES].includes(name ?? ""))).toEqual([]);
  });
});

test("every query is saved in the workspace, and in the runbook", () => {
  const saved = valuesOf("Microsoft.OperationalInsights/workspaces/savedSearches", /./, "name");
  const names = [...new Set(saved)].map((name) => String(name).replace(/.*\//, ""));
  const files = filesIn("infra/queries").map((path) => path.replace(/.*\/(.*)\.kql/, "$1"));
  expect(names.sort()).toEqual(files.sort());
  for (const name of names) expect(read("docs/runbook.md")).toContain(`\n| \`${name}\``);
});

test("queries ask for codes that exist", () => {
  const codes = Object.keys(PROBLEMS);
  const asked = filesIn("infra/queries").flatMap((path) => namesIn(read(path), /code\b[^\n]* (?:==|in) \(?(.*)$/gm));
  const quoted = asked.flatMap((list) => namesIn(list, /"(\w+)"/g));
  expect(quoted.length).toBeGreaterThan(3);
  expect(quoted.filter((code) => !codes.includes(code ?? ""))).toEqual([]);
});

test("the compiler is pinned, and so is the Graph extension; no rule of the linter is weaker than an error", () => {
  const { extensions, analyzers } = JSON.parse(read("infra/bicepconfig.json"));
  expect(extensions).toEqual({
    microsoftGraphV1: "br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0",
  });
  const levels = Object.values(analyzers.core.rules as Record<string, { level: string }>).map(({ level }) => level);
  expect(levels.filter((level) => level !== "error")).toEqual([]);
});
