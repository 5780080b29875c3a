import { describe, expect, test } from "vitest";
import { DATA_POLICIES } from "./data-policies.ts";
import { SIGN_IN_POLICIES } from "./sign-in-policies.ts";
import { SITE_POLICIES } from "./site-policies.ts";
import { loadSnapshots, type Policy, spoil } from "./snapshots.ts";

const POLICIES: Readonly<Record<string, Policy>> = { ...SITE_POLICIES, ...SIGN_IN_POLICIES, ...DATA_POLICIES };
const SNAPSHOTS = new Map(loadSnapshots().map((snapshot) => [snapshot.scenario, snapshot]));

/** Problems by the name of their policy; policies without problems are left out. */
function problems(
  snapshots: Iterable<NonNullable<ReturnType<typeof SNAPSHOTS.get>>>,
): Record<string, readonly string[]> {
  const all = [...snapshots];
  const found = Object.entries(POLICIES).map(([name, { rule }]) => {
    const lines = all.flatMap((snapshot) => rule(snapshot).map((problem) => `${snapshot.scenario}: ${problem}`));
    return [name, lines] as const;
  });
  return Object.fromEntries(found.filter(([, lines]) => lines.length > 0));
}

const REAL = problems(SNAPSHOTS.values());

describe("what is deployed", () => {
  test.each(Object.keys(POLICIES))("%s", (name) => {
    expect(REAL[name] ?? []).toEqual([]);
  });
});

const FAULTS = Object.entries(POLICIES).flatMap(([policy, { faults }]) =>
  faults.map((fault) => ({ policy, fault, path: fault.path })),
);

// One policy that fails for real would fail all of these too.
describe.skipIf(Object.keys(REAL).length > 0)("each fault in a deployment is noticed by exactly one policy", () => {
  test.each(FAULTS)("$path by $policy", ({ policy, fault }) => {
    const snapshot = SNAPSHOTS.get(fault.scenario);
    if (!snapshot) throw new Error(`There is no snapshot ${fault.scenario}`);
    expect(Object.keys(problems([spoil(snapshot, fault)]))).toEqual([policy]);
  });

  test("each policy has at least one such fault", () => {
    expect(Object.entries(POLICIES).flatMap(([name, { faults }]) => (faults.length === 0 ? [name] : []))).toEqual([]);
  });
});
