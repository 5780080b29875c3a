import type { Fault, FaultRule } from "easy-auth-local";
import { describe, expect, onTestFinished, test } from "vitest";
import { newUser, pickAccount, seeTitle, signIn, stack, useBrowser } from "./fixture.ts";

useBrowser({ settings: { REQUEST_TIMEOUT_MS: "2000" } });

const OPERATOR = "The people who run this app";
const ADMINISTRATOR = "An administrator of your organization";

function refusal(number: number, error: string): FaultRule {
  return { service: "entra", account: "works", fault: { kind: "entraError", number, error } };
}

function graph(fault: Fault): FaultRule {
  return { service: "graph", account: "works", fault };
}

test.for([
  [
    "blocked_by_policy",
    403,
    "Your organization's policy blocks access",
    ADMINISTRATOR,
    refusal(53003, "access_denied"),
  ],
  ["user_not_assigned", 403, "You are not assigned to this app", ADMINISTRATOR, refusal(50105, "invalid_grant")],
  [
    "downstream_forbidden",
    403,
    "You are not allowed to see this",
    ADMINISTRATOR,
    graph({ kind: "graphError", status: 403, code: "Authorization_RequestDenied" }),
  ],
  ["misconfigured", 500, "This API is not set up correctly", OPERATOR, refusal(7000215, "invalid_client")],
  [
    "downstream_failed",
    502,
    "The service behind this API failed",
    "Nobody has to",
    graph({ kind: "html", status: 502 }),
  ],
  ["downstream_timeout", 504, "The service behind this API took too long", "Nobody has to", graph({ kind: "hang" })],
] as const)(
  "%s is shown with what to do, who can fix it, and its explanation",
  async ([code, status, title, who, rule]) => {
    const page = await newUser({ failures: [`${status} /api/profile`] });
    stack.faults.add(rule);
    await signIn(page, "works");
    await seeTitle(page, title);
    for (const label of ["What happened", "What you can do", "Who can fix it", "Correlation ID"]) {
      expect(await page.getByText(label, { exact: true }).isVisible(), label).toBe(true);
    }
    expect(await page.locator("#state").innerText()).toContain(who);

    await page.getByRole("link", { name: code }).click();
    const entry = page.locator(`h2#${code}`);
    await entry.waitFor();
    expect(await entry.evaluate((element) => element.matches(":target"))).toBe(true);
  },
);

test.each(["__proto__", "toString"])("the code %s in an answer is treated as an unknown one", async (code) => {
  const page = await newUser({ failures: ["403 /api/profile"] });
  const problem = JSON.stringify({ type: "about:blank", title: "A strange answer", status: 403, detail: "", code });
  await page.route("**/api/profile", (route) =>
    route.fulfill({ status: 403, contentType: "application/problem+json", body: problem }),
  );
  await signIn(page, "works");
  await seeTitle(page, "A strange answer");
  expect(await page.locator("#state").innerText()).toContain(OPERATOR);
});

test("a token that is never accepted leads to one sign-in, then to the problem", async () => {
  const page = await newUser({ failures: ["401 /api/profile"] });
  stack.faults.add(refusal(50013, "invalid_grant"));
  await signIn(page, "works");
  await pickAccount(page, "works");
  await seeTitle(page, "The access token is not accepted");
  expect(await page.getByRole("link", { name: "Sign in again" }).isVisible()).toBe(true);
});

describe("the problem card", () => {
  const permissions = ["clipboard-read", "clipboard-write"];

  test("has a button that copies the log's correlation id", async () => {
    const page = await newUser({ failures: ["403 /api/profile"], permissions });
    await signIn(page, "no-consent");
    await page.getByRole("button", { name: "Copy correlation ID" }).click();
    await page.getByText("Copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(copied).toMatch(/^[0-9a-f-]{36}$/);
    expect(stack.logs.map(({ message }) => message).join("\n")).toContain(copied);
  });

  test("says on the button that the browser has no clipboard", async () => {
    const page = await newUser({ failures: ["403 /api/profile"] });
    await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
    await signIn(page, "no-consent");
    await page.getByRole("button", { name: "Copy correlation ID" }).click();
    await page.getByText("No clipboard here").waitFor();
  });

  test("says on the button that the browser refused to copy", async () => {
    const page = await newUser({ failures: ["403 /api/profile"] });
    await page.addInitScript(() => {
      navigator.clipboard.writeText = () => Promise.reject(new DOMException("Refused", "NotAllowedError"));
    });
    await signIn(page, "no-consent");
    await page.getByRole("button", { name: "Copy consent link" }).click();
    await page.getByText("Not copied").waitFor();
  });

  test("has the administrator's link, to copy or to open for consent", async () => {
    const page = await newUser({ failures: ["403 /api/profile"], permissions });
    await signIn(page, "no-consent");
    await page.getByRole("button", { name: "Copy consent link" }).click();
    await page.getByText("Copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    const link = page.getByRole("link", { name: "Grant consent" });
    expect(await link.getAttribute("href")).toBe(copied);
    const opening = page.context().waitForEvent("page");
    await link.click();
    onTestFinished(() => stack.directory.consents.withdraw());
    const beside = await opening;
    await beside.getByRole("button", { name: "Accept" }).click();
    await beside.getByRole("heading", { name: "Consent granted" }).waitFor();
    // The API remembers a refusal for some seconds.
    stack.clock.advance(10);
    await beside.close();
    // Browsers tell a page when it becomes visible again; a headless one has to be told to.
    await page.evaluate(() => void document.dispatchEvent(new Event("visibilitychange")));
    await seeTitle(page, "Lidia Holloway");
  });
});
