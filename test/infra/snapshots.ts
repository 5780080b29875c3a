import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../infra/snapshots/", import.meta.url);

/** One resource as it is deployed. What only Azure knows is an expression in brackets. */
export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly id?: string;
  readonly [property: string]: unknown;
}

/** Everything that one choice of parameters deploys. */
export interface Snapshot {
  /** Name of its file, such as `network-full`. */
  readonly scenario: string;
  readonly resources: readonly Resource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Returns what is wrong in a snapshot; nothing if all is well, or if the snapshot has no such resource. */
export type Rule = (snapshot: Snapshot) => readonly string[];

/** One value in one snapshot that is replaced by a wrong one; undefined removes it. */
export interface Fault {
  readonly scenario: string;
  readonly type: string;
  readonly name: RegExp;
  readonly path: string;
  readonly value: unknown;
}

/** A rule with the faults that it, and no other rule, notices. */
export interface Policy {
  readonly rule: Rule;
  readonly faults: readonly Fault[];
}

/** Reads the committed snapshots. `npm run check:infra` compares them with the templates. */
export function loadSnapshots(): readonly Snapshot[] {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith(".snapshot.json"));
  return files.map((file) => {
    const { predictedResources, outputs } = JSON.parse(readFileSync(new URL(file, FOLDER), "utf8"));
    return { scenario: file.replace(".snapshot.json", ""), resources: predictedResources.map(named), outputs };
  });
}

/** Adds a name to objects of Microsoft Graph, which have other properties for it and their version in the type. */
function named(resource: Resource): Resource {
  const { uniqueName, name, appId, clientId, resourceId } = (resource.properties ?? {}) as Record<string, string>;
  return {
    ...resource,
    type: resource.type.replace(/@.*/, ""),
    name: resource.name ?? uniqueName ?? name ?? appId ?? `${clientId} ${resourceId}`,
  };
}

/** Returns the resources of a type whose name matches. */
export function resourcesOf({ resources }: Snapshot, type: string, name = /./): readonly Resource[] {
  return resources.filter((resource) => resource.type === type && name.test(resource.name));
}

/** Returns the value at a path with dots, or undefined. */
export function at(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((object, key) => (object as Record<string, unknown> | undefined)?.[key], value);
}

/** An expected value, a pattern for text, or a function that chooses one of them for a snapshot. */
type Wanted = unknown | RegExp | ((snapshot: Snapshot) => unknown);

/**
 * Makes a policy that requires these values of every such resource. Its faults are each of the values, spoiled in the
 * first snapshot of `scenario`, by default the deployment without choices.
 */
export function must(
  type: string,
  name: RegExp,
  wanted: Readonly<Record<string, Wanted>>,
  scenario = "default",
): Policy {
  return {
    rule: (snapshot) =>
      resourcesOf(snapshot, type, name).flatMap((resource) =>
        Object.entries(wanted).flatMap(([path, value]) => {
          const chosen = typeof value === "function" ? value(snapshot) : value;
          const found = at(resource, path);
          return fits(found, chosen) ? [] : [`${resource.name}: ${path} is ${JSON.stringify(found)}`];
        }),
      ),
    faults: Object.keys(wanted).map((path) => ({ scenario, type, name, path, value: "spoiled" })),
  };
}

function fits(found: unknown, wanted: unknown): boolean {
  if (wanted instanceof RegExp) return typeof found === "string" && wanted.test(found);
  return JSON.stringify(found) === JSON.stringify(wanted);
}

/** Returns the snapshot with a fault in the first resource that the fault names. */
export function spoil(snapshot: Snapshot, { type, name, path, value }: Fault): Snapshot {
  const spoiled = structuredClone(snapshot);
  const [target] = resourcesOf(spoiled, type, name);
  if (!target) throw new Error(`${snapshot.scenario} has no ${type} ${name}`);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let object = target as Record<string, unknown>;
  for (const key of keys) {
    object[key] ??= {};
    object = object[key] as Record<string, unknown>;
  }
  if (value === undefined) delete object[last];
  else object[last] = value;
  return spoiled;
}
