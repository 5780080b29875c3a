import dns from "node:dns";
import { afterAll, vi } from "vitest";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);
const { lookup } = dns;

/** Makes names of other machines unresolvable, so that a test which needs one fails. */
function lookupHere(hostname: string, ...rest: unknown[]) {
  if (!LOOPBACK.has(hostname)) throw new Error(`This test tried to reach ${hostname}. Tests stay on this machine.`);
  return Reflect.apply(lookup, dns, [hostname, ...rest]);
}

if (lookup.name !== lookupHere.name) dns.lookup = lookupHere as typeof dns.lookup;

// Test files share a process and its packages; this gives each its own modules of this repository.
vi.resetModules();

// The next file uses the same process, and Vitest keeps this object.
const environment = process.env;
afterAll(() => {
  if (process.env !== environment) throw new Error("A test put another object in the place of process.env.");
});
