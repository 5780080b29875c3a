import { describe, expect, test } from "vitest";
import { parseCommandLine, UsageError, usage } from "../../src/command/command-line.ts";
import { environmentLines } from "../../src/command/env.ts";

describe("the command line", () => {
  test.each([
    [["--freeports"], "'--freeports'. --help lists the options."],
    [["extra"], 'There is no command "extra". There are: env, token'],
    [["token", "works", "more"], 'token does not take "more".'],
    [["--platform", "aks"], '--platform does not know "aks". There are: app-service, container-apps.'],
    [["--misconfigure", "nothing"], '"nothing". There are: no-api-scope, wrong-audience, v1-token, id-token, '],
    [["--misconfigure"], "--misconfigure <value>"],
    [["--switch", "nothing=1"], "There is no switch nothing. There are: bearerTokenHeaders, "],
    [["--switch", "precedence=cookie"], "precedence is one of: bearer, session."],
    [["--cors", "http://localhost:5173/"], '"http://localhost:5173/" is not an origin'],
    [["--cors", "localhost:5173"], '"localhost:5173" is not an origin'],
    [["--tenant", "contoso.example", "--https"], "--https is for the emulators"],
    [["--tenant", "contoso.example", "--files"], "--files is for the emulators, not for --tenant."],
    [["--tenant="], "--tenant needs the id or a domain"],
    [["--settings", "x.json"], "--settings is for --tenant"],
  ])("refuses %j and says why", (args, why) => {
    const parse = () => parseCommandLine(args);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(why);
  });

  test("accepts apps by address, port or folder, and commands to run beside the stack", () => {
    const line = parseCommandLine([
      "--api",
      "7071",
      "--frontend",
      "./page",
      "--run",
      "func start",
      "--cors",
      "http://localhost:5173",
    ]);
    expect(line).toMatchObject({ api: "7071", frontend: "./page", run: ["func start"] });
    expect(line.cors).toEqual({ allowedOrigins: ["http://localhost:5173"] });
    expect(parseCommandLine(["token", "sparse"])).toMatchObject({ command: "token", account: "sparse" });
  });

  test("lists its options", () => {
    for (const option of [
      "--api <url|port|folder>",
      "--free-ports",
      "--tenant <id or domain>",
      "wrong-secret",
      "--func",
    ]) {
      expect(usage()).toContain(`  ${option}`);
    }
  });
});

describe("easy-auth-local env", () => {
  const running = { entraUrl: "http://localhost:4282", graphUrl: "http://localhost:4283" };

  test("prints export lines, each value quoted for the shell", () => {
    const lines = environmentLines({ ...running, services: { "https://orders.contoso.com": "http://localhost:5080" } });
    expect(lines).toMatch(/^export NODE_OPTIONS='.*--import file:\/\/\S+preload\.js'$/m);
    expect(lines).toContain("export EMULATED_ENTRA_URL='http://localhost:4282'");
    expect(lines).toContain("export EMULATED_SERVICES='https://orders.contoso.com=http://localhost:5080'");
    expect(lines).toMatch(/^export NO_PROXY='.*localhost.*login\.microsoftonline\.com.*orders\.contoso\.com'$/m);
    expect(lines).toContain("# Other runtimes need the https listeners: start the stack with --https");
  });

  test("names the certificate for other runtimes", () => {
    const https = { entraHttpsUrl: "https://localhost:4284", graphHttpsUrl: "https://localhost:4286" };
    const lines = environmentLines({ ...running, ...https, certificateFile: "/it's/certificate.pem" });
    expect(lines).toContain(`export NODE_EXTRA_CA_CERTS='/it'\\''s/certificate.pem'`);
    for (const runtime of ["curl", ".NET", "Python", "Java", "Chromium"]) expect(lines).toContain(`# ${runtime}:`);
  });

  test("lets no address or path run a command in the shell", () => {
    const https = { entraHttpsUrl: "https://localhost:4284\ntouch /tmp/pwned", graphHttpsUrl: "" };
    const lines = environmentLines({ ...running, ...https, certificateFile: "/a\r\nb/certificate.pem" });
    const rest = lines.replaceAll(/^export \w+='[^']*'$/gm, "");
    expect(rest.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
  });
});
