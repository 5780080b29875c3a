import { describe, expect, onTestFinished, test } from "vitest";
import { startStack, type TestStack } from "../../../../test/support/stack.ts";
import { Browser } from "../../src/test-kit/browser.ts";

async function isServed({ apiUrl }: TestStack): Promise<boolean> {
  return fetch(`${apiUrl}/api/health`).then(
    ({ ok }) => ok,
    () => false,
  );
}

describe("a stack started in a test", () => {
  let earlier: TestStack;

  test("runs until the test ends", async () => {
    earlier = await startStack();
    onTestFinished(async () => expect(await isServed(earlier), "still there in the test's own clean-up").toBe(true));
    expect(await isServed(earlier)).toBe(true);
  });

  test("is gone in the next test", async () => {
    expect(await isServed(earlier)).toBe(false);
  });
});

describe("a stack", () => {
  test("refuses a second one beside it, until it is closed", async () => {
    const first = await startStack();
    await expect(startStack()).rejects.toThrow("A stack is still running in this file");
    await first.close();
    expect(await isServed(await startStack())).toBe(true);
  });

  test("keeps the lines in which a gate explains a refusal", async () => {
    const stack = await startStack();
    await fetch(`${stack.apiUrl}/api/profile`);
    expect(stack.gateLines).toEqual([expect.stringMatching(/^API gate refused: .* \(401, GET \/api\/profile\)$/)]);
  });

  test("gives access to the logs and requests that it records", async () => {
    const told: unknown[] = [];
    const stack = await startStack({ onLog: (log) => told.push(log), onAnswered: (service) => told.push(service) });
    const headers = { authorization: `Bearer ${await stack.token("works")}` };
    await fetch(`${stack.apiUrl}/api/profile`, { headers });
    expect(stack.logs.length).toBeGreaterThan(0);
    expect(told).toEqual(expect.arrayContaining([...stack.logs, "entra", "graph"]));
    expect(told.length).toBe(stack.logs.length + stack.requests.length);
  });
});

describe("signing in", () => {
  test("fails loudly for an account that does not exist", async () => {
    const stack = await startStack();
    await expect(stack.signIn("nobody")).rejects.toThrow(/^Signing in as nobody led to http.* with status 400\.$/);
    await expect(stack.token("nobody")).rejects.toThrow("The directory has no account nobody.");
  });

  test("keeps browsers apart", async () => {
    const stack = await startStack();
    const [adele, diego] = [await stack.signIn("works"), await stack.signIn("sparse")];
    const nameIn = async (browser: Browser) =>
      ((await (await browser.fetch("/session")).json()) as { name: string }).name;
    expect(await nameIn(adele)).toBe("adele.vance@contoso.example");
    expect(await nameIn(diego)).toBe("diego.siciliani@contoso.example");
    const { url } = await new Browser(stack.frontendUrl).fetch("/session");
    expect(url).toContain(`${stack.entraUrl}/`);
  });
});

describe("a recorded request", () => {
  test("has a form's fields by name, JSON parsed, and the answer", async () => {
    const stack = await startStack();
    await fetch(`${stack.graphUrl}/v1.0/me`, { method: "POST", body: JSON.stringify({ a: 1 }) });
    await fetch(`${stack.entraUrl}/x`, { method: "POST", body: new URLSearchParams({ a: "1" }) });
    await fetch(`${stack.entraUrl}/x`, { method: "PUT", body: "plain" });
    expect(stack.requests).toMatchObject([
      {
        service: "graph",
        method: "POST",
        body: { a: 1 },
        status: 501,
        answer: { error: { code: expect.any(String) } },
      },
      { service: "entra", method: "POST", body: { a: "1" }, status: 404, answer: { error: "not_found" } },
      { service: "entra", method: "PUT", body: "plain" },
    ]);
    expect(stack.graphRequests).toEqual([stack.requests[0]]);
    expect(stack.tokenRequests).toEqual([]);
  });
});
