import http from "node:http";
import { FREE_PORTS, SAMPLE_FILES, startStack } from "easy-auth-local";
import { listenOnLoopback } from "easy-auth-local/parts";
import { describe, expect, onTestFinished, test } from "vitest";
import { exitCode, freePort, run, start, urlOf } from "../support/command.ts";

describe("npm start", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "prints its addresses, then Ready; %s to npm alone stops all of it with exit code 0",
    async (signal) => {
      const running = run("npm", ["start", "--", "--free-ports"]);
      await running.line(/^Ready/);
      const lines = running
        .output()
        .split("\n")
        .filter((one) => one !== "");
      expect(lines.at(-1)).toMatch(/^Ready: open http:\/\/localhost:\d+/);
      expect(running.output()).not.toMatch(/Azure Storage emulator|\[GET\] \S+\/files/);
      expect(running.output()).toMatch(/profile: \[GET\] http:\/\/localhost:\d+\/api\/profile/);
      running.child.kill(signal);
      expect(await exitCode(running)).toBe(0);
    },
  );

  test("prints each request with all it led to, with --trace", async () => {
    const running = start("packages/easy-auth-local/src/command/main.ts", ["--free-ports", "--trace"]);
    const url = /http:\S+/.exec(await running.line(/^API, behind Easy Auth/))?.[0] ?? "";
    await running.line(/^Ready/);
    expect((await fetch(url)).status).toBe(401);
    await running.line(/^ {2}client → API gate {2}GET \/api\/profile {2}401 .*✗ WWW-Authenticate: Bearer /);
  });

  test("names the port that is in use, and closes what it had started", async () => {
    const taken = await listenOnLoopback(http.createServer(), 0);
    onTestFinished(() => taken.close());
    const graph = await freePort();
    const ports = { ...FREE_PORTS, graph, frontend: Number(new URL(taken.url).port) };
    await expect(startStack({ ports })).rejects.toThrow(
      new RegExp(`^Port ${ports.frontend} is in use\\. .*--free-ports$`),
    );
    await expect(fetch(`http://localhost:${graph}`)).rejects.toThrow();
  });

  test("serves files from Storage with --files, each user by their role", async () => {
    const running = start("packages/easy-auth-local/src/command/main.ts", ["--free-ports", "--files"]);
    await running.line(/^Ready/);
    expect(running.output()).toMatch(/^Azure Storage emulator +https:\/\/localhost:\d+\/devstoreaccount1\/documents$/m);
    const [api, entra] = [await urlOf(running, /^API, behind/), await urlOf(running, /^Entra ID emulator/)];
    const get = async (path: string, account: string) => {
      const answer = await fetch(`${entra}/emulator/token?account=${account}`);
      const { access_token: token } = (await answer.json()) as { access_token: string };
      return fetch(`${api}/api/${path}`, { headers: { authorization: `Bearer ${token}` } });
    };
    const { files } = (await (await get("files", "works")).json()) as { files: { name: string }[] };
    expect(files.map(({ name }) => name)).toEqual(SAMPLE_FILES.map(({ name }) => name).sort());
    expect(await (await get("files/welcome.txt", "works")).text()).toContain("from Azure Storage as yourself");
    const refused = await get("files", "no-role");
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: "downstream_forbidden" }]);
    expect((await get("profile", "no-role")).status).toBe(200);
    running.child.kill("SIGTERM");
    expect(await exitCode(running)).toBe(0);
  });

  test("refuses to start in App Service", async () => {
    const running = start("packages/easy-auth-local/src/command/main.ts", ["--free-ports"], {
      WEBSITE_SITE_NAME: "real-app",
    });
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("WEBSITE_SITE_NAME");
  });

  test.each([
    [["--freeports"], "'--freeports'. npm start -- --help lists the options."],
    [["extra"], "'extra'"],
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
  ])("refuses %j with exit code 2, and says why", async (args, why) => {
    const running = start("packages/easy-auth-local/src/command/main.ts", args);
    expect(await exitCode(running)).toBe(2);
    expect(running.output()).toContain(why);
  });

  test("lets pages of the origins named with --cors call the API", async () => {
    const origins = ["http://localhost:5173", "http://localhost:3000"];
    const running = start("packages/easy-auth-local/src/command/main.ts", [
      "--free-ports",
      ...origins.flatMap((origin) => ["--cors", origin]),
    ]);
    const url = /http:\S+/.exec(await running.line(/^API, behind Easy Auth/))?.[0] ?? "";
    const allowed = async (origin: string) => {
      const headers = {
        origin,
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      };
      return (await fetch(url, { method: "OPTIONS", headers })).headers.get("access-control-allow-origin");
    };
    expect(await Promise.all([...origins, "http://localhost:4280"].map(allowed))).toEqual([...origins, null]);
  });

  test("lists its options", async () => {
    const running = start("packages/easy-auth-local/src/command/main.ts", ["--help"]);
    expect(await exitCode(running)).toBe(0);
    for (const option of [
      "--free-ports",
      "--tenant <id or domain>",
      "--misconfigure <name>",
      "wrong-secret",
      "--func",
    ]) {
      expect(running.output()).toContain(`  ${option}`);
    }
  });

  test("says which mistake is made", async () => {
    const running = start("packages/easy-auth-local/src/command/main.ts", [
      "--free-ports",
      "--misconfigure",
      "wrong-secret",
    ]);
    await running.line(/^Ready/);
    expect(running.output()).toContain("Misconfigured, wrong-secret: ");
  });

  test("prints where Entra listens with https", async () => {
    const running = start("packages/easy-auth-local/src/command/main.ts", ["--free-ports", "--https"]);
    await running.line(/^Ready/);
    expect(running.output()).toMatch(/^Entra ID emulator +http:\/\/localhost:\d+ {2}https:\/\/localhost:\d+$/m);
  });
});
