import axe from "axe-core";
import { API, TENANT_ID } from "easy-auth-local";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { continueToSignIn, newUser, pickAccount, seeTitle, signIn, stack, useBrowser } from "./fixture.ts";

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
    what: "a stronger sign-in announced",
    failures: ["401 /api/profile"],
    open: async (page) => {
      await signIn(page, "mfa-needed");
      await page.getByText("The API asks for a stronger sign-in").waitFor();
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
  {
    what: "the errors, as the API shows them",
    open: async (page) => {
      await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
      await page.goto(`${stack.apiUrl}/api/errors#throttled`);
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
    await expectAccessible(page);
  });
});

async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
  expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  expect(passes.length).toBeGreaterThan(10);
}

describe.each<State>([
  { what: "the account picker", open: (page) => openPicker(page) },
  {
    what: "the account picker that says why it is there again",
    failures: ["401 /api/profile"],
    open: async (page) => {
      await signIn(page, "mfa-needed");
      await continueToSignIn(page);
      await page.getByText("The API asked for a stronger sign-in").waitFor();
    },
  },
  {
    what: "the step of a stronger sign-in",
    failures: ["401 /api/profile"],
    open: async (page) => {
      await signIn(page, "mfa-needed");
      await continueToSignIn(page);
      await pickAccount(page, "mfa-needed");
      await page.getByRole("heading", { name: "Prove that it is you" }).waitFor();
    },
  },
  {
    what: "a sign-in that is refused",
    failures: [`400 /${TENANT_ID}/emulator/sign-in`],
    open: async (page) => {
      await signIn(page, "other-tenant");
      await page.getByRole("heading", { name: "Sign-in failed" }).waitFor();
    },
  },
  {
    what: "an administrator's consent",
    open: (page) => openOwn(page, `/${TENANT_ID}/adminconsent?client_id=${API.clientId}`),
  },
  {
    what: "the message after a consent",
    open: async (page) => {
      await openOwn(page, `/${TENANT_ID}/adminconsent?client_id=${API.clientId}`);
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("heading", { name: "Nothing granted" }).waitFor();
    },
  },
  { what: "the page for a device's code", open: (page) => openOwn(page, "/common/oauth2/deviceauth") },
  { what: "the message after signing out", open: (page) => openOwn(page, `/${TENANT_ID}/oauth2/v2.0/logout`) },
  {
    what: "the control page",
    open: async (page) => {
      stack.faults.add({ service: "graph", account: "works", times: 1, fault: { kind: "hang" } });
      await openOwn(page, "/");
      await page.getByText("Any other fault, as JSON").click();
    },
  },
  {
    what: "the trace",
    failures: ["403 /api/profile"],
    open: async (page) => {
      await signIn(page, "no-consent");
      await seeTitle(page, "An administrator's consent is missing");
      await openOwn(page, "/trace?user=no-consent");
      // One group of requests with everything open: the stack has traced all tests before this one.
      await page.evaluate(() => {
        const group = document.querySelector("details");
        for (const details of [group, ...(group?.querySelectorAll("details") ?? [])]) if (details) details.open = true;
      });
    },
  },
  {
    what: "a page of the gate",
    failures: ["401 /.auth/login/aad/callback"],
    open: async (page) => {
      await page.goto(`${stack.frontendUrl}/.auth/login/aad/callback`);
      await page.getByRole("heading", { name: "Sign-in failed" }).waitFor();
    },
  },
])("of the local stack, $what", ({ failures = [], open }) => {
  test.each([
    ["on a phone, light", { viewport: PHONE, colorScheme: "light" }],
    ["on a desktop, dark", { viewport: DESKTOP, colorScheme: "dark" }],
  ] as const)("has nothing that axe objects to, and nothing that does not fit, %s", async (_how, options) => {
    const page = await newUser({ ...options, failures });
    await open(page);
    await expectAccessible(page);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(options.viewport.width);
  });
});

async function openPicker(page: Page): Promise<void> {
  await page.goto(stack.frontendUrl);
  await page.getByRole("heading", { name: "Pick an account" }).waitFor();
}

/** A page of the stack itself. Browsers ask for an icon, which it has not. */
async function openOwn(page: Page, path: string): Promise<void> {
  await page.route("**/favicon.ico", (route) => route.fulfill({ status: 204 }));
  await page.goto(stack.entraUrl + path);
}

describe("with the keyboard alone", () => {
  test("every control gets a visible focus, in reading order", async () => {
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

  test("trying again keeps the focus", async () => {
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

test("a region that exists from the start announces each state to screen readers", async () => {
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

test("nothing is animated for users who prefer reduced motion", async () => {
  const page = await newUser({ reducedMotion: "reduce" });
  await page.route("**/api/profile", () => {});
  await signIn(page, "works");
  await page.getByText("Loading your profile").waitFor();
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});

function focused(page: Page): Promise<string> {
  return page.evaluate(() => document.activeElement?.textContent?.trim() ?? "");
}
