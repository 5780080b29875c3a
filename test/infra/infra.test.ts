import { beforeAll, describe, expect, test } from "vitest";
import { BROKEN } from "./broken.ts";
import { DATA_RULES } from "./data-rules.ts";
import { bodiesOf, type Infra, loadInfra, withTexts } from "./infra.ts";
import { PROJECT_RULES } from "./project-rules.ts";
import { SIGN_IN_RULES } from "./sign-in-rules.ts";
import { SITE_RULES } from "./site-rules.ts";
import { type Rule, STRUCTURE_RULES } from "./structure-rules.ts";
import { WIRING_RULES } from "./wiring-rules.ts";
import { WORKFLOW_RULES } from "./workflow-rules.ts";

const RULES: Record<string, Rule> = {
  ...STRUCTURE_RULES,
  ...SITE_RULES,
  ...SIGN_IN_RULES,
  ...DATA_RULES,
  ...WIRING_RULES,
  ...PROJECT_RULES,
  ...WORKFLOW_RULES,
};

let infra: Infra;
beforeAll(async () => {
  infra = await loadInfra();
});

describe("infra/", () => {
  test.each(Object.keys(RULES))("%s", (name) => {
    expect(RULES[name]?.(infra)).toEqual([]);
  });
});

describe("the schema snapshot", () => {
  test("knows one preview of an API: that of what has no release", () => {
    const previews = Object.keys(infra.schema.resources).filter((type) => type.includes("preview"));
    expect(previews).toEqual(["Microsoft.Insights/diagnosticSettings@2021-05-01-preview"]);
  });

  test("holds nothing that is not deployed", () => {
    const used = new Set(bodiesOf(infra.files).map(({ type }) => type));
    expect(Object.keys(infra.schema.resources).filter((type) => !used.has(type))).toEqual([]);
  });
});

describe("each rule", () => {
  test("has a fault that proves it", () => {
    expect(Object.keys(BROKEN).sort()).toEqual(Object.keys(RULES).sort());
  });

  test.each(Object.entries(BROKEN))("alone notices its fault: %s", (name, { path, from, to }) => {
    const text = infra.texts.get(path) ?? "";
    expect(text.split(from).length, `${path} holds the text to break once`).toBe(2);
    const broken = withTexts(infra, new Map([...infra.texts, [path, text.replace(from, () => to)]]));
    const noticed = Object.entries(RULES).filter(([, rule]) => rule(broken).length > 0);
    expect(noticed.map(([rule]) => rule)).toEqual([name]);
  });
});
