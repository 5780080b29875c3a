import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import {
  type FunctionsHost,
  type FunctionsHostOptions,
  type HostLog,
  startFunctionsHost,
} from "../../src/functions-host/host.ts";

/** Path of the library, for apps in a temporary folder. */
export const LIBRARY = createRequire(import.meta.url).resolve("@azure/functions");

export const PRELUDE = `const { app, HttpResponse, output, trigger } = require(${JSON.stringify(LIBRARY)});\n`;

/** Writes files into a new folder, objects as JSON. The folder is deleted when the test ends. */
export function writeFolder(files: Record<string, string | object>): string {
  const folder = mkdtempSync(join(tmpdir(), "functions-host-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return folder;
}

/** Writes an app of one CommonJS file, with `app` and its relatives already imported. */
export function writeApp(
  source: string,
  { http = {}, ...hostJson }: { http?: object; functionTimeout?: string } = {},
): string {
  return writeFolder({
    "main.cjs": PRELUDE + source,
    "package.json": { main: "main.cjs", type: "module" },
    "host.json": { version: "2.0", ...hostJson, extensions: { http } },
  });
}

export interface ServedApp extends FunctionsHost {
  readonly logs: HostLog[];
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
}

/** Starts the host on a free port; closed when the test ends. */
export async function serve(appRoot: string, options: Partial<FunctionsHostOptions> = {}): Promise<ServedApp> {
  const logs: HostLog[] = [];
  const host = await startFunctionsHost({ appRoot, onLog: (log) => logs.push(log), ...options });
  onTestFinished(() => host.close());
  return { ...host, logs, send: (method, path, sendOptions) => send(host.url, method, path, sendOptions) };
}

export function serveSource(source: string, hostJson?: Parameters<typeof writeApp>[1]): Promise<ServedApp> {
  return serve(writeApp(source, hostJson));
}

export interface SendOptions {
  /** Alternating names and values: repeated and oddly cased names are sent unchanged. */
  readonly headers?: readonly string[];
  readonly body?: string | Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request with path and headers unchanged, unlike fetch. */
function send(origin: string, method: string, path: string, options: SendOptions = {}): Promise<Answer> {
  const { hostname, port } = new URL(origin);
  const { headers = [], body } = options;
  const hasHost = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        hostname,
        port,
        method,
        path,
        agent: false,
        headers: [...(hasHost ? [] : ["Host", `localhost:${port}`]), ...headers],
      },
      (answer) => {
        text(answer).then(
          (answerBody) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answerBody }),
          reject,
        );
      },
    );
    request.on("error", reject).end(body);
  });
}
