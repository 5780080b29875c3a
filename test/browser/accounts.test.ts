import { TENANT_ID } from "easy-auth-local";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import {
  continueToSignIn,
  newUser,
  pickAccount,
  seeTitle,
  signIn,
  signInStronger,
  stack,
  useBrowser,
} from "./fixture.ts";

useBrowser({ settings: { REQUEST_TIMEOUT_MS: "2000" } });

interface Scenario {
  readonly account: string;
  readonly what: string;
  /** Final text of the card: a name, or the problem. */
  readonly title: string;
  readonly failures?: readonly string[];
  /** Actions of the user between the first sign-in and the final page. */
  readonly proceed?: (page: Page) => Promise<void>;
  /** Person who can fix the problem, according to the card. */
  readonly who?: string;
}

const SERVED: readonly Scenario[] = [
  { account: "works", what: "everything works", title: "Adele Vance" },
  { account: "sparse", what: "an almost empty profile", title: "Diego Siciliani" },
  { account: "no-photo", what: "no photo", title: "Alex Wilber" },
  { account: "no-role", what: "no role in Storage, which the profile does not need", title: "Allan Deyoung" },
  {
    account: "container-role",
    what: "a role on one container, which the profile does not need",
    title: "Debra Berger",
  },
  { account: "guest", what: "a guest", title: "Megan Bowen" },
  { account: "many-groups", what: "very long headers", title: "Nestor Wilke" },
  {
    account: "mfa-needed",
    what: "a second sign-in with the claims",
    title: "Isaiah Langer",
    failures: ["401 /api/profile"],
    proceed: (page) => signInStronger(page, "mfa-needed", "Isaiah Langer"),
  },
  {
    account: "access-revoked",
    what: "a second sign-in after the sessions were revoked",
    title: "Patti Fernandez",
    failures: ["401 /api/profile"],
    proceed: async (page) => {
      await continueToSignIn(page);
      await page.waitForURL(/claims=/);
      stack.clock.advance(2); // tokens tell seconds: a sign-in in the second of the revocation is not later
      await pickAccount(page, "access-revoked");
    },
  },
];

const REFUSED: readonly Scenario[] = [
  {
    account: "no-consent",
    what: "no consent",
    title: "An administrator's consent is missing",
    failures: ["403 /api/profile"],
    who: "An administrator of your organization",
  },
  {
    account: "blocked",
    what: "a policy",
    title: "Your organization's policy blocks access",
    failures: ["403 /api/profile"],
    who: "An administrator of your organization",
  },
  {
    account: "not-assigned",
    what: "no assignment",
    title: "You are not assigned to this app",
    failures: ["403 /api/profile"],
    who: "An administrator of your organization",
  },
  {
    account: "throttled",
    what: "Graph throttling",
    title: "Too many requests at the moment",
    failures: ["503 /api/profile"],
    proceed: (page) => page.getByRole("button", { name: "Stop waiting" }).click(),
    who: "Nobody has to",
  },
  {
    account: "graph-slow",
    what: "a slow Graph",
    title: "The service behind this API took too long",
    failures: ["504 /api/profile"],
    who: "Nobody has to",
  },
];

describe("signing in shows the profile:", () => {
  test.for(SERVED)("$account ($what)", async ({ account, title, failures = [], proceed }) => {
    const page = await newUser({ failures });
    await signIn(page, account);
    await proceed?.(page);
    await seeTitle(page, title);
  });
});

describe("signing in shows what is wrong and who can fix it:", () => {
  test.for(REFUSED)("$account ($what)", async ({ account, title, failures = [], proceed, who = "" }) => {
    const page = await newUser({ failures });
    await signIn(page, account);
    await proceed?.(page);
    await page.getByText("Who can fix it").waitFor();
    await seeTitle(page, title);
    expect(await page.locator("#state").innerText()).toContain(who);
  });
});

describe("a token that expires while the session lasts", () => {
  test("is renewed without the user noticing", async () => {
    const page = await newUser({ failures: ["401 /api/profile"] });
    await signIn(page, "token-expires");
    await seeTitle(page, "Johanna Lorenz");
    // The photo is requested after the profile is shown, and would find the token expired, too.
    await page.waitForLoadState("networkidle");
    stack.clock.advance(1200);
    await page.reload();
    await seeTitle(page, "Johanna Lorenz");
  });

  test("and cannot be renewed takes the user to the sign-in", async () => {
    const page = await newUser({ failures: ["401 /api/profile", "403 /.auth/refresh"] });
    await signIn(page, "refresh-gone", "/?view=orders");
    await seeTitle(page, "Grady Archie");
    // The photo is requested after the profile is shown, and would find the token expired, too.
    await page.waitForLoadState("networkidle");
    stack.clock.advance(1200);
    await page.reload();
    await pickAccount(page, "refresh-gone");
    await seeTitle(page, "Grady Archie");
    expect(page.url()).toBe(`${stack.frontendUrl}/?view=orders`);
  });
});

test("the photo that Graph has is shown", async () => {
  const page = await newUser();
  await signIn(page, "works");
  await page.locator(".avatar img").waitFor();
});

test("an unknown user is refused on Entra's own page, and can pick another account there", async () => {
  const page = await newUser({ failures: SIGN_IN_REFUSED });
  await signIn(page, "other-tenant");
  await page.getByText("AADSTS50020").first().waitFor();
  await pickAccount(page, "works");
  await seeTitle(page, "Adele Vance");
});

test("the tests above cover every account of the stack", () => {
  const tested = new Set([...SERVED, ...REFUSED].map(({ account }) => account));
  for (const account of ["token-expires", "refresh-gone", "other-tenant"]) tested.add(account);
  expect(stack.directory.accounts.map(({ key }) => key).filter((key) => !tested.has(key))).toEqual([]);
});

/** Entra shows the refusal itself. */
const SIGN_IN_REFUSED = [`400 /${TENANT_ID}/emulator/sign-in`];
