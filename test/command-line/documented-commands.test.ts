import { execFile, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { commandLine, ROOT, run } from "../support/command.ts";
import { commandsIn } from "../support/documented-commands.ts";

const hasCurl = spawnSync("curl", ["--version"]).status === 0;

/** Pages whose requests need only the stack, in an order in which none affects the next. */
const PAGES = [
  "README.md",
  "docs/routes.md",
  "docs/openapi.md",
  "docs/add-an-endpoint.md",
  "docs/faults.md",
  "packages/easy-auth-local/README.md",
  "docs/local-stack.md",
];
/** Requests to endpoints that the reader adds; tested in `test/documented-endpoints.test.ts`. */
const OF_NEW_ENDPOINTS = /\/api\/manager$/;

/** Expected part of a command's output, by the command's end. */
const PRINTED: readonly (readonly [command: RegExp, printed: string])[] = [
  [/-i \S+\/api\/profile$/, "HTTP/1.1 401 "],
  [/token\)" \S+\/api\/profile$/, '"displayName":"Adele Vance"'],
  [/no-consent\)" \S+\/api\/profile$/, '"code":"consent_required"'],
  [/limit=1"$/, '"continuation":'],
  [/welcome\.txt$/, "You read this from Azure Storage as yourself"],
  [/no-role\)" \S+\/api\/files$/, '"code":"downstream_forbidden"'],
  [/\/api\/openapi\.json$/, '{"openapi":"3.1'],
  [/-X POST \S+\/emulator\/faults /, '"fault":'],
  [/-X DELETE \S+\/emulator\/faults$/, ""],
  [/^curl \S+\/emulator\/faults$/, '"fault":'],
  [/\/emulator\/clock /, "now"],
];

test.skipIf(!hasCurl)(
  "every request in the pages, typed into a shell beside the stack, prints what they say",
  async () => {
    const [node = "", ...words] = commandLine();
    const folder = dirname(words[words.indexOf("--config") + 1] ?? "");
    const [command = ""] = words;
    writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts: { token: `"${node}" "${command}" token` } }));
    const running = run(node, [...words, "--files"], {}, folder);
    await running.line(/^Ready/);
    const addressOf = (name: string) => new RegExp(`^${name}.*?(http://\\S+)`, "m").exec(running.output())?.[1] ?? "";
    const [api, entra] = [addressOf("API, behind"), addressOf("Entra ID emulator")];

    const commands = PAGES.flatMap((page) => commandsIn(readFileSync(join(ROOT, page), "utf8")));
    const requests = commands.filter((one) => one.startsWith("curl ") && !OF_NEW_ENDPOINTS.test(one));
    expect(requests.length).toBeGreaterThan(10);
    const type = async (command: string) => (await promisify(execFile)("sh", ["-c", command], { cwd: folder })).stdout;
    const tokens = new Map<string, string>();
    for (const request of requests) {
      // A token outlives this test, so each command that prints one is run only once.
      const [, command] = /\$\((.+?)\)/.exec(request) ?? [];
      if (command !== undefined && !tokens.has(command)) tokens.set(command, (await type(command)).trim());
      const here = request
        .replace(`$(${command})`, tokens.get(command ?? "") ?? "")
        .replace("http://localhost:4281", api)
        .replace("http://localhost:4282", entra);
      const stdout = await type(here);
      const printed = PRINTED.filter(([pattern]) => pattern.test(request)).map(([, text]) => text);
      expect(printed, request).toHaveLength(1);
      expect(stdout, request).toContain(printed[0]);
    }
  },
);
