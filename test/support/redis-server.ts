import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { freePort } from "./free-port.ts";

/** Whether `redis-server` is installed; tests that need it are skipped where it is not. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis) process.stderr.write("Skipped: tests with Redis. They need redis-server on the PATH.\n");

/** A real Redis server, in memory. */
export interface RedisServer {
  readonly url: string;
  readonly process: ChildProcess;
  close(): Promise<void>;
}

/** Starts `redis-server` for this machine only; on a free port by default. */
export async function startRedis({ port, flags = [] }: { port?: number; flags?: string[] } = {}): Promise<RedisServer> {
  const own = port ?? (await freePort());
  const options = ["--port", String(own), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...flags];
  const child = spawn("redis-server", options, { stdio: ["ignore", "pipe", "ignore"] });
  const closed = once(child, "close");
  let output = "";
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (output.includes("Ready to accept connections")) break;
  }
  return {
    url: `redis://127.0.0.1:${own}`,
    process: child,
    close: async () => {
      child.kill("SIGKILL");
      await closed;
    },
  };
}
