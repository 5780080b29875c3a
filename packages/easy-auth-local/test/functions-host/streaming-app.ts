import { subscribe, unsubscribe } from "node:diagnostics_channel";
import http from "node:http";
import { build } from "esbuild";
import { type Mock, onTestFinished, vi } from "vitest";
import type { FunctionsHostOptions } from "../../src/functions-host/host.ts";
import { LIBRARY, type ServedApp, serve, writeFolder } from "./fixture-app.ts";

/** A copy of the library for each load: a shared one refuses a second `app.setup`. */
export const OWN_LIBRARY = (
  await build({
    entryPoints: [LIBRARY],
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["@azure/functions-core"],
    write: false,
  })
).outputFiles[0]?.text;

export const STREAMING_PRELUDE = `const { app, HttpResponse } = require("./functions.cjs");
  app.setup({ enableHttpStream: true });\n`;

/** Writes an app of one CommonJS file with HTTP streaming on, and with `app` and `HttpResponse` already imported. */
export function writeStreamingApp(
  source: string,
  { http = {}, ...hostJson }: { http?: object; functionTimeout?: string } = {},
): string {
  return writeFolder({
    "functions.cjs": OWN_LIBRARY ?? "",
    "main.cjs": STREAMING_PRELUDE + source,
    "package.json": { main: "main.cjs" },
    "host.json": { version: "2.0", ...hostJson, extensions: { http } },
  });
}

export function serveStreaming(source: string, options?: Partial<FunctionsHostOptions>): Promise<ServedApp> {
  return serve(writeStreamingApp(source), options);
}

/** Serves one function, "f", at /api/f. */
export function serveStreamingHandler(handler: string, options?: Partial<FunctionsHostOptions>): Promise<ServedApp> {
  return serveStreaming(`app.http("f", { methods: ["GET", "HEAD", "POST"], handler: ${handler} });`, options);
}

export interface WorkerCall {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly server: http.Server;
}

/** Records the requests and answers between the host and the worker's server while the test runs. */
export function observeWorker(): WorkerCall[] {
  const seen: WorkerCall[] = [];
  const onRequest = (message: unknown) => {
    const call = message as WorkerCall;
    if (call.request.headers["x-forwarded-proto"] !== undefined) seen.push(call);
  };
  subscribe("http.server.request.start", onRequest);
  onTestFinished(() => void unsubscribe("http.server.request.start", onRequest));
  return seen;
}

/** Makes a promise that an app's code awaits as `<name>.opened`. */
export function gate(name: string): { open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  onTestFinished(() => open());
  vi.stubGlobal(name, { opened });
  return { open };
}

/** Makes a function that an app's code calls by its name. */
export function stubbed(name: string): Mock {
  const stub = vi.fn();
  vi.stubGlobal(name, stub);
  return stub;
}

/** Sends a request whose body can be written, and whose answer can be read, in parts. */
export function request(origin: string, path: string, options: http.RequestOptions = {}): http.ClientRequest {
  const { hostname, port } = new URL(origin);
  const sent = http.request({ hostname, port, path, agent: false, ...options });
  onTestFinished(() => void sent.destroy());
  return sent.on("error", () => {});
}

/** Resolves to the head of the answer, whose body stays paused. */
export function answerTo(sent: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once("response", (answer) => resolve(answer.on("error", () => {}))).once("error", reject);
  });
}
