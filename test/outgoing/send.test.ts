import { execFile } from "node:child_process";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { listenOnLoopback } from "easy-auth-local/parts";
import { build } from "esbuild";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { readBody, retryAfterOf, send } from "../../src/outgoing/send.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a script in a process of its own: the order in which a process loads its two copies of undici matters. */
async function runScript(script: string): Promise<string> {
  const [bundle] = (
    await build({
      stdin: { contents: `(async () => {${script}})()`, resolveDir: ROOT },
      bundle: true,
      platform: "node",
      // What a script imports is loaded when it is its turn, as CommonJS is.
      format: "cjs",
      external: ["undici", "@opentelemetry/*"],
      write: false,
    })
  ).outputFiles;
  const args = ["--eval", bundle?.text ?? ""];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, timeout: 15_000 });
  return stdout.trim();
}

async function startServer(): Promise<{ url: string; sockets: Set<unknown> }> {
  const sockets = new Set<unknown>();
  const server = http.createServer((request, response) => {
    sockets.add(request.socket);
    response.setHeader("set-cookie", ["a=1", "b=2"]).end(request.method);
  });
  const { url, close } = await listenOnLoopback(server, 0);
  onTestFinished(close);
  return { url, sockets };
}

const SEND = `
  const { send } = await import("./src/outgoing/send.ts");
  const signal = AbortSignal.timeout(5000);
  const answer = await send({ url: new URL(url), method: "POST", headers: {}, body: "x", signal });
  console.log(answer.statusCode, await answer.body.text());
`;
const FETCH = `
  const fetched = await fetch(url);
  console.log(fetched.status, await fetched.text());
`;

describe("a request to another service", () => {
  test.each([
    ["before", `${SEND}${FETCH}`, "200 POST\n200 GET"],
    ["after", `${FETCH}${SEND}`, "200 GET\n200 POST"],
  ])("works %s the process's own fetch was used", async (_, script, expected) => {
    const { url } = await startServer();
    expect(await runScript(`const url = "${url}";${script}process.exit(0)`)).toBe(expected);
  });

  test("reuses its connection", async () => {
    const { url, sockets } = await startServer();
    await runScript(`const url = "${url}";{${SEND}}await new Promise(setImmediate);{${SEND}}process.exit(0)`);
    expect(sockets.size).toBe(1);
  });
});

describe("an answer", () => {
  async function answerOf(listener: http.RequestListener) {
    const { url, close } = await listenOnLoopback(http.createServer(listener), 0);
    onTestFinished(close);
    return send({ url: new URL(url), method: "GET", headers: {}, signal: AbortSignal.timeout(5000) });
  }

  test("is read to its end", async () => {
    const answer = await answerOf((_, response) => {
      response.write("one ");
      setImmediate(() => response.end("two"));
    });
    expect((await readBody(answer, 7)).toString()).toBe("one two");
  });

  test("that is too long is not read to its end, and its connection is closed", async () => {
    let givenUp = () => {};
    const gone = new Promise<void>((resolve) => {
      givenUp = resolve;
    });
    const answer = await answerOf((_, response) => {
      response.on("close", givenUp);
      const more = () => response.destroyed || response.write("x".repeat(10_000), more);
      more();
    });
    await expect(readBody(answer, 100_000)).rejects.toThrow("too long");
    await gone;
  });

  test("that breaks off is a failure", async () => {
    const answer = await answerOf((_, response) => {
      response.writeHead(200, { "content-length": "10" }).write("12345", () => response.destroy());
    });
    await expect(readBody(answer, 100)).rejects.toThrow();
  });

  test("that broke off before it was read is a failure, not an endless wait", async () => {
    const answer = await answerOf((_, response) => {
      response.writeHead(200, { "content-length": "10" }).write("12345", () => response.destroy());
    });
    await new Promise((resolve) => answer.body.on("error", () => {}).on("close", resolve));
    await expect(readBody(answer, 100)).rejects.toThrow();
  });
});

describe("Retry-After", () => {
  test.each<[string | string[] | undefined, number | undefined]>([
    ["0", 0],
    ["120", 120],
    ["86401", 86_400],
    ["99999999999999999999", 86_400],
    ["9".repeat(400), 86_400],
    [new Date(Date.now() + 31_536_000_000).toUTCString(), 86_400],
    [new Date(Date.now() - 60_000).toUTCString(), undefined],
    [undefined, undefined],
    ["", undefined],
    ["soon", undefined],
    ["-5", undefined],
    ["1e9", undefined],
    ["1.5", undefined],
    ["NaN", undefined],
    ["Infinity", undefined],
    ["Thu, 99 Foo 2099 25:00:00 GMT", undefined],
    [["1", "2"], undefined],
  ])("%j means %s", (value, expected) => {
    expect(retryAfterOf(value)).toBe(expected);
  });

  test("is between zero and a day, whatever it says", () => {
    const date = fc.date({ noInvalidDate: true }).map((one) => one.toUTCString());
    const piece = fc.oneof(fc.string(), fc.integer().map(String), date, fc.constantFrom(" GMT", "-"));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 3 }), (pieces) => {
        const seconds = retryAfterOf(pieces.join("")) ?? 0;
        expect(seconds >= 0 && seconds <= 86_400).toBe(true);
      }),
    );
  });

  test("may be a date", () => {
    const seconds = retryAfterOf(new Date(Date.now() + 30_000).toUTCString());
    expect(seconds).toBeGreaterThan(28);
    expect(seconds).toBeLessThanOrEqual(30);
  });
});

describe("the span of a request", () => {
  test("names the host, or a placeholder for a host that another service chose", async () => {
    const { url } = await startServer();
    const output = await runScript(`
      const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = await import("@opentelemetry/sdk-trace-node");
      const { beginRecording } = await import("./src/telemetry/telemetry.ts");
      const { send } = await import("./src/outgoing/send.ts");
      const exporter = new InMemorySpanExporter();
      new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
      beginRecording();
      const request = { url: new URL(${JSON.stringify(url)}), method: "GET", headers: {}, signal: AbortSignal.timeout(5000) };
      for (const named of [{}, { server: "another host" }]) await (await send({ ...request, ...named })).body.dump();
      const spans = exporter.getFinishedSpans();
      console.log(JSON.stringify(spans.map(({ name, attributes }) => [name, attributes["server.address"]])));
      process.exit(0);
    `);
    const { host } = new URL(url);
    expect(JSON.parse(output)).toEqual([
      [`GET ${host}`, host],
      ["GET another host", "another host"],
    ]);
  });
});
