import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readConfiguration } from "easy-auth-local";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type AppCopy, blocksOf, buildCopyWith } from "./support/app-copy.ts";
import { freePort } from "./support/free-port.ts";
import { startStack, type TestStack } from "./support/stack.ts";

const PAGE = "docs/own-service.md";
let copy: AppCopy;
let stack: TestStack;
let orders: ChildProcess;

beforeAll(async () => {
  const [endpoint = "", containers = ""] = await blocksOf(PAGE);
  copy = await buildCopyWith({ "orders.ts": endpoint, "containers.ts": containers });
  const port = await freePort();
  const { api, services } = await configurationWith(port);
  orders = await startOrders(port);
  stack = await startStack({ api: { ...api, app: copy.root }, ...(services && { services }), files: [] });
}, 120_000);
afterAll(async () => {
  await stack?.close();
  orders?.kill();
  await copy?.remove();
});

const blockOf = async (language: string) => {
  const [, block = ""] = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(await readFile(PAGE, "utf8")) ?? [];
  return block;
};

/**
 * Reads this repository's configuration with the page's block in it, as the command reads it, with a free port for the
 * service.
 */
async function configurationWith(port: number) {
  const own = JSON.parse(await readFile("easy-auth-local.json", "utf8"));
  const shown = JSON.parse((await blockOf("json")).replace("7100", String(port)));
  const path = join(copy.root, "easy-auth-local.json");
  await writeFile(path, JSON.stringify({ ...own, ...shown }));
  return readConfiguration(path);
}

async function startOrders(port: number): Promise<ChildProcess> {
  const path = join(copy.root, "orders.mjs");
  await writeFile(path, await blockOf("js"));
  const child = spawn(process.execPath, [path], { env: { ...process.env, PORT: String(port) }, stdio: "inherit" });
  await once(child, "spawn");
  await vi.waitFor(() => fetch(`http://localhost:${port}/`), 10_000);
  return child;
}

async function call(name: string): Promise<Response> {
  const authorization = `Bearer ${await stack.token("works")}`;
  return fetch(`${stack.apiUrl}/api/${name}`, { headers: { authorization } });
}

test("one's own service on the laptop is called as the user, with a token for it", async () => {
  const response = await call("orders");
  expect([response.status, await response.json()]).toMatchObject([
    200,
    { orders: [{ article: "Pencil", for: "Adele Vance" }], scp: "Orders.Read" },
  ]);
});

test("a client of the Azure SDK works against Azurite, as the user", async () => {
  const response = await call("containers");
  expect([response.status, await response.json()]).toEqual([200, ["documents"]]);
});
