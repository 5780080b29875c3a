import { stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { afterEach, describe, expect, test } from "vitest";
import { type Clock, startClock } from "../src/clock/clock.ts";

const HOUR = 3600;
const machineDate = Date;
let clock: Clock | undefined;
afterEach(() => clock?.close());

/** Returns how many hours a read time is ahead of the machine's. */
function hoursAhead(readMs: number): number {
  return Math.round((readMs - machineDate.now()) / (HOUR * 1000));
}

describe("a clock put forward by two hours", () => {
  test.each<[string, () => number]>([
    ["Date.now()", () => Date.now()],
    ["new Date()", () => Date.parse(new Date().toISOString())],
    ["Date()", () => Date.parse(Date())],
    ["Reflect.construct", () => Reflect.construct(Date, []).getTime()],
    ["a subclass of Date", () => new (class extends Date {})().getTime()],
    ["a module that is loaded later", () => createRequire(import.meta.url)("./clock-reader.cjs").now()],
  ])("is what %s reads", (_, read) => {
    clock = startClock();
    clock.advance(HOUR);
    clock.advance(HOUR);
    expect(hoursAhead(read())).toBe(2);
    expect(hoursAhead(clock.now())).toBe(2);
    expect(clock.advancedSeconds).toBe(2 * HOUR);
  });

  test("leaves dates with an explicit time unchanged, and dates of Node itself valid", async () => {
    clock = startClock();
    clock.advance(2 * HOUR);
    expect(new Date(0).getTime()).toBe(0);
    expect(new Date(2026, 0, 2).getFullYear()).toBe(2026);
    expect(Date.UTC(1970, 0, 1)).toBe(0);
    expect((await stat(".")).mtime).toBeInstanceOf(Date);
    expect(new Date()).toBeInstanceOf(machineDate);
  });

  test("is the machine's again once it is closed, even for code that kept Date.now", () => {
    clock = startClock();
    const { now } = Date;
    clock.advance(2 * HOUR);
    clock.close();
    expect(globalThis.Date).toBe(machineDate);
    expect([hoursAhead(now()), hoursAhead(clock.now()), clock.advancedSeconds]).toEqual([0, 0, 0]);
  });
});

test("two clocks add up, and can be closed in either order", () => {
  const first = startClock();
  clock = startClock();
  first.advance(HOUR);
  clock.advance(HOUR);
  expect(hoursAhead(Date.now())).toBe(2);
  first.close();
  expect(hoursAhead(Date.now())).toBe(1);
  clock.close();
  expect(hoursAhead(Date.now())).toBe(0);
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 31_536_001])(
  "a clock refuses to go forward by %d",
  (seconds) => {
    clock = startClock();
    const { advance } = clock;
    expect(() => advance(seconds)).toThrow(RangeError);
    expect(clock.advancedSeconds).toBe(0);
  },
);
