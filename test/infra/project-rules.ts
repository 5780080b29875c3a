import { parse } from "yaml";
import { frontendAuth } from "../../packages/easy-auth-local/src/stack/app-auth.ts";
import { SETTING_NAMES } from "../../src/settings.ts";
import { at, entriesOf, itemsOf, unquote } from "./bicep.ts";
import { ofType, sitesOf } from "./checks.ts";
import type { Infra } from "./infra.ts";
import type { Rule } from "./structure-rules.ts";

/** The platform's own settings: read by the Functions host or its worker, not by `src/settings.ts`. */
const PLATFORM_SETTINGS = [
  "AzureWebJobsStorage__accountName",
  "AzureWebJobsStorage__blobServiceUri",
  "AzureWebJobsStorage__clientId",
  "AzureWebJobsStorage__credential",
];

/** Easy Auth sets these itself. */
const SET_BY_EASY_AUTH = ["WEBSITE_AUTH_CLIENT_ID", "WEBSITE_AUTH_OPENID_ISSUER"];

/** Other credentials, never used where an identity is; and a collector of one's own. */
const NEVER_SET = ["CLIENT_CERTIFICATE_PEM", "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/** What the local stack's gate of the frontend lets by. */
const LOCALLY_EXCLUDED =
  frontendAuth({ tenantId: "", apiClientId: "", apiScope: "", frontendClientId: "" }).globalValidation.excludedPaths ??
  [];

/** Where each code stands in `src/errors.ts`. */
const ERROR_CODE = /^ {2}\| "(\w+)"/gm;

interface AzureYaml {
  readonly services: Record<string, { readonly host: string; readonly remoteBuild?: boolean }>;
  readonly hooks: Record<string, Record<string, { readonly run: string }>>;
}

/** What lies in several places has to be the same everywhere: Bicep, azd, hooks, code and documents. */
export const PROJECT_RULES = {
  "settings are those that the code reads": (infra) => {
    const set = [...apiSettings(infra)].filter((name) => !PLATFORM_SETTINGS.includes(name));
    const read: readonly string[] = SETTING_NAMES;
    const elsewhere = [...SET_BY_EASY_AUTH, ...NEVER_SET, ...PLATFORM_SETTINGS];
    const wanted = read.filter((name) => !elsewhere.includes(name));
    return [
      ...set.filter((name) => !wanted.includes(name)).map((name) => `${name} is set, but nothing reads it`),
      ...wanted.filter((name) => !set.includes(name)).map((name) => `${name} is read, but not set`),
      ...PLATFORM_SETTINGS.filter((name) => !apiSettings(infra).has(name)).map((name) => `${name} is not set`),
    ];
  },
  "services of azd are tags of sites": (infra) => {
    const tags = [...allText(infra).matchAll(/'azd-service-name': '(\w+)'/g)].map(([, name]) => name);
    return same(Object.keys(azureYaml(infra).services), tags, "service");
  },
  "packages are built here, not in Azure": (infra) => {
    const isLocal = azureYaml(infra).services.api?.remoteBuild === false;
    const isAsBuilt = infra.files
      .get("modules/frontend.bicep")
      ?.text.includes("SCM_DO_BUILD_DURING_DEPLOYMENT: 'false'");
    return isLocal && isAsBuilt ? [] : ["azure.yaml or frontend.bicep: built in Azure"];
  },
  "hooks exist, and run the same everywhere": (infra) =>
    Object.entries(azureYaml(infra).hooks).flatMap(([name, { windows, posix }]) => {
      const [, script] = /^node (\S+)$/.exec(posix?.run ?? "") ?? [];
      const found = script === undefined || infra.texts.has(script) ? [] : [`${name}: ${script} does not exist`];
      return windows?.run === posix?.run ? found : [...found, `${name}: another command on Windows`];
    }),
  "hooks read what the deployment puts out, or what azd sets": (infra) => {
    const known = new Set([...outputs(infra), ...parameterVariables(infra).values(), ...HOOK_VARIABLES]);
    return [...hookVariables(infra)].filter((name) => !known.has(name)).map((name) => `${name} is nowhere put out`);
  },
  "azd passes every parameter": (infra) => {
    const main =
      infra.files
        .get("main.bicep")
        ?.parameters.map(({ name }) => name)
        .filter((name) => name !== "tags") ?? [];
    return same(main, [...parameterVariables(infra).keys()], "parameter");
  },
  "azd's defaults are those of the parameters": (infra) =>
    (infra.files.get("main.bicep")?.parameters ?? []).flatMap(({ name, fallback }) => {
      const value = parametersFile(infra)[name]?.value ?? "";
      const given = /=([^}]*)\}$/.exec(value)?.[1];
      return !fallback || given === undefined || given === unquote(fallback.text)
        ? []
        : [`${name}: ${given}, not ${fallback.text}`];
    }),
  "both entries take the same parameters with the same defaults": (infra) => {
    const [main, resources] = ["main.bicep", "resources.bicep"].map((path) => infra.files.get(path)?.parameters ?? []);
    const byName = new Map(resources?.map((one) => [one.name, one]));
    return (main ?? []).flatMap(({ name, allowed, fallback, type }) => {
      const other = byName.get(name);
      if (!other || other.type !== type || name === "location") return [];
      const isSame = other.fallback?.text === fallback?.text && `${other.allowed}` === `${allowed}`;
      return isSame ? [] : [`${name} differs`];
    });
  },
  "Node is the version of this project": (infra) => {
    const version = infra.texts.get(".node-version")?.trim();
    const parameter = infra.files.get("main.bicep")?.parameters.find(({ name }) => name === "nodeVersion");
    return parameter?.fallback?.text === `'${version}'` ? [] : [`nodeVersion is not ${version}`];
  },
  "Easy Auth leaves out the anonymous routes, and no others": (infra) => {
    const excluded = (path: string) => {
      const auth = ofType(infra, "Microsoft.Web/sites/config").find(({ file }) => file.path === path);
      return itemsOf(auth && at(auth.body, "properties.globalValidation.excludedPaths")).map(({ text }) =>
        unquote(text),
      );
    };
    return [
      ...same(anonymousRoutes(infra), excluded("modules/api-easy-auth.bicep"), "excluded path"),
      ...same(LOCALLY_EXCLUDED, excluded("modules/frontend-easy-auth.bicep"), "excluded path"),
    ];
  },
  "the frontend is probed where nobody has to sign in": (infra) =>
    sitesOf(infra).flatMap(({ body }) => {
      const path = at(body, "properties.siteConfig.healthCheckPath")?.text;
      return path === undefined || LOCALLY_EXCLUDED.includes(unquote(path)) ? [] : [`${path} needs a sign-in`];
    }),
  "queries ask for codes that exist": (infra) => {
    const codes = new Set([...(infra.texts.get("src/errors.ts") ?? "").matchAll(ERROR_CODE)].map(([, code]) => code));
    return [...infra.texts].flatMap(([path, text]) =>
      path.endsWith(".kql")
        ? [...text.matchAll(/"(\w+)"/g)].flatMap(([, code]) => (codes.has(code ?? "") ? [] : [`${path}: ${code}`]))
        : [],
    );
  },
  "the Graph extension is pinned, and no rule of the linter is weaker than an error": (infra) => {
    const { extensions, analyzers } = JSON.parse(infra.texts.get("infra/bicepconfig.json") ?? "{}") as BicepConfig;
    const pinned = "br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0";
    const weak = Object.entries(analyzers.core.rules).filter(
      ([rule, { level }]) => level !== "error" && rule !== "use-recent-api-versions",
    );
    const used = new Set([...infra.files.values()].flatMap((file) => file.extensions));
    return [
      ...weak.map(([rule]) => `${rule} is no error`),
      ...(extensions.microsoftGraphV1 === pinned ? [] : ["the Graph extension is another"]),
      ...[...used].filter((name) => !(name in extensions)).map((name) => `${name} is not configured`),
    ];
  },
  "every parameter is in the documents": (infra) =>
    [...parameterVariables(infra)]
      .filter(([, variable]) => !infra.texts.get("docs/deploy.md")?.includes(`\`${variable}\``))
      .map(([name]) => `${name} is not in docs/deploy.md`),
} satisfies Record<string, Rule>;

/** What azd itself sets, and what tunes a hook. */
const HOOK_VARIABLES = [
  "AZURE_ENV_NAME",
  "AZURE_LOCATION",
  "AZURE_SUBSCRIPTION_ID",
  "PURGE_PAUSE_SECONDS",
  "SMOKE_TIMEOUT_SECONDS",
];

interface BicepConfig {
  readonly extensions: Record<string, string>;
  readonly analyzers: { readonly core: { readonly rules: Record<string, { readonly level: string }> } };
}

/** Routes of functions that ask for no user. */
function anonymousRoutes(infra: Infra): readonly string[] {
  return [...infra.texts].flatMap(([path, text]) => {
    if (!path.startsWith("src/functions/") || text.includes("asUser(")) return [];
    const route = /route: "([^"]+)"/.exec(text) ?? /app\.http\("([^"]+)"/.exec(text);
    return route ? [`/api/${route[1]}`] : [];
  });
}

function apiSettings(infra: Infra): ReadonlySet<string> {
  const file = infra.files.get("modules/api.bicep");
  const objects = ["settings", "filesSettings"].map((name) => file?.variables.get(name));
  return new Set(objects.flatMap((object) => (object ? [...entriesOf(object).keys()] : [])));
}

function outputs(infra: Infra): readonly string[] {
  return [...(infra.files.get("main.bicep")?.outputs.keys() ?? [])];
}

function azureYaml(infra: Infra): AzureYaml {
  return parse(infra.texts.get("azure.yaml") ?? "") as AzureYaml;
}

function parametersFile(infra: Infra): Record<string, { readonly value: string }> {
  return (
    JSON.parse(infra.texts.get("infra/main.parameters.json") ?? "{}") as {
      parameters: Record<string, { value: string }>;
    }
  ).parameters;
}

/** Parameters of main.bicep with the variables that azd fills them from. */
function parameterVariables(infra: Infra): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(parametersFile(infra)).map(([name, { value }]) => [name, /^\$\{(\w+)/.exec(value)?.[1] ?? ""]),
  );
}

function hookVariables(infra: Infra): ReadonlySet<string> {
  const hooks = [...infra.texts]
    .filter(([path]) => path.startsWith("infra/hooks/"))
    .map(([, text]) => text)
    .join("\n");
  const read = [...hooks.matchAll(/\benv\.([A-Z]\w+)/g)].map(([, name = ""]) => name);
  const taken = [...hooks.matchAll(/const \{([^}]*)\} = process\.env/g)].flatMap(
    ([, names = ""]) => names.match(/\b[A-Z][A-Z_]+\b/g) ?? [],
  );
  return new Set([...read, ...taken]);
}

function allText(infra: Infra): string {
  return [...infra.files.values()].map(({ text }) => text).join("\n");
}

function same(wanted: readonly (string | undefined)[], found: readonly (string | undefined)[], what: string): string[] {
  return [
    ...wanted.filter((one) => !found.includes(one)).map((one) => `${what} ${one} is missing`),
    ...found.filter((one) => !wanted.includes(one)).map((one) => `${what} ${one} is one too many`),
  ];
}
