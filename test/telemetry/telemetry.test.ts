import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Collector, type SentSpan, startCollector } from "../support/collector.ts";
import { startStack, type TestStack } from "../support/stack.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const REFUSED_TRACE_ID = "1bf7651916cd43dd8448eb211c80319c";
const CALLER_SPAN = "b7ad6b7169203331";

let collector: Collector;
let stack: TestStack;
let served: readonly Response[];
let refused: readonly Response[];

/** Sends two requests with the same token; only the first is traced. */
async function askAs(key: string, traceId: string): Promise<readonly Response[]> {
  const authorization = `Bearer ${await stack.token(key)}`;
  const ask = (headers: Record<string, string>) => fetch(`${stack.apiUrl}/api/profile`, { headers });
  const first = await ask({ authorization, traceparent: `00-${traceId}-${CALLER_SPAN}-01` });
  return [first, await ask({ authorization })];
}

function spansOf(traceId: string): readonly SentSpan[] {
  return collector.spans.filter((span) => span.traceId === traceId);
}

/** Returns names within names. The outermost span's parent is the Functions host's, which is not in the tree. */
function tree(
  spans: readonly SentSpan[],
  parentId = spans.find(({ name }) => name === "profile")?.parentSpanId,
): object {
  const children = spans.filter(({ parentSpanId }) => parentSpanId === parentId);
  return Object.fromEntries(children.map(({ name, spanId }) => [name, tree(spans, spanId)]));
}

function attributesOf({ attributes }: SentSpan): Record<string, string | number | undefined> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue } }) => [key, stringValue ?? intValue]),
  );
}

beforeAll(async () => {
  collector = await startCollector();
  stack = await startStack({ settings: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  served = await askAs("works", TRACE_ID);
  refused = await askAs("no-consent", REFUSED_TRACE_ID);
  // The rest is sent when the app ends.
  await stack.close();
});

afterAll(() => collector?.close());

describe("a request's spans", () => {
  test("are verification, exchange and Graph, in the trace of the request", () => {
    expect(served.map(({ status }) => status)).toEqual([200, 200]);
    expect(tree(spansOf(TRACE_ID))).toEqual({
      profile: {
        verify: {},
        Graph: { exchange: { "POST login.microsoftonline.com": {} }, "GET graph.microsoft.com": {} },
      },
    });
  });

  test("name the operation and the service, and nothing about the user", () => {
    const spans = spansOf(TRACE_ID);
    const graph = spans.find(({ name }) => name === "GET graph.microsoft.com");
    expect(graph && attributesOf(graph)).toEqual({
      "http.request.method": "GET",
      "server.address": "graph.microsoft.com",
      "http.response.status_code": 200,
    });
    const all = spans.flatMap((span) => Object.keys(attributesOf(span)));
    expect([...new Set(all)].sort()).toEqual([
      "correlationId",
      "http.request.method",
      "http.response.status_code",
      "server.address",
    ]);
  });

  test("of a failure have its code and the answer's correlation id, but no message", () => {
    expect(refused.map(({ status }) => status)).toEqual([403, 403]);
    const spans = spansOf(REFUSED_TRACE_ID);
    const failed = spans.filter(({ status }) => status.code === 2);
    expect(failed.map(({ name }) => name).sort()).toEqual(["Graph", "exchange", "profile"]);
    for (const span of failed) {
      expect(attributesOf(span)["error.type"]).toBe("consent_required");
      expect(span.status.message).toBeUndefined();
      expect(span.events).toEqual([]);
    }
    const profile = spans.find(({ name }) => name === "profile");
    expect(profile && attributesOf(profile).correlationId).toBe(refused[0]?.headers.get("x-correlation-id"));
  });
});

describe("the metrics", () => {
  function pointsOf(name: string): readonly Record<string, string | undefined>[] {
    const points = collector.received
      .filter(({ path }) => path === "/v1/metrics")
      .flatMap(({ body }) => (JSON.parse(body) as Measurements).resourceMetrics)
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .filter((metric) => metric.name === name)
      .flatMap(({ sum, gauge, histogram }) => (sum ?? gauge ?? histogram)?.dataPoints ?? []);
    return points.map((point) => attributesOf(point as unknown as SentSpan) as Record<string, string | undefined>);
  }

  test.each([
    ["token_cache.lookups", { result: "miss" }],
    ["token_cache.lookups", { result: "hit" }],
    ["exchanges", { outcome: "ok" }],
    ["exchanges", { outcome: "consent_required" }],
    ["exchanges.current", { state: "running" }],
    ["exchanges.current", { state: "waiting" }],
    ["operation.duration", { operation: "verify", outcome: "ok" }],
    ["operation.duration", { operation: "exchange", outcome: "consent_required" }],
    ["operation.duration", { operation: "profile", outcome: "ok" }],
  ])("include %s with %o", (name, attributes) => {
    expect(pointsOf(name)).toContainEqual(attributes);
  });

  test("contain no person and no words of other services", () => {
    const values = collector.received.filter(({ path }) => path === "/v1/metrics").map(({ body }) => body);
    expect(values.length).toBeGreaterThan(0);
    for (const { objectId, profile } of stack.directory.accounts) {
      expect(values.join()).not.toContain(objectId);
      expect(values.join()).not.toContain(profile.userPrincipalName);
    }
  });
});

interface Measurements {
  readonly resourceMetrics: readonly { readonly scopeMetrics: readonly { readonly metrics: readonly Measured[] }[] }[];
}

interface Measured {
  readonly name: string;
  readonly sum?: { readonly dataPoints: readonly object[] };
  readonly gauge?: { readonly dataPoints: readonly object[] };
  readonly histogram?: { readonly dataPoints: readonly object[] };
}

test("the main bundle does not contain the exporter", async () => {
  const [app, exporter] = await Promise.all(
    ["main.cjs", "exporter.mjs"].map((name) => readFile(new URL(`../../dist/api/${name}`, import.meta.url), "utf8")),
  );
  expect(app).not.toContain("class BatchSpanProcessor");
  expect(exporter).toContain("BatchSpanProcessor");
});
