const DASHED_GUID = "[\\da-f]{8}(-[\\da-f]{4}){3}-[\\da-f]{12}";
const GUID = new RegExp(`^([\\da-f]{32}|${DASHED_GUID}|\\{${DASHED_GUID}\\}|\\(${DASHED_GUID}\\))$`, "i");

/** Makes the check of a constraint, given the numbers in its brackets. */
type Constraint = (least: number, most?: number) => (value: string) => boolean;

/**
 * Every constraint of https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-constraints but dates, fractions
 * and `regex`.
 */
const CONSTRAINTS = new Map<string, Constraint>([
  ["int", () => (value) => isInteger(value, 32)],
  ["long", () => (value) => isInteger(value, 64)],
  ["bool", () => (value) => /^\s*(true|false)\s*$/i.test(value)],
  ["guid", () => (value) => GUID.test(value)],
  ["alpha", () => (value) => /^[a-z]*$/i.test(value)],
  ["required", () => (value) => value !== ""],
  ["min", (least) => (value) => isInteger(value, 64) && Number(value) >= least],
  ["max", (most) => (value) => isInteger(value, 64) && Number(value) <= most],
  [
    "range",
    (least, most = least) =>
      (value) =>
        isInteger(value, 64) && isBetween(Number(value), least, most),
  ],
  ["minlength", (least) => (value) => value.length >= least],
  ["maxlength", (most) => (value) => value.length <= most],
  [
    "length",
    (least, most = least) =>
      (value) =>
        isBetween(value.length, least, most),
  ],
]);

export const KNOWN_CONSTRAINTS: readonly string[] = [...CONSTRAINTS.keys()];

/** Returns the check of a constraint such as `int`, `min(1)` or `range(1,5)`; undefined for an unknown one. */
export function parseConstraint(constraint: string): ((value: string) => boolean) | undefined {
  const { name = "", numbers = "" } = /^(?<name>\w+)(\((?<numbers>-?\d+(,-?\d+)?)\))?$/.exec(constraint)?.groups ?? {};
  const make = CONSTRAINTS.get(name.toLowerCase());
  const [least = Number.NaN, most] = numbers === "" ? [] : numbers.split(",").map(Number);
  // A constraint with numbers is invalid without them, and one without numbers is invalid with them.
  const takesNumbers = make !== undefined && make.length > 0;
  return takesNumbers === (numbers !== "") ? make?.(least, most) : undefined;
}

function isBetween(value: number, least: number, most: number): boolean {
  return value >= least && value <= most;
}

function isInteger(value: string, bits: number): boolean {
  if (!/^\s*[+-]?\d+\s*$/.test(value)) return false;
  const integer = BigInt(value.trim().replace(/^\+/, ""));
  return integer === BigInt.asIntN(bits, integer);
}
