import { describe, expect, test } from "vitest";
import { type ServedApp, serveSource } from "./fixture-app.ts";

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}";

function messages({ logs }: ServedApp, category: "User" | "System"): string[] {
  return logs.filter((log) => log.category === category).map(({ level, message }) => `${level}: ${message}`);
}

describe("the log", () => {
  test("reports start and end of an invocation in func's words", async () => {
    const served = await serveSource(`app.get("f", (_, context) => ({ body: context.invocationId }));`);
    const { body: id } = await served.send("GET", "/api/f");
    expect(id).toMatch(new RegExp(`^${UUID}$`));
    expect(served.logs).toEqual([
      {
        level: "information",
        category: "System",
        functionName: "f",
        invocationId: id,
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        message: `Executing 'Functions.f' (Reason='This function was programmatically called via the host APIs.', Id=${id})`,
      },
      expect.objectContaining({
        level: "information",
        message: expect.stringMatching(
          new RegExp(`^Executed 'Functions.f' \\(Succeeded, Id=${id}, Duration=\\d+ms\\)$`),
        ),
      }),
    ]);
  });

  test("gives every invocation an id of its own", async () => {
    const served = await serveSource(`app.get("f", (_, context) => ({ body: context.invocationId }));`);
    expect((await served.send("GET", "/api/f")).body).not.toBe((await served.send("GET", "/api/f")).body);
  });

  test("reports what a function threw, unlike the answer", async () => {
    const served = await serveSource(`app.get("f", () => { throw new Error("graph is down"); });`);
    expect((await served.send("GET", "/api/f")).body).toBe("");
    const [, executed, exception] = messages(served, "System");
    expect(executed).toMatch(/^error: Executed 'Functions.f' \(Failed, Id=.*, Duration=\d+ms\)$/);
    expect(exception).toMatch(
      /^error: Exception while executing function: Functions.f. Result: Failure\nException: graph is down\nStack: Error: graph is down\n {4}at /,
    );
  });

  test.each([
    ["trace", "trace"],
    ["debug", "debug"],
    ["log", "information"],
    ["info", "information"],
    ["warn", "warning"],
    ["error", "error"],
  ])("marks lines of context.%s as the user's, at level %s", async (method, level) => {
    const served = await serveSource(`app.get("f", (_, context) => { context.${method}("saw %d", 7); });`);
    await served.send("GET", "/api/f");
    const line = served.logs.find(({ category }) => category === "User");
    expect(line).toMatchObject({ level, message: "saw 7", functionName: "f" });
    expect(line?.invocationId).toBe(served.logs[0]?.invocationId);
  });

  test("marks the library's own warnings as the system's", async () => {
    const served = await serveSource(`app.get("f", () => ({}));`);
    await served.send("GET", "/api/f", { headers: ["Content-Length", "1"], body: "x" });
    expect(messages(served, "System")).toContainEqual(expect.stringContaining("warning: Discarding the body"));
  });
});

describe("an invocation hook", () => {
  test("sees and changes the inputs and the handler before the function runs", async () => {
    const { send } = await serveSource(`
      app.hook.preInvocation((context) => {
        const handler = context.functionHandler;
        context.inputs[0].params.id += "!";
        context.functionHandler = async (...args) => ({ body: "<" + (await handler(...args)).body + ">" });
      });
      app.get("f", { route: "f/{id}", handler: (request) => ({ body: request.params.id }) });`);
    expect((await send("GET", "/api/f/7")).body).toBe("<7!>");
  });

  test("sees and changes the result after the function ran", async () => {
    const { send } = await serveSource(`
      app.hook.postInvocation((context) => { context.result = { body: context.result.body + "!" }; });
      app.get("f", () => ({ body: "hello" }));`);
    expect((await send("GET", "/api/f")).body).toBe("hello!");
  });

  test("sees what the function threw and can replace it by an answer", async () => {
    const { send } = await serveSource(`
      app.hook.postInvocation((context) => {
        context.result = { status: 503, body: context.error.message };
        context.error = undefined;
      });
      app.get("f", () => { throw new Error("down"); });`);
    expect(await send("GET", "/api/f")).toMatchObject({ status: 503, body: "down" });
  });

  test.each(["preInvocation", "postInvocation"])("%s that throws fails the invocation", async (hook) => {
    const { send } = await serveSource(`
      app.hook.${hook}(() => { throw new Error("hook"); });
      app.get("f", () => ({ body: "x" }));`);
    expect(await send("GET", "/api/f")).toMatchObject({ status: 500, body: "" });
  });

  test("shares its data with the later ones of the same invocation only, and logs as the user", async () => {
    const served = await serveSource(`
      app.hook.preInvocation(({ hookData, inputs }) => { hookData.seen = (hookData.seen ?? "") + inputs[0].query.get("n"); });
      app.hook.postInvocation(({ hookData, invocationContext }) => { invocationContext.log("seen " + hookData.seen); });
      app.get("f", () => ({}));`);
    await served.send("GET", "/api/f?n=1");
    await served.send("GET", "/api/f?n=2");
    expect(messages(served, "User")).toEqual(["information: seen 1", "information: seen 2"]);
    expect(messages(served, "System").filter((line) => line.startsWith("warning"))).toEqual([]);
  });

  test("no longer runs when disposed of", async () => {
    const { send } = await serveSource(`
      const hook = app.hook.postInvocation((context) => { context.result = { body: "changed" }; });
      app.get("f", () => { hook.dispose(); return { body: "original" }; });`);
    expect((await send("GET", "/api/f")).body).toBe("original");
  });
});

describe("a log hook", () => {
  test("can change a function's lines, and knows its invocation", async () => {
    const served = await serveSource(`
      app.hook.log((context) => {
        if (context.category !== "user") return;
        context.level = "warning";
        context.message = context.invocationContext.functionName + ": " + context.message;
      });
      app.get("f", (_, context) => { context.log("hello"); });`);
    await served.send("GET", "/api/f");
    expect(messages(served, "User")).toEqual(["warning: f: hello"]);
  });

  test("that throws does not suppress the line", async () => {
    const served = await serveSource(`
      app.hook.log((context) => { context.message = "lost"; throw new Error("hook"); });
      app.get("f", (_, context) => { context.log("hello"); });`);
    await served.send("GET", "/api/f");
    expect(messages(served, "User")).toEqual(["information: hello"]);
  });
});
