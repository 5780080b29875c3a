import axe from "axe-core";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { newUser, seeTitle, signIn, stack, useBrowser } from "./fixture.ts";

useBrowser();

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };

interface State {
  readonly what: string;
  readonly failures?: readonly string[];
  readonly open: (page: Page) => Promise<void>;
}

const STATES: readonly State[] = [
  {
    what: "the profile",
    open: async (page) => {
      await signIn(page, "works");
      await seeTitle(page, "Adele Vance");
    },
  },
  {
    what: "an empty profile",
    open: async (page) => {
      await signIn(page, "sparse");
      await seeTitle(page, "Diego Siciliani");
    },
  },
  {
    what: "loading",
    open: async (page) => {
      await page.route("**/api/profile", () => {});
      await signIn(page, "works");
      await page.getByText("Loading your profile").waitFor();
    },
  },
  {
    what: "a problem",
    failures: ["403 /api/profile"],
    open: async (page) => {
      await signIn(page, "no-consent");
      await seeTitle(page, "An administrator's consent is missing");
    },
  },
  {
    what: "a countdown",
    failures: ["503 /api/profile"],
    open: async (page) => {
      await page.clock.install();
      stack.faults.add({ service: "graph", account: "works", fault: { kind: "status", status: 429, retryAfter: 30 } });
      await signIn(page, "works");
      await page.locator(".countdown").waitFor();
    },
  },
  {
    what: "signed out",
    open: async (page) => {
      await page.goto(`${stack.frontendUrl}/signed-out`);
    },
  },
  {
    what: "the errors",
    open: async (page) => {
      await page.goto(`${stack.frontendUrl}/api/errors#throttled`);
    },
  },
];

describe.each(STATES)("$what", ({ failures = [], open }) => {
  test.each([
    ["on a phone, light", { viewport: PHONE, colorScheme: "light" }],
    ["on a desktop, dark", { viewport: DESKTOP, colorScheme: "dark" }],
    ["in forced colours", { viewport: DESKTOP, forcedColors: "active" }],
  ] as const)("has nothing that axe objects to, %s", async (_how, options) => {
    const page = await newUser({ ...options, failures });
    await open(page);
    await page.evaluate(axe.source);
    const { violations, passes } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    expect(passes.length).toBeGreaterThan(10);
  });
});

describe("with the keyboard alone", () => {
  test("everything that can be done is reached in the order it is read, and seen to be reached", async () => {
    const page = await newUser({ failures: ["403 /api/profile"] });
    await signIn(page, "no-consent");
    await seeTitle(page, "An administrator's consent is missing");
    const reached: string[] = [];
    for (let count = 0; count < 7; count += 1) {
      await page.keyboard.press("Tab");
      reached.push(await focused(page));
    }
    expect(reached).toEqual([
      "Profile Viewer",
      "Sign out",
      "Copy consent link",
      "Grant consent",
      "Try again",
      "consent_required",
      "Copy",
    ]);
    expect(await page.evaluate(() => getComputedStyle(document.activeElement as Element).outlineStyle)).toBe("solid");
  });

  test("trying again does not lose the place", async () => {
    const page = await newUser({ failures: ["502 /api/profile"] });
    const undo = stack.faults.add({ service: "graph", account: "works", fault: { kind: "html", status: 502 } });
    await signIn(page, "works");
    await seeTitle(page, "The service behind this API failed");
    undo();
    await page.getByRole("button", { name: "Try again" }).focus();
    await page.keyboard.press("Enter");
    await seeTitle(page, "Adele Vance");
    expect(await focused(page)).toBe("Adele Vance");
  });
});

test("a screen reader is told of each state, in a region that is there from the start", async () => {
  const page = await newUser({ failures: ["502 /api/profile"] });
  const undo = stack.faults.add({ service: "graph", account: "works", fault: { kind: "html", status: 502 } });
  await signIn(page, "works");
  const status = page.getByRole("status");
  await page.getByText("The service behind this API failed").first().waitFor();
  expect(await status.textContent()).toBe("The service behind this API failed");
  undo();
  await page.getByRole("button", { name: "Try again" }).click();
  await seeTitle(page, "Adele Vance");
  expect(await status.textContent()).toBe("Your profile is shown");
});

test("nothing moves for those who asked for that", async () => {
  const page = await newUser({ reducedMotion: "reduce" });
  await page.route("**/api/profile", () => {});
  await signIn(page, "works");
  await page.getByText("Loading your profile").waitFor();
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
}
