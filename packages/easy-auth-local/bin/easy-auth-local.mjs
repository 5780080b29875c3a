#!/usr/bin/env node
// Runs in whatever Node there is from 12 on, so its syntax is old: no top-level await.
import { existsSync, readFileSync } from "node:fs";

const COMMAND = new URL("../dist/command.js", import.meta.url);

/** Returns why the command cannot run here; undefined when it can. */
function problem() {
  const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  const [, major, minor] = /(\d+)\.(\d+)/.exec(engines.node).map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split(".").map(Number);
  if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
    return `easy-auth-local needs Node ${major}.${minor} or newer, and this is ${process.versions.node}: install one from https://nodejs.org.`;
  }
  return existsSync(COMMAND)
    ? undefined
    : "easy-auth-local is not built. Run: npm run build --workspace easy-auth-local";
}

const why = problem();
if (why === undefined) {
  void import(COMMAND.href);
} else {
  process.stderr.write(`${why}\n`);
  process.exitCode = 1;
}
