import { API, startStack } from "easy-auth-local";
import { settingsFor, startFunctionsHost } from "easy-auth-local/parts";

/** `node serve-folder.mjs <folder> <settings> <state folder>` serves a function app, calls all its routes as a user, by each of their methods, and prints the statuses. */
const [folder = "", settings = "{}", stateFolder = ""] = process.argv.slice(2);
const FILE = { name: "report.txt", content: "report" };

const stack = await startStack({ files: [FILE], stateFolder });
const ofStorage = stack.storage ? settingsFor(stack.storage) : {};
const host = await startFunctionsHost({ appRoot: folder, settings: { ...JSON.parse(settings), ...ofStorage } });
const account = stack.directory.accountByKey("works");
if (!account) throw new Error("There is no such account.");
const token = await stack.issuer.apiToken({ account, audience: API, scope: "user_impersonation" });
/** @type {Record<string, number>} */
const statuses = {};
for (const { route, methods } of host.functions) {
  const path = route.replaceAll(/\{[^}]+\}/g, FILE.name);
  for (const method of methods.length > 0 ? methods : ["GET", "HEAD"]) {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${host.url}/${path}`, { method, headers, redirect: "manual" });
    await response.arrayBuffer();
    statuses[`${method} ${path}`] = response.status;
  }
}
const functions = host.functions.map(({ name }) => name);
process.stdout.write(`${JSON.stringify({ node: process.version, functions, statuses })}\n`);
await host.close();
await stack.close();
