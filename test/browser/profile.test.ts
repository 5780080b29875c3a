import type { Account } from "easy-auth-local";
import { describe, expect, test } from "vitest";
import { newUser, pickAccount, seeTitle, signIn, stack, useBrowser } from "./fixture.ts";

const FAR: Account = {
  key: "far",
  objectId: "dddddddd-bbbb-eeee-cccc-ffffffffffff",
  shows: "Values in other scripts.",
  consentToGraph: true,
  hasPhoto: false,
  profile: {
    displayName: "محمد علي",
    userPrincipalName: "søren.müller@contoso.example",
    jobTitle: "مهندس (Retail)",
    businessPhones: ["+49 30 1234567890 ext. 0", "1-800-CONTOSO"],
    mobilePhone: "+49 (0)151 123-456",
  },
};

useBrowser({ accounts: [FAR] });

/** Bytes on the wire, headers included, without the photo. */
const PAGE_BUDGET = 30_000;
/** Bytes of a revalidated page with cached assets: little more than the answers about the user. */
const NEXT_VISIT_BUDGET = 5_000;

describe("a user", () => {
  test("signs in and reads their profile", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    expect(await page.locator("#account").textContent()).toBe("adele.vance@contoso.example");
    expect(await page.locator("#state").innerText()).toMatch(
      /Retail Manager[\s\S]*adele\.vance@contoso\.example[\s\S]*18\/2111[\s\S]*\+1 425 555 0109[\s\S]*American English/,
    );
    expect(await page.locator("#status").textContent()).toBe("Your profile is shown");
    expect(await page.getByRole("link", { name: "+1 425 555 0187" }).getAttribute("href")).toBe("tel:+14255550187");
  });

  test("sees values of any script in their own direction, and a sign-in name beyond ASCII spelled correctly", async () => {
    const page = await newUser();
    await signIn(page, "far");
    await seeTitle(page, "محمد علي");
    expect(await page.locator("#account").textContent()).toBe("søren.müller@contoso.example");
    const directions = await page
      .locator("[data-field]:not(.avatar)")
      .evaluateAll((fields) =>
        fields.map((field) => [field.getAttribute("data-field"), getComputedStyle(field).direction]),
      );
    expect(Object.fromEntries(directions)).toMatchObject({
      displayName: "rtl",
      jobTitle: "rtl",
      businessPhones: "ltr",
      userPrincipalName: "ltr",
    });
    expect(await page.locator("[data-field]:not(.avatar):not([dir=auto])").count()).toBe(0);
  });

  test("can dial a phone number with its extension, but not a text that has more than a number", async () => {
    const page = await newUser();
    await signIn(page, "far");
    await seeTitle(page, "محمد علي");
    const links = await page
      .locator('a[href^="tel:"]')
      .evaluateAll((found) => found.map((link) => [link.textContent, link.getAttribute("href")]));
    expect(links).toEqual([
      ["+49 30 1234567890 ext. 0", "tel:+49301234567890;ext=0"],
      ["+49 (0)151 123-456", "tel:+49151123456"],
    ]);
    await page.getByText("1-800-CONTOSO").waitFor();
  });

  test("sees missing values as not set", async () => {
    const page = await newUser();
    await signIn(page, "sparse");
    await seeTitle(page, "Diego Siciliani");
    expect(await page.getByText("Not set").count()).toBe(5);
    expect(await page.getByText("No job title").isVisible()).toBe(true);
  });

  test("sees their photo when there is one, and initials when there is none", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await page.locator(".avatar img").waitFor();
    const other = await newUser();
    await signIn(other, "no-photo");
    await seeTitle(other, "Alex Wilber");
    await other.waitForLoadState("networkidle");
    expect(await other.locator(".avatar").innerText()).toBe("AW");
    expect(await other.locator(".avatar img").count()).toBe(0);
  });

  test("comes back to the exact address they asked for", async () => {
    const page = await newUser();
    await signIn(page, "works", "/?view=a%20b&next=%2F");
    await seeTitle(page, "Adele Vance");
    expect(page.url()).toBe(`${stack.frontendUrl}/?view=a%20b&next=%2F`);
  });

  test("signs out, and the back button shows nothing of them", async () => {
    // The browser may take the page itself from its cache: then the page has to notice the end of the session.
    const page = await newUser({ failures: ["401 /.auth/refresh"] });
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    await page.getByRole("link", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "You are signed out" }).waitFor();
    expect(page.url()).toBe(`${stack.frontendUrl}/signed-out`);

    await page.goBack();
    await page.getByRole("heading", { name: "Pick an account" }).waitFor();
    await pickAccount(page, "sparse");
    await seeTitle(page, "Diego Siciliani");
    expect(await page.getByText("Adele").count()).toBe(0);
  });

  test("goes back from another page and finds their profile again", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    await page.goto(`${stack.frontendUrl}/api/errors#throttled`);
    await page.goBack();
    await seeTitle(page, "Adele Vance");
  });

  test("leaves no data on a page in the browser's back/forward cache", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    // Browsers keep pages for the back button; this one is started without that cache.
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    expect(await page.locator("body").innerText()).not.toMatch(/Adele|adele/);
    const reloaded = page.waitForEvent("load");
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await reloaded;
    await seeTitle(page, "Adele Vance");
  });

  test("signs in again from the page that says they are signed out", async () => {
    const page = await newUser();
    await page.goto(`${stack.frontendUrl}/signed-out`);
    await page.getByRole("link", { name: "Sign in" }).click();
    await pickAccount(page, "works");
    await seeTitle(page, "Adele Vance");
  });
});

test("two users in two browsers each see themselves", async () => {
  const [adele, diego] = await Promise.all([newUser(), newUser()]);
  await Promise.all([signIn(adele, "works"), signIn(diego, "sparse")]);
  await Promise.all([seeTitle(adele, "Adele Vance"), seeTitle(diego, "Diego Siciliani")]);
  await Promise.all([adele.reload(), diego.reload()]);
  await Promise.all([seeTitle(adele, "Adele Vance"), seeTitle(diego, "Diego Siciliani")]);
});

describe("the page", () => {
  test("needs nothing but the API's answer to show the profile", async () => {
    const page = await newUser();
    await page.route("**/session", () => {});
    await page.route("**/api/photo?*", () => {});
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
  });

  test(`transfers less than ${PAGE_BUDGET} bytes, and on the next visit less than ${NEXT_VISIT_BUDGET}`, async () => {
    const page = await newUser();
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Network.enable");
    let bytes = 0;
    devtools.on("Network.loadingFinished", ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    const visit = async (cacheDisabled: boolean): Promise<number> => {
      await devtools.send("Network.setCacheDisabled", { cacheDisabled });
      bytes = 0;
      await page.goto(stack.frontendUrl, { waitUntil: "networkidle" });
      await seeTitle(page, "Adele Vance");
      return bytes;
    };
    const first = await visit(true);
    expect(first).toBeGreaterThan(NEXT_VISIT_BUDGET);
    expect(first).toBeLessThan(PAGE_BUDGET);
    expect(await visit(false)).toBeLessThan(NEXT_VISIT_BUDGET);
  });

  test("says after some seconds that it still waits, also to screen readers", async () => {
    const page = await newUser();
    await page.clock.install();
    await page.route("**/api/profile", () => {});
    await signIn(page, "works");
    await page.getByText("Loading your profile").waitFor();
    expect(await page.locator("#state").innerText()).not.toContain("Still loading");
    await page.clock.runFor(5000);
    expect(await page.locator("#state").innerText()).toMatch(/Still loading…[\s\S]*The API takes longer than usual/);
    expect(await page.getByRole("status").textContent()).toContain("Still loading");
  });

  test("stops saying that it waits once the profile is there", async () => {
    const page = await newUser();
    await page.clock.install();
    await page.route("**/api/photo?*", () => {});
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    await page.clock.runFor(10_000);
    expect(await page.getByRole("status").textContent()).toBe("Your profile is shown");
    expect(await page.locator("#state").innerText()).toContain("Retail Manager");
  });

  test("without JavaScript says that it needs it, and not that it loads", async () => {
    const signedIn = await newUser();
    await signIn(signedIn, "works");
    await seeTitle(signedIn, "Adele Vance");
    const page = await newUser({ javaScriptEnabled: false, storageState: await signedIn.context().storageState() });
    await page.goto(stack.frontendUrl);
    await page.locator("noscript p").waitFor();
    const text = await page.locator("main").innerText();
    expect(text).toContain("This page needs JavaScript");
    expect(text).not.toContain("Loading");
  });

  test("does not shift its layout when the profile arrives", async () => {
    const page = await newUser();
    await page.addInitScript(() => {
      const shifts: number[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.push((entry as PerformanceEntry & { value: number }).value);
      }).observe({ type: "layout-shift", buffered: true });
    });
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    const shifts = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts);
    expect(shifts.reduce((sum, value) => sum + value, 0)).toBeLessThan(0.01);
  });

  test.each([320, 390, 1280])("fits a window of %i pixels", async (width) => {
    const page = await newUser({ viewport: { width, height: 700 }, failures: ["403 /api/profile"] });
    await signIn(page, "no-consent");
    await seeTitle(page, "An administrator's consent is missing");
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
  });
});
