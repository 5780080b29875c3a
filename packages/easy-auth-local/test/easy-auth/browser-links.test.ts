import http from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { CLOUDS } from "../../src/directory/clouds.ts";
import { listenOnLoopback } from "../../src/http/loopback-server.ts";
import { apiSettings, openGate, surroundings } from "./fixture.ts";

const around = surroundings();
const PROBLEM = "application/problem+json; charset=utf-8";

/** Returns the answer that a client behind the gate gets from this app. */
async function answered(type: string, listener: (response: http.ServerResponse) => void) {
  const server = http.createServer((_, response) => listener(response.setHeader("content-type", type)));
  const app = await listenOnLoopback(server, 0);
  onTestFinished(() => app.close());
  const url = await openGate(around, apiSettings(), { upstream: app.url });
  const headers = { authorization: `Bearer ${await around.apiToken()}` };
  return fetch(`${url}/x`, { headers });
}

test.each(CLOUDS.map(({ authorityOrigin }) => authorityOrigin))(
  "the addresses at %s that a failure names lead the browser to the emulator",
  async (origin) => {
    const problem = (at: string) =>
      JSON.stringify({ detail: "ä", adminConsentUrl: `${at}/t/adminconsent?client_id=1` });
    const response = await answered(PROBLEM, (app) => {
      app.writeHead(403, { "content-length": Buffer.byteLength(problem(origin)) });
      // Cuts in the middle of the address.
      app.write(problem(origin).slice(0, 40), () => app.end(problem(origin).slice(40)));
    });
    expect([response.status, response.headers.get("content-type")]).toEqual([403, PROBLEM]);
    expect(await response.text()).toBe(problem(around.entra.url));
  },
);

test.each(["application/json", "text/html"])("what %s holds is left as it is", async (type) => {
  const body = `"${CLOUDS[0].authorityOrigin}/t/adminconsent"`;
  const response = await answered(type, (app) => app.end(body));
  expect(await response.text()).toBe(body);
});

test("a failure whose body breaks off breaks off for the client, too", async () => {
  const response = answered(PROBLEM, (app) => {
    app.writeHead(403, { "content-length": 99 }).write("{", () => app.destroy());
  });
  await expect(response.then((got) => got.text())).rejects.toThrow();
});
