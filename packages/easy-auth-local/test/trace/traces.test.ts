import { describe, expect, test } from "vitest";
import type { Hop, Trace } from "../../src/trace/hop.ts";
import { safePath, safeText, seeToken } from "../../src/trace/secrets.ts";
import { summaryOf } from "../../src/trace/summary.ts";
import { Traces } from "../../src/trace/traces.ts";

function hop(path: string, changes: Partial<Hop> = {}): Hop {
  const base = { station: "function", sender: "client", depth: 0, spanId: "0", startedAt: 0, method: "GET" } as const;
  return { ...base, path, tokens: [], notes: [], logs: [], ...changes };
}

function jwt(claims: object): string {
  return ['{"alg":"RS256"}', JSON.stringify(claims), "x"]
    .map((part) => Buffer.from(part).toString("base64url"))
    .join(".");
}

describe("the history", () => {
  test("keeps the last 200 traces, newest first", () => {
    const traces = new Traces();
    for (let index = 0; index < 250; index += 1) traces.run(traces.traceOf(`${index}`), hop("/"), () => undefined);
    expect(traces.recent.map(({ id }) => id)).toEqual(Array.from({ length: 200 }, (_, index) => `${249 - index}`));
  });

  test("keeps the last 100 hops of a trace, if a client gives all its requests the same id", () => {
    const traces = new Traces();
    for (let index = 0; index < 150; index += 1) traces.run(traces.traceOf("same"), hop(`/${index}`), () => undefined);
    expect(traces.recent[0]?.hops.map(({ path }) => path)).toEqual(
      Array.from({ length: 100 }, (_, index) => `/${index + 50}`),
    );
  });

  test("keeps at most 20 log lines of an invocation, without tokens", () => {
    const traces = new Traces();
    traces.run(traces.traceOf("a"), hop("/"), () => undefined);
    const log = { traceId: "a", category: "User", level: "warning", functionName: "f" } as const;
    for (let index = 0; index < 30; index += 1) traces.log({ ...log, message: `has ${jwt({ oid: "x" })}` });
    expect(traces.recent[0]?.hops[0]?.logs).toEqual(Array(20).fill("warning: has (not shown)"));
  });
});

describe("a trace is reported", () => {
  test("when all its hops have ended, with each hop once", () => {
    const told: string[][] = [];
    const traces = new Traces({ onSettled: (_: Trace, hops) => told.push(hops.map(({ path }) => path)) });
    const trace = traces.traceOf("a");
    const [outer, inner, later] = [hop("/outer"), hop("/inner"), hop("/later")];
    traces.run(trace, outer, () => traces.run(trace, inner, () => undefined));
    traces.end(trace, inner, 200, 1);
    expect(told).toEqual([]);
    traces.end(trace, outer, 200, 2);
    traces.run(trace, later, () => undefined);
    traces.end(trace, later, 200, 1);
    expect(told).toEqual([["/outer", "/inner"], ["/later"]]);
  });
});

describe("a path is shown", () => {
  test.each([
    ["/api/profile?select=displayName,mail", "/api/profile?select=displayName,mail"],
    [
      "/callback?code=0.AXYZ&state=s&session_state=t",
      "/callback?code=(not shown)&state=(not shown)&session_state=(not shown)",
    ],
    [
      "/x?a=1&client_secret=s&id_token_hint=t&api_key=k",
      "/x?a=1&client_secret=(not shown)&id_token_hint=(not shown)&api_key=(not shown)",
    ],
    [`/x/${jwt({ oid: "x" })}/y?q=${jwt({})}`, "/x/(not shown)/y?q=(not shown)"],
    ["/x?q=a%20b", "/x?q=a b"],
    ["/x", "/x"],
  ])("%s as %s", (target, shown) => {
    expect(safePath(target)).toBe(shown);
  });

  test("at most about 300 characters of it", () => {
    expect(safeText("x".repeat(1000))).toBe(`${"x".repeat(300)}…`);
  });
});

describe("a token is summed up", () => {
  const now = Date.UTC(2026, 0, 1);
  const seconds = now / 1000;

  test.each([
    [
      { aud: "api", preferred_username: "ana", scp: "read", exp: seconds + 3540 },
      "for api · about ana · scp read · expires in 59 min",
    ],
    [{ aud: "api", oid: "7", exp: seconds - 1800 }, "for api · about 7 · expired 30 min ago"],
    [{ exp: seconds + 8 * 3600 }, "expires in 8 h"],
    [{ exp: seconds - 100 * 86_400 }, "expired 100 days ago"],
    [{}, ""],
  ])("%j as %s", (claims, summary) => {
    expect(summaryOf(seeToken("Authorization", jwt(claims)), now)).toBe(summary);
  });

  test("as no JWT if it is none", () => {
    expect(seeToken("Authorization", "opaque")).toEqual({ where: "Authorization", claims: undefined });
    expect(summaryOf(seeToken("Authorization", "opaque"), now)).toBe("not a JWT");
  });
});
