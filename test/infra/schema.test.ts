import { beforeAll, describe, expect, test } from "vitest";
import { parseBicep } from "./bicep.ts";
import { type Infra, loadInfra } from "./infra.ts";
import { referencesOf } from "./references.ts";
import { checkResource } from "./schema.ts";

let infra: Infra;
beforeAll(async () => {
  infra = await loadInfra();
});

const BUDGET = "Microsoft.Consumption/budgets@2024-08-01";
const RULE = "Microsoft.Insights/scheduledQueryRules@2023-12-01";
const CONFIG = "Microsoft.Web/sites/config@2024-11-01";

function problemsOf(text: string): string[] {
  const found: string[] = [];
  const file = parseBicep("sample.bicep", text);
  for (const resource of file.resources) {
    checkResource(infra.schema, { ...resource, file }, (problem) => found.push(problem));
  }
  return found;
}

const rule = (body: string, before = "") =>
  `${before}\nresource one '${RULE}' = {\n  name: 'x'\n  location: 'y'\n  ${body}\n}\n`;
const properties = (text: string) => `properties: { enabled: true, scopes: [], criteria: {}, ${text} }`;

describe("a resource is held against its type:", () => {
  test.each<[string, string, string[]]>([
    ["all as it should be", rule(properties("severity: 1")), []],
    [
      "a version that is not known",
      "resource one 'Microsoft.Consumption/budgets@2019-01-01' = { name: 'x' }",
      ["Microsoft.Consumption/budgets@2019-01-01 of this name is not in the schema snapshot"],
    ],
    [
      "a name that has no such resource",
      `resource one '${CONFIG}' = { name: 'authsettingsV3' }`,
      [`${CONFIG} of this name is not in the schema snapshot`],
    ],
    [
      "a property that is misspelt",
      rule(properties("Severity: 1")),
      ["Severity is no property of scheduledQueryRuleProperties"],
    ],
    ["a required one that is missing", rule("properties: { enabled: true, scopes: [] }"), ["criteria is missing"]],
    [
      "one that only Azure sets",
      rule(properties("createdWithApiVersion: 'x'")),
      ["createdWithApiVersion cannot be set"],
    ],
    ["a text for a number", rule(properties("severity: '1'")), ["is string, not int"]],
    ["a number for a text", rule(properties("windowSize: 5")), ["is int, not string"]],
    ["a text for a list", rule(properties("targetResourceTypes: 'x'")), ["is not a list of string[]"]],
    ["a number in a list of texts", rule(properties("targetResourceTypes: [1]")), ["is int, not string"]],
    ["a text for an object", rule(properties("actions: 'x'")), ["is not an object of alertActions"]],
    [
      "a value that is none of those allowed",
      rule("kind: 'LogAlarm'\n  properties: { enabled: true, scopes: [], criteria: {} }"),
      ["LogAlarm is none of LogAlert | LogToMetric"],
    ],
    ["both values of a choice", rule(properties("severity: a ? 1 : 'x'"), "param a bool"), ["is string, not int"]],
    [
      "a variable's value",
      rule(properties("actions: a"), "var a = { groups: [] }"),
      ["groups is no property of alertActions"],
    ],
    ["a parameter's type", rule(properties("severity: a"), "param a bool"), ["is bool, not int"]],
    [
      "a parameter's allowed values",
      rule(
        "kind: a\n  properties: { enabled: true, scopes: [], criteria: {} }",
        "@allowed(['LogAlert', 'Other'])\nparam a string",
      ),
      ["Other is none of LogAlert | LogToMetric"],
    ],
    ["a function's result", rule(properties("severity: uniqueString('x')")), ["is string, not int"]],
    [
      "items of a list of objects",
      rule("properties: { enabled: true, scopes: [], criteria: { allOf: [{ operator: 'More' }] } }"),
      ["More is none of Equals | GreaterThan | GreaterThanOrEqual | LessThan | LessThanOrEqual"],
    ],
    [
      "names that are free, with values that are not",
      rule("tags: { a: 1 }\n  properties: { enabled: true, scopes: [], criteria: {} }"),
      ["is int, not string"],
    ],
    ["one that exists already needs no more than its name", `resource one '${BUDGET}' existing = { name: 'x' }`, []],
    ["what only Azure knows is let through", rule(properties("severity: other.properties.level")), []],
  ])("%s", (_, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });
});

describe("names that are used", () => {
  test.each<[string, string, string[]]>([
    ["in values, not as keys", "var a = { b: c }", ["c"]],
    ["as keys in a string", "var a = { '${b}': 1 }", ["b"]],
    ["behind a dot only once", "var a = b.c.d", ["b"]],
    ["not by a lambda's own name, also after an operator", "var a = filter(b, one => one.c == one.d && e)", ["b", "e"]],
    ["in a lambda within a lambda", "var a = map(b, one => filter(c, two => two.x == one)[0].id)", ["b", "c"]],
    ["not by a loop's own name", "resource r 'A/b@1' = [\n  for one in b: {\n    name: one.c\n  }\n]", ["b"]],
    ["in a condition", "resource r 'A/b@1' = if (!empty(a)) {\n  name: 'x'\n}", ["a"]],
    ["not as functions", "var a = empty(guid(b))", ["b"]],
  ])("%s", (_, text, names) => {
    expect(referencesOf(parseBicep("sample.bicep", text)).map((node) => node.text)).toEqual(names);
  });
});
