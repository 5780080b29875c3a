import { describe, expect, test } from "vitest";
import type { AppError } from "../../src/errors.ts";
import { withDeadline } from "../../src/outgoing/deadline.ts";

const FOREVER = new Promise<never>(() => {});

describe("a deadline", () => {
  test("returns the result of work that ends in time", async () => {
    expect(await withDeadline(5000, async ({ timeLeft }) => timeLeft() > 4000)).toBe(true);
  });

  test("ends work that ignores it", async () => {
    await expect(withDeadline(20, () => FOREVER)).rejects.toMatchObject({ code: "downstream_timeout" });
  });

  test("passes on the error of work that obeys its signal", async () => {
    const work = ({ signal }: { signal: AbortSignal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("waited for the exchange"))));
    await expect(withDeadline(20, work)).rejects.toThrow("waited for the exchange");
  });

  test("passes on what work throws", async () => {
    const failing = withDeadline(5000, () => Promise.reject(new Error("a bug")));
    await expect(failing).rejects.toThrow("a bug");
  });

  test("leaves no timer behind", async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    await withDeadline(60_000, async () => {});
    await withDeadline(60_000, () => Promise.reject(new Error("x"))).catch((error: AppError) => error);
    expect(timers()).toBe(before);
  });
});
