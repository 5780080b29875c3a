import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import type { Figures } from "../../bench/figures.ts";
import { plotHits } from "../../bench/plot.ts";
import { describe as describeFigures } from "../../bench/report.ts";

const run = promisify(execFile);
/** Major version of this Node, which is always measured. */
const NODE = process.version.slice(1, 3);
const SMOKE_WITHIN_MS = 300_000;

describe("npm run bench -- --smoke --json", () => {
  let output: string;
  let figures: Figures;

  beforeAll(async () => {
    const args = ["--import", "tsx", "bench/main.ts", "--smoke", "--json"];
    // Its own processes end with it.
    const { stdout } = await run(process.execPath, args, { timeout: SMOKE_WITHIN_MS - 10_000 });
    output = stdout;
    figures = JSON.parse(stdout);
  }, SMOKE_WITHIN_MS);

  test("prints one JSON object and nothing else", () => {
    expect(output).toMatch(/^\{.*\}\n$/s);
  });

  test("measures every figure", () => {
    expect(figures).toMatchObject({
      hit_us: { ours: numbers("1", "100000"), msal: numbers("1", "1000") },
      exchange_us: { ours: numbers("1", "1000"), msal: numbers("1", "1000") },
      bytes_per_user: numbers("ours", "msal"),
      bound: numbers("offered", "entries", "bytes", "bound_bytes", "heap_bytes"),
      stall_ms: numbers("floor", "get", "set", "set_without_collections"),
      request_cpu_us: {
        ...numbers("bare", "floor", "ours"),
        ...numbers("tutorial_1_user", "tutorial_100_users", "tutorial_1000_users"),
      },
      request_inprocess: {
        [NODE]: numbers(
          "ours_us",
          "floor_us",
          "ours_kib",
          "floor_kib",
          "floor_from_source_us",
          "floor_from_source_kib",
        ),
      },
      flat_us: { ours: numbers("10", "20"), floor: numbers("10", "20") },
      collections: { floor: numbers("pause_ms", "survived_mib"), ours: numbers("pause_ms", "survived_mib") },
      open_loop: {
        capacity: numbers("floor", "ours", "tutorial_100_users"),
        at: {
          45: { ours: numbers("p50_ms", "p99_ms", "p999_ms", "loop_delay_p99_ms") },
          80: { floor: numbers("p99_ms") },
        },
      },
      cold_start_ms: { [NODE]: numbers("empty", "bundle") },
      identity_web: { absent: expect.any(String) },
      transport_cpu_us: numbers("undici", "fetch"),
      load_ms: numbers("empty", "bundle", "unbundled"),
      ...numbers("ours_over_floor", "bundle_bytes"),
    });
  });

  test("makes one request for 100 equal cold exchanges, where MSAL makes 100", () => {
    expect(figures.cold_burst_posts).toEqual({ ours: 1, msal: 100 });
  });

  test("stays within the cache's bound however many users come", () => {
    expect(figures.bound.bytes).toBeLessThanOrEqual(figures.bound.bound_bytes);
    expect(figures.bound.entries).toBeLessThan(figures.bound.offered);
  });

  test("prints two runs as their median, and the least and most of each figure that differs by more than 3 %", () => {
    const { ours_over_floor: ratio, request_cpu_us: cpu, transport_cpu_us: transport } = figures;
    const other: Figures = {
      ...{ ...figures, ours_over_floor: ratio * 3, transport_cpu_us: { ...transport, fetch: 1 } },
      request_cpu_us: { ...cpu, bare: cpu.bare * 1.02 },
    };
    const same = describeFigures([figures, figures]);
    const text = describeFigures([figures, other]);

    expect(same).toContain("Medians of 2 runs");
    expect(same).not.toMatch(/\d \([\d.,-]+ to [\d.,-]+\)/);
    expect(rowOf(text, "`ours`, median of the rounds' own ratios")).toMatch(/\| +[\d.]+ \([\d.]+ to [\d.]+\) \|$/);
    expect(rowOf(text, "`bare` with Node's `fetch`")).toMatch(/ \(1 to [\d.,]+\) /);
    expect(rowOf(text, "`bare`")).not.toContain("(");
  });

  test("says of each target whether it holds", () => {
    expect(figures.targets).toHaveLength(12);
    for (const { value, at_most: atMost, holds } of figures.targets) expect(holds).toBe(value <= atMost);
  });
});

test("the plot names its axes and follows the reader's colour scheme", () => {
  const svg = plotHits({ ours: { 1: 2, 100000: 4 }, msal: { 1: 50, 10000: 120_000 } });
  expect(svg).toContain("users cached</text>");
  expect(svg).toContain("time of one call, median</text>");
  expect(svg).toContain("prefers-color-scheme: dark");
  expect(svg).not.toContain("NaN");
});

function numbers(...names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, expect.toSatisfy(isPositive, "a positive number")]));
}

function isPositive(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}

/** Line of a table that begins with a text. */
function rowOf(text: string, name: string): string {
  return text.split("\n").find((line) => line.startsWith(`| ${name} `)) ?? "";
}
