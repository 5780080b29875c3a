import dns from "node:dns";
import { afterAll, vi } from "vitest";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);
const { lookup } = dns;

/** A test that reaches for another machine fails: names other than this machine's do not resolve. */
function lookupHere(hostname: string, ...rest: unknown[]) {
  if (!LOOPBACK.has(hostname)) throw new Error(`This test tried to reach ${hostname}. Tests stay on this machine.`);
  return Reflect.apply(lookup, dns, [hostname, ...rest]);
}

if (lookup.name !== lookupHere.name) dns.lookup = lookupHere as typeof dns.lookup;

// Files share a process, and their packages with it: each has this repository's modules for itself.
vi.resetModules();

// The process is the next file's too, and Vitest holds on to this object.
const environment = process.env;
afterAll(() => {
  if (process.env !== environment) throw new Error("A test put another object in the place of process.env.");
});
