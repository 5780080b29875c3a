import { at, type BicepFile, type Declaration, descendants, entriesOf, faultsOf, type Node } from "./bicep.ts";
import { bodiesOf, type Infra } from "./infra.ts";
import { referencesIn, referencesOf } from "./references.ts";
import { checkResource, kindOf } from "./schema.ts";

/** Names what is wrong, each with its file and line. Empty: the rule holds. */
export type Rule = (infra: Infra) => readonly string[];

/** Rules any Bicep has to keep; the compiler would find most of them. */
export const STRUCTURE_RULES = {
  "every file parses": (infra) => each(infra, (file) => faultsOf(file).map((node) => problem(file, node, "no Bicep"))),
  "resources fit the schemas of their types": (infra) =>
    bodiesOf(infra.files).flatMap((body) => {
      const found: string[] = [];
      checkResource(infra.schema, body, (text, node) => found.push(problem(body.file, node, text)));
      return found;
    }),
  "every name is declared": (infra) =>
    each(infra, (file) =>
      referencesOf(file)
        .filter(({ text }) => !declaredIn(file).has(text))
        .map((node) => problem(file, node, `${node.text} is not declared`)),
    ),
  "nothing is declared twice": (infra) =>
    each(infra, (file) => {
      const names = declarationNames(file);
      return names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${file.path}: ${name} twice`);
    }),
  "nothing is unused": (infra) =>
    each(infra, (file) => {
      const used = new Set(referencesOf(file).map(({ text }) => text));
      const existing = file.resources.filter(({ isExisting }) => isExisting).map(({ name }) => name);
      const declared = [...file.parameters.map(({ name }) => name), ...file.variables.keys(), ...existing];
      return declared.filter((name) => !used.has(name)).map((name) => `${file.path}: ${name} is unused`);
    }),
  "modules exist and get their parameters": (infra) => eachModule(infra, checkModule),
  "outputs of modules exist": (infra) =>
    each(infra, (file) =>
      [...file.text.matchAll(/\b(\w+)!?\.outputs\.(\w+)/g)].flatMap(([text, name = "", output = ""]) => {
        const target = moduleOf(
          infra,
          file,
          file.modules.find((one) => one.name === name),
        );
        return target?.outputs.has(output) ? [] : [`${file.path}: ${text} does not exist`];
      }),
    ),
  "what is conditional is only read with its condition in mind": (infra) =>
    each(infra, (file) => {
      const conditional = file.modules.filter(
        ({ node }) => descendants(node)[0]?.namedChildren[2]?.type === "if_statement",
      );
      return conditional.flatMap(({ name }) =>
        new RegExp(`\\b${name}\\.outputs`).test(file.text) ? [`${file.path}: ${name}.outputs without !`] : [],
      );
    }),
  "nothing depends on itself": (infra) => each(infra, cyclesOf),
  "no module calls itself": (infra) => [...infra.files.values()].flatMap((file) => callsItself(infra, file)),
  "every parameter is described": (infra) =>
    each(infra, (file) =>
      file.parameters
        .filter(({ isDescribed }) => !isDescribed)
        .map(({ name }) => `${file.path}: ${name} is not described`),
    ),
  "files that are loaded exist": (infra) =>
    each(infra, (file) =>
      [...file.text.matchAll(/load(?:Text|Json)Content\('([^']+)'\)/g)].flatMap(([, path = ""]) =>
        infra.texts.has(`infra/${join(file.path, path)}`) ? [] : [`${file.path}: ${path} does not exist`],
      ),
    ),
} satisfies Record<string, Rule>;

export function problem(file: BicepFile, node: Node, text: string): string {
  return `${file.path}:${node.startPosition.row + 1}: ${text}`;
}

export function each(infra: Infra, check: (file: BicepFile) => readonly string[]): readonly string[] {
  return [...infra.files.values()].flatMap(check);
}

type ModuleCheck = (infra: Infra, file: BicepFile, module: Declaration) => readonly string[];

function eachModule(infra: Infra, check: ModuleCheck): readonly string[] {
  return each(infra, (file) => file.modules.flatMap((module) => check(infra, file, module)));
}

function checkModule(infra: Infra, file: BicepFile, module: Declaration): readonly string[] {
  const target = moduleOf(infra, file, module);
  if (!target) return [`${file.path}: ${module.type} does not exist`];
  const parameters = at(module.body, "params");
  const given = parameters ? entriesOf(parameters) : new Map<string, Node>();
  const found = target.parameters
    .filter(({ name, fallback }) => !fallback && !given.has(name))
    .map(({ name }) => problem(file, module.node, `${module.name} lacks ${name}`));
  for (const [name, value] of given) {
    const parameter = target.parameters.find((one) => one.name === name);
    if (!parameter) found.push(problem(file, value, `${module.type} has no parameter ${name}`));
    else {
      const wanted = parameter.type.endsWith("[]") ? "array" : parameter.type;
      if (![wanted, undefined].includes(kindOf(value, file)))
        found.push(problem(file, value, `${name} is no ${wanted}`));
      const isLiteral = value.type === "string" && !value.text.includes("${");
      if (isLiteral && parameter.allowed && !parameter.allowed.includes(value.text)) {
        found.push(problem(file, value, `${name} may not be ${value.text}`));
      }
    }
  }
  return found;
}

function moduleOf(infra: Infra, file: BicepFile, module: Declaration | undefined): BicepFile | undefined {
  return module && infra.files.get(join(file.path, module.type));
}

/** A path that is written in a file of `infra/`, from `infra/`. */
function join(from: string, path: string): string {
  return decodeURIComponent(new URL(path, `file:///${from}`).pathname.slice(1));
}

function declarationNames(file: BicepFile): string[] {
  return [...file.parameters, ...file.resources, ...file.modules]
    .map(({ name }) => name)
    .concat([...file.variables.keys()]);
}

function declaredIn(file: BicepFile): ReadonlySet<string> {
  return new Set(declarationNames(file));
}

function cyclesOf(file: BicepFile): readonly string[] {
  const edges = new Map<string, string[]>();
  const add = (name: string, node: Node) =>
    edges.set(
      name,
      referencesIn(node).map(({ text }) => text),
    );
  for (const [name, node] of file.variables) add(name, node);
  for (const { name, body } of [...file.resources, ...file.modules]) add(name, body);
  const found: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) found.push(`${file.path}: ${[...path, name].join(" → ")}`);
    else for (const next of edges.get(name) ?? []) if (found.length === 0) visit(next, [...path, name]);
  };
  for (const name of edges.keys()) visit(name, []);
  return found;
}

function callsItself(infra: Infra, file: BicepFile, path: readonly string[] = []): readonly string[] {
  if (path.includes(file.path)) return [[...path, file.path].join(" → ")];
  const called = file.modules.map((module) => moduleOf(infra, file, module));
  return called.flatMap((next) => (next ? callsItself(infra, next, [...path, file.path]) : []));
}
