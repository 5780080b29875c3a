import { describe, expect, test } from "vitest";
import { describeFunctions, formatLog } from "../../src/functions-host/console-log.ts";
import type { HostLog } from "../../src/functions-host/host.ts";

const NOW = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 6));

function line(changes: Partial<HostLog>): string | undefined {
  return formatLog(
    { level: "information", category: "User", functionName: "profile", message: "hello", ...changes },
    NOW,
  );
}

describe("the log on the console", () => {
  test("has only func's time in front", () => {
    expect(line({})).toBe("[2026-01-02T03:04:05.006Z] hello");
  });

  test.each<[string, Partial<HostLog>]>([
    ["a function's warning", { level: "warning" }],
    ["start of an invocation", { category: "System", message: "Executing 'Functions.profile' (Reason='x', Id=1)" }],
    ["end of an invocation", { category: "System", message: "Executed 'Functions.profile' (Succeeded, Id=1)" }],
    ["the host's warning", { category: "System", level: "warning" }],
    ["the host's error", { category: "System", level: "error" }],
  ])("shows %s", (_, changes) => {
    expect(line(changes)).toBe(`[2026-01-02T03:04:05.006Z] ${changes.message ?? "hello"}`);
  });

  test.each<[string, Partial<HostLog>]>([
    ["a function's trace", { level: "trace" }],
    ["a function's debug line", { level: "debug" }],
    ["what the library does", { category: "System", message: "Setting Node.js programming model" }],
  ])("leaves out %s", (_, changes) => {
    expect(line(changes)).toBeUndefined();
  });
});

test("functions are listed as func start lists them", () => {
  const functions = [
    { name: "profile", methods: ["GET"], route: "api/profile" },
    { name: "upload", methods: ["POST", "PUT"], route: "api/files/{*path}" },
    { name: "any", methods: [], route: "any" },
  ];
  expect(describeFunctions("http://localhost:7071", functions)).toBe(
    [
      "Functions:\n",
      "\tprofile: [GET] http://localhost:7071/api/profile\n",
      "\tupload: [POST,PUT] http://localhost:7071/api/files/{*path}\n",
      "\tany: http://localhost:7071/any\n",
    ].join("\n"),
  );
});
