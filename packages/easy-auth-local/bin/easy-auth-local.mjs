#!/usr/bin/env node
import { existsSync } from "node:fs";

const command = new URL("../dist/command.js", import.meta.url);
if (existsSync(command)) await import(command.href);
else {
  process.stderr.write("easy-auth-local is not built. Run: npm run build --workspace easy-auth-local\n");
  process.exit(1);
}
