import { readFileSync } from "node:fs";
import type { ErrorObject, ValidateFunction } from "ajv";
import { ACCOUNTS } from "../directory/accounts.ts";
import { tenantFrom } from "../directory/directory.ts";
import { packageFile } from "../package-file.ts";
import type { Configuration } from "./configuration.ts";
import { type Registrations, registrationsOf } from "./registrations.ts";

/** Returns all that is wrong in a configuration, each as a sentence with the fix. */
export async function problemsOf(value: unknown): Promise<readonly string[]> {
  validating ??= compileSchema();
  const validate = await validating;
  if (!validate(value)) return [...new Set((validate.errors ?? []).map(sentence))];
  return crossProblems(value as Configuration);
}

let validating: Promise<ValidateFunction> | undefined;

async function compileSchema(): Promise<ValidateFunction> {
  // Loaded on demand, since a stack without a configuration file does not need it.
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const schema: object = JSON.parse(readFileSync(packageFile("configuration.schema.json"), "utf8"));
  // Checking the schema itself would take most of the time; a test does that.
  return new Ajv2020({ allErrors: true, strict: false, verbose: true, validateSchema: false }).compile(schema);
}

/** Tells whether an app is named by its address or port, and not by its folder. */
export function isAddress(app: string | number | undefined): boolean {
  return typeof app === "number" || /^(\d+|https?:.*)$/.test(app ?? "");
}

/** Says what one error of the schema means. */
function sentence({ instancePath, keyword, params, parentSchema, data }: ErrorObject): string {
  const where = instancePath.slice(1).replaceAll("/", ".") || "The file";
  if (keyword === "additionalProperties") {
    const known = Object.keys((parentSchema?.properties as object | undefined) ?? {}).filter(
      (name) => name !== "$schema",
    );
    return `${where} has an unknown member "${params.additionalProperty}". Known are: ${known.join(", ")}.`;
  }
  if (keyword === "required") return `${where} lacks "${params.missingProperty}". Add it.`;
  const is = JSON.stringify(data) ?? "nothing";
  if (keyword === "enum") return `${where} is ${is}. Use one of: ${(params.allowedValues as string[]).join(", ")}.`;
  const description = typeof parentSchema?.description === "string" ? ` ${parentSchema.description}` : "";
  if (keyword === "type")
    return `${where} is ${is}. Use a value of type ${[params.type].flat().join(" or ")}.${description}`;
  if (keyword === "pattern") return `${where} is ${is}, which does not fit.${description}`;
  return `${where} is ${is}: it ${keyword === "minimum" || keyword === "maximum" ? "is out of range" : "does not fit"}.${description}`;
}

/** Names in an issuer that stand for several tenants. */
const ANY_TENANT = ["common", "organizations", "consumers"];

/** Returns the tenant in an issuer's address, as it is spelled there. */
function tenantOf(issuer: string | undefined): string | undefined {
  return issuer !== undefined && URL.canParse(issuer) ? new URL(issuer).pathname.split("/")[1] || undefined : undefined;
}

/** Checks what a schema cannot express: names that must exist, ids that must differ. */
function crossProblems(configuration: Configuration): readonly string[] {
  const registrations = registrationsOf(configuration);
  const accounts = [...ACCOUNTS, ...(configuration.accounts ?? [])];
  const byKey = new Map(accounts.map(({ key, objectId }) => [`account ${key}`, objectId]));
  const clientIds = new Map([...registrations].map(([name, { clientId }]) => [`registrations.${name}`, clientId]));
  const ports = new Map(
    Object.entries(configuration.ports ?? {}).flatMap(([name, port]) =>
      port === 0 ? [] : [[`ports.${name}`, String(port)] as const],
    ),
  );
  return [
    ...(["api", "frontend"] as const).flatMap((app) => appProblems(app, configuration, registrations)),
    ...repeated(clientIds, "the clientId"),
    ...repeated(byKey, "the objectId"),
    ...repeated(ports, "the port"),
  ];
}

function appProblems(app: "api" | "frontend", configuration: Configuration, registrations: Registrations): string[] {
  const { registration, auth, run, app: target } = configuration[app] ?? {};
  const names = [...registrations.keys()].filter((name) => !name.startsWith("service "));
  const ids = new Set([...registrations.values()].map(({ clientId }) => clientId.toLowerCase()));
  const { id, domains } = tenantFrom(configuration.tenant);
  const tenants = new Set([...ANY_TENANT, id, ...domains].map((name) => name.toLowerCase()));
  const { clientId, openIdIssuer } = auth?.identityProviders.azureActiveDirectory.registration ?? {};
  const tenant = tenantOf(openIdIssuer);
  const problems: string[] = [];
  if (registration !== undefined && !registrations.has(registration)) {
    problems.push(
      `${app}.registration names "${registration}", which is not in registrations. There are: ${names.join(", ")}.`,
    );
  }
  if (clientId !== undefined && !ids.has(clientId.toLowerCase())) {
    problems.push(
      `${app}.auth is of the client id ${clientId}, which no registration has. Add one to registrations, with that clientId.`,
    );
  }
  if (tenant !== undefined && !tenants.has(tenant.toLowerCase())) {
    problems.push(
      `${app}.auth has an openIdIssuer of the tenant ${tenant}, which is not the stack's. Add "tenant": { "id": "${tenant}" }, or use ${id}.`,
    );
  }
  if (run !== undefined && !isAddress(target)) {
    problems.push(`${app}.run starts an app, but ${app}.app does not say where it listens. Use its port or address.`);
  }
  return problems;
}

/** Reports each value that two entries share, in any letter case. */
function repeated(values: ReadonlyMap<string, string>, what: string): string[] {
  const seen = new Map<string, string>();
  return [...values].flatMap(([name, value]) => {
    const other = seen.get(value.toLowerCase());
    seen.set(value.toLowerCase(), name);
    return other === undefined ? [] : [`${name} has ${what} of ${other}. Give each its own.`];
  });
}
