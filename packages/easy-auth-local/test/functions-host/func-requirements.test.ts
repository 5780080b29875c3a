import { chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { refuseUnusableSettings } from "../../src/functions-host/func-settings.ts";
import { refuseOldFunc } from "../../src/functions-host/func-version.ts";
import { writeFolder } from "./fixture-app.ts";

/** Returns an environment with a `func` that runs this script. */
function withFunc(script: string): NodeJS.ProcessEnv {
  const folder = writeFolder({ func: `#!${process.execPath}\n${script}` });
  chmodSync(join(folder, "func"), 0o755);
  return { PATH: `${folder}${delimiter}${process.env.PATH}` };
}

function answering(version: string): NodeJS.ProcessEnv {
  return withFunc(`if (process.argv[2] === "--version") console.log(${JSON.stringify(version)});`);
}

describe("Core Tools", () => {
  test.each(["4.14.0", "4.15.1", "4.100.0", "5.0.0-preview.1"])("of version %s are accepted", async (version) => {
    await expect(refuseOldFunc(answering(version))).resolves.toBeUndefined();
  });

  // Release notes of 4.14.0: "Changed `func start` to bind to the IPv4 loopback address by default instead of 0.0.0.0".
  test.each(["4.13.2", "4.0.5455", "3.0.4915"])(
    "of version %s are refused, as they listen on all interfaces",
    async (version) => {
      const refused = refuseOldFunc(answering(version));
      await expect(refused).rejects.toThrow(`func ${version} listens on all network interfaces`);
      await expect(refused).rejects.toThrow("npm install --global azure-functions-core-tools@4");
    },
  );

  test("that do not say their version are refused", async () => {
    await expect(refuseOldFunc(answering("hello"))).rejects.toThrow('func --version answered "hello\\n"');
    await expect(refuseOldFunc(withFunc("process.exit(3)"))).rejects.toThrow();
  });

  test("that are missing pass this check, as the start reports them", async () => {
    await expect(refuseOldFunc({ PATH: join(tmpdir(), "no-such-folder") })).resolves.toBeUndefined();
  });
});

describe("a local.settings.json", () => {
  test.each([
    ["is fine for func", { IsEncrypted: false, Values: { FUNCTIONS_WORKER_RUNTIME: "node" } }],
    ["may be missing", undefined],
  ])("%s", (_, settings) => {
    expect(() =>
      refuseUnusableSettings(writeFolder(settings ? { "local.settings.json": settings } : {})),
    ).not.toThrow();
  });

  test("is refused with all that func would stumble over", () => {
    const folder = writeFolder({ "local.settings.json": { Values: { WEBSITE_HOSTNAME: "localhost" } } });
    expect(() => refuseUnusableSettings(folder)).toThrow(/lacks "IsEncrypted": false[\s\S]*sets WEBSITE_HOSTNAME/);
  });

  test("is refused when it is encrypted", () => {
    const folder = writeFolder({ "local.settings.json": { IsEncrypted: true, Values: {} } });
    expect(() => refuseUnusableSettings(folder)).toThrow("func settings decrypt");
  });
});
