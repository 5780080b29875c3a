import { beforeEach, describe, expect, test } from "vitest";
import { Breaker } from "../src/breaker.ts";

let now = 0;
let opened = 0;
let breaker: Breaker;

beforeEach(() => {
  now = 1000;
  opened = 0;
  breaker = new Breaker({ onOpen: () => (opened += 1), now: () => now, random: () => 0.5 });
});

function fail(times: number, everyMs: number): void {
  for (let count = 0; count < times; count += 1) {
    breaker.failed();
    now += everyMs;
  }
}

describe("a circuit breaker", () => {
  test("stays closed when many calls fail at one moment, as after a stall of this process", () => {
    fail(1000, 0);
    expect([breaker.isOpen, breaker.allows()]).toEqual([false, true]);
  });

  test("stays closed after four failures, however long they take", () => {
    fail(4, 1000);
    expect(breaker.isOpen).toBe(false);
  });

  test("opens at the fifth failure when they span 250 ms", () => {
    fail(4, 62.5);
    expect(breaker.isOpen).toBe(false);
    breaker.failed();
    expect([breaker.isOpen, breaker.allows(), opened]).toEqual([true, false, 1]);
  });

  test("starts counting again after a success", () => {
    fail(4, 100);
    breaker.succeeded();
    fail(4, 100);
    expect(breaker.isOpen).toBe(false);
  });

  describe("that is open", () => {
    beforeEach(() => {
      fail(4, 100);
      breaker.failed();
    });

    test("lets nothing through for 5 s with medium jitter, then one call", () => {
      now += 4999;
      expect(breaker.allows()).toBe(false);
      now += 1;
      expect([breaker.allows(), breaker.allows(), breaker.allows()]).toEqual([true, false, false]);
    });

    test("closes when that call succeeds", () => {
      now += 5000;
      breaker.allows();
      breaker.succeeded();
      expect([breaker.isOpen, breaker.allows(), breaker.allows()]).toEqual([false, true, true]);
    });

    test("opens again when that call fails, and says so", () => {
      now += 5000;
      breaker.allows();
      breaker.failed();
      expect([breaker.isOpen, breaker.allows(), opened]).toEqual([true, false, 2]);
      now += 5000;
      expect(breaker.allows()).toBe(true);
    });

    test("lets another call through if that call never ends", () => {
      now += 5000;
      breaker.allows();
      now += 7500;
      expect(breaker.allows()).toBe(true);
    });

    test("is not affected by calls that began before it opened", () => {
      fail(100, 10);
      expect(opened).toBe(1);
      now += 4000;
      expect(breaker.allows()).toBe(true);
    });
  });

  test.each([
    [0, 2500],
    [1, 7500],
  ])("stays open for 2.5 to 7.5 s: with a jitter of %d, for %d ms", (part, ms) => {
    breaker = new Breaker({ onOpen: () => {}, now: () => now, random: () => part });
    fail(4, 100);
    breaker.failed();
    now += ms - 1;
    expect(breaker.allows()).toBe(false);
    now += 1;
    expect(breaker.allows()).toBe(true);
  });
});
