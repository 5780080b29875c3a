import { describe, expect, test } from "vitest";
import { backoffMs, withRetries } from "../../src/outgoing/retry.ts";

describe("retries", () => {
  /** Makes attempts that fail until the given one. */
  function failingUntil(success: number) {
    let attempts = 0;
    return async () => {
      attempts += 1;
      if (attempts < success) throw new Error(`attempt ${attempts}`);
      return attempts;
    };
  }
  const twice = ({ status }: PromiseSettledResult<number>, retries: number) =>
    status === "rejected" && retries < 2 ? 0 : undefined;

  test("end with the first outcome that asks for none", async () => {
    expect(await withRetries(failingUntil(3), twice)).toBe(3);
  });

  test("end with the last error when no attempt succeeds", async () => {
    await expect(withRetries(failingUntil(9), twice)).rejects.toThrow("attempt 3");
  });

  test("end their wait when the signal is aborted", async () => {
    const controller = new AbortController();
    const waiting = withRetries(
      failingUntil(9),
      () => {
        setImmediate(() => controller.abort());
        return 60_000;
      },
      controller.signal,
    );
    await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("the wait before a retry", () => {
  const draws = (retries: number) => Array.from({ length: 200 }, () => backoffMs(100, retries));

  test.each([
    [0, 100, 150],
    [1, 200, 300],
    [2, 400, 600],
  ])("after %i retries is from %i to %i ms", (retries, min, max) => {
    const delays = draws(retries);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(min);
    expect(Math.max(...delays)).toBeLessThanOrEqual(max);
  });

  test("differs from client to client, over most of its range", () => {
    const delays = draws(0);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(25);
    expect(new Set(delays).size).toBeGreaterThan(150);
  });
});
