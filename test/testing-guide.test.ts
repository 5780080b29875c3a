// docs/testing.md shows this file's code, word for word.
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { startStack, type TestStack } from "./support/stack.ts";

test("a signed-in user reads their own profile", async () => {
  const stack = await startStack();
  const browser = await stack.signIn("works");
  const response = await browser.fetch("/api/profile");
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ displayName: "Adele Vance" });
});

test("lists the files that the user's role lets them see", async () => {
  const stack = await startStack({ files: [{ name: "plan.txt", content: "secret" }] });
  const listFiles = async (account: string) => {
    const headers = { authorization: `Bearer ${await stack.token(account)}` };
    return fetch(`${stack.apiUrl}/api/files`, { headers });
  };
  expect(await (await listFiles("works")).json()).toMatchObject({ files: [{ name: "plan.txt", size: 6 }] });
  expect((await listFiles("no-role")).status).toBe(403);
  expect(stack.storageRequests.map(({ account }) => account.key)).toEqual(["works", "no-role"]);
});

describe("GET /api/profile", () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startStack({ settings: { REQUEST_TIMEOUT_MS: "2000" } });
  });

  async function getProfile(token: string): Promise<Response> {
    return fetch(`${stack.apiUrl}/api/profile`, { headers: { authorization: `Bearer ${token}` } });
  }

  test("asks Graph for the selected properties only", async () => {
    const headers = { authorization: `Bearer ${await stack.token("works")}` };
    await fetch(`${stack.apiUrl}/api/profile?select=displayName,mail`, { headers });
    expect(stack.graphRequests.at(-1)?.url.searchParams.get("$select")).toBe("displayName,mail");
  });

  test("exchanges the caller's own token", async () => {
    const token = await stack.token("sparse");
    await getProfile(token);
    const exchange = stack.requests.find(({ service, body }) => {
      return service === "entra" && (body as { assertion?: string })?.assertion === token;
    });
    expect(exchange).toMatchObject({ status: 200, answer: { token_type: "Bearer" } });
  });

  test("answers 401 to a token for another audience", async () => {
    const response = await getProfile(await stack.token("works", { aud: "another-api" }));
    expect(response.status).toBe(401);
  });

  test("says who can grant the consent that is missing", async () => {
    const response = await getProfile(await stack.token("no-consent"));
    expect(await response.json()).toMatchObject({ status: 403, code: "consent_required" });
  });

  test("answers 504 when Graph does not", async () => {
    const undo = stack.faults.add({ service: "graph", account: "works", fault: { kind: "hang" } });
    const response = await getProfile(await stack.token("works"));
    undo();
    expect(response.status).toBe(504);
    expect(stack.logs.map(({ message }) => message).join()).toContain("downstream_timeout");
  });

  test("answers 401 when the session's token has expired, until it is refreshed", async () => {
    const browser = await stack.signIn("works");
    stack.clock.advance(2 * 3600);
    expect((await browser.fetch("/api/profile")).status).toBe(401);
    await browser.fetch("/.auth/refresh");
    expect((await browser.fetch("/api/profile")).status).toBe(200);
  });
});

test("docs/testing.md shows this file's code, word for word", async () => {
  const [guide, code] = await Promise.all([
    readFile(new URL("../docs/testing.md", import.meta.url), "utf8"),
    readFile(new URL(import.meta.url), "utf8"),
  ]);
  const blocks = [...guide.matchAll(/```ts\n(.*?)```/gs)].map(([, block = ""]) => block);
  expect(blocks.length).toBeGreaterThan(0);
  for (const block of blocks) expect(withoutIndent(code)).toContain(withoutIndent(block));
});

function withoutIndent(text: string): string {
  return text.replaceAll(/^ +/gm, "");
}
