import type { Fault } from "easy-auth-local";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import {
  newUser,
  pickAccount,
  seeTitle,
  signIn,
  signInStronger,
  signInWithClaims,
  stack,
  useBrowser,
} from "./fixture.ts";

useBrowser();

const CLAIMS = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const EXPIRED: Fault = { kind: "entraError", number: 500133, error: "invalid_grant" };
const MFA: Fault = { kind: "entraError", number: 50076, error: "interaction_required", claims: CLAIMS };
const BUSY: Fault = { kind: "status", status: 429, retryAfter: 30 };
const ADDRESS = "/?view=orders&next=%2F";

describe("a token that has expired", () => {
  test("is renewed without the user noticing", async () => {
    const page = await newUser({ failures: ["401 /api/profile"] });
    const visited = watchNavigation(page);
    stack.faults.add({ service: "entra", account: "works", times: 1, fault: EXPIRED });
    await signIn(page, "works", ADDRESS);
    await seeTitle(page, "Adele Vance");
    expect(visited.filter((path) => path === ADDRESS)).toHaveLength(2); // before the sign-in, and after it
  });

  test("that cannot be renewed takes the user to the sign-in, and back to the same address", async () => {
    const page = await newUser({ failures: ["401 /api/profile", "403 /.auth/refresh"] });
    await page.route("**/.auth/refresh", (route) => route.fulfill({ status: 403 }));
    stack.faults.add({ service: "entra", account: "works", times: 1, fault: EXPIRED });
    await signIn(page, "works", ADDRESS);
    await pickAccount(page, "works");
    await seeTitle(page, "Adele Vance");
    expect(page.url()).toBe(stack.frontendUrl + ADDRESS);
  });
});

describe("a session that has ended while the page was open", () => {
  test("takes the user to the sign-in, and back to the same address", async () => {
    const page = await newUser({ failures: ["502 /api/profile", "401 /.auth/refresh"] });
    const undo = stack.faults.add({ service: "graph", account: "works", fault: { kind: "html", status: 502 } });
    await signIn(page, "works", ADDRESS);
    await seeTitle(page, "The service behind this API failed");
    undo();
    await page.evaluate(() => {
      location.hash = "total";
    });
    await page.context().clearCookies();
    await page.getByRole("button", { name: "Try again" }).click();
    await pickAccount(page, "works");
    await seeTitle(page, "Adele Vance");
    expect(page.url()).toBe(`${stack.frontendUrl}${ADDRESS}#total`);
  });
});

describe("a claims challenge", () => {
  test("is announced, then takes the user to a sign-in that asks for the claims, and back to the same address", async () => {
    const page = await newUser({ failures: ["401 /api/profile"] });
    const visited = watchNavigation(page);
    stack.faults.add({ service: "entra", account: "works", times: 1, fault: MFA });
    await signIn(page, "works", ADDRESS);
    await page.getByText("The API asks for a stronger sign-in").waitFor();
    expect(await page.getByRole("status").textContent()).toBe("Another sign-in step is needed");
    expect(visited.filter((path) => path.startsWith("/.auth/login/aad?"))).toEqual([]);
    await signInStronger(page, "works", "Adele Vance");
    await seeTitle(page, "Adele Vance");
    expect(page.url()).toBe(stack.frontendUrl + ADDRESS);
    const login = visited.find((path) => path.startsWith("/.auth/login/aad?")) ?? "";
    expect(new URLSearchParams(login.split("?")[1]).get("claims")).toBe(CLAIMS);
  });

  test("that a sign-in did not satisfy is shown, and the user decides about another sign-in", async () => {
    const page = await newUser({ failures: ["401 /api/profile"] });
    const visited = watchNavigation(page);
    stack.faults.add({ service: "entra", account: "works", fault: MFA });
    await signIn(page, "works", ADDRESS);
    await signInStronger(page, "works", "Adele Vance");
    await seeTitle(page, "Another sign-in step is needed");
    await page.reload();
    await seeTitle(page, "Another sign-in step is needed");
    expect(visited.filter((path) => path.startsWith("/.auth/login/aad?"))).toHaveLength(1);

    stack.faults.clear();
    await page.getByRole("link", { name: "Sign in again" }).click();
    await signInWithClaims(page, "works");
    await seeTitle(page, "Adele Vance");
    expect(page.url()).toBe(stack.frontendUrl + ADDRESS);
  });
});

describe("a page whose session changed in another tab", () => {
  test("shows that the user signed out, and none of their data, when it becomes visible again", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    const other = await page.context().newPage();
    await other.goto(`${stack.frontendUrl}/.auth/logout?post_logout_redirect_uri=/signed-out`);
    await lookAt(page);
    await seeTitle(page, "You are signed out");
    expect(await page.locator("body").innerText()).not.toMatch(/adele/i);

    await signIn(other, "sparse");
    await seeTitle(other, "Diego Siciliani");
    await lookAt(page);
    await seeTitle(page, "Diego Siciliani");
    expect(await page.locator("#account").textContent()).toBe("diego.siciliani@contoso.example");
  });

  test("shows who is signed in now, and none of the other user's data, when it becomes visible again", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await page.locator(".avatar img").waitFor();
    await signInElsewhere(page, "no-photo");
    await lookAt(page);
    await seeTitle(page, "Alex Wilber");
    expect(await page.locator("body").innerText()).not.toMatch(/adele/i);
    expect(await page.locator(".avatar img").count()).toBe(0);
  });

  test("shows the new user in place of the former one's problem", async () => {
    const page = await newUser({ failures: ["403 /api/profile"] });
    await signIn(page, "no-consent");
    await seeTitle(page, "An administrator's consent is missing");
    await signInElsewhere(page, "works");
    await lookAt(page);
    await seeTitle(page, "Adele Vance");
  });

  test("stays as it is when the user is still the same", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    await page.waitForLoadState("networkidle");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    const answered = page.waitForResponse("**/session");
    await lookAt(page);
    await (await answered).finished();
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    expect(asked).toEqual(["/session"]);
    await seeTitle(page, "Adele Vance");
  });

  test("never puts a photo of one user on the card of another, however late it comes", async () => {
    const page = await newUser();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/api/photo?*", async (route) => {
      await held;
      await route.continue();
    });
    await signIn(page, "no-photo");
    await seeTitle(page, "Alex Wilber");
    await signInElsewhere(page, "works");
    const answered = page.waitForResponse("**/api/photo?*");
    release();
    const photo = await answered;
    expect(photo.status(), "the photo of the user who is signed in now").toBe(200);
    await photo.finished();
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
    await seeTitle(page, "Alex Wilber");
    expect(await page.locator(".avatar img").count()).toBe(0);
  });

  test("shows no profile that arrives after somebody else signed in", async () => {
    const page = await newUser();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route("**/api/profile", async (route) => {
      const response = await route.fetch();
      await held;
      await route.fulfill({ response });
    });
    await signIn(page, "works");
    await page.getByText("adele.vance@contoso.example").waitFor();
    await page.waitForLoadState("load");
    await signInElsewhere(page, "sparse");
    await lookAt(page);
    await page.getByText("diego.siciliani@contoso.example").waitFor();
    release();
    await seeTitle(page, "Diego Siciliani");
    expect(await page.locator("body").innerText()).not.toMatch(/adele/i);
  });
});

/** Ends the former session and begins another user's, in a tab of the same browser that is then closed. */
async function signInElsewhere(page: Page, account: string): Promise<void> {
  const other = await page.context().newPage();
  await other.route("**/api/*", (route) => route.abort());
  await other.goto(`${stack.frontendUrl}/.auth/logout?post_logout_redirect_uri=/signed-out`);
  await other.goto(`${stack.frontendUrl}/health`);
  await other.goto(`${stack.frontendUrl}/.auth/login/aad?post_login_redirect_uri=/health`);
  await pickAccount(other, account);
  await other.getByText('"status"').waitFor();
  await other.close();
}

/** Tells the page that it is visible again, as browsers do; a headless one has to be told to. */
function lookAt(page: Page): Promise<void> {
  return page.evaluate(() => void dispatchEvent(new FocusEvent("focus")));
}

describe("a service that asks to wait", () => {
  test("gets the request again when the countdown has ended", async () => {
    const page = await newUser({ failures: ["503 /api/profile"] });
    await page.clock.install();
    const undo = stack.faults.add({ service: "graph", account: "sparse", fault: BUSY });
    await signIn(page, "sparse");
    await seeTitle(page, "Too many requests at the moment");
    const countdown = page.locator(".countdown");
    const seconds = Number(/\d+/.exec(await countdown.innerText())?.[0]);
    expect(seconds).toBeGreaterThan(1);
    expect(await page.locator("#status").textContent()).toContain(`Trying again in ${seconds} seconds`);
    await page.clock.runFor(1000);
    expect(await countdown.innerText()).toBe(`Trying again in ${seconds - 1} s`);
    undo();
    await page.clock.runFor((seconds - 1) * 1000);
    await seeTitle(page, "Diego Siciliani");
  });

  test("is not waited for when the user cancels", async () => {
    const page = await newUser({ failures: ["503 /api/profile"] });
    await page.clock.install();
    const undo = stack.faults.add({ service: "graph", account: "sparse", fault: BUSY });
    await signIn(page, "sparse");
    await page.getByRole("button", { name: "Stop waiting" }).click();
    await page.getByText("What you can do").waitFor();
    expect(await focusedText(page)).toBe("Too many requests at the moment");
    undo();
    await page.getByRole("button", { name: "Try again" }).click();
    await seeTitle(page, "Diego Siciliani");
    expect(await focusedText(page)).toBe("Diego Siciliani");
  });
});

describe("a device without a connection", () => {
  test("is reported, and the page goes on by itself when the connection is back", async () => {
    const page = await newUser({ failures: ["502 /api/profile"], complaints: /ERR_INTERNET_DISCONNECTED/ });
    const undo = stack.faults.add({ service: "graph", account: "works", fault: { kind: "html", status: 502 } });
    await signIn(page, "works");
    await seeTitle(page, "The service behind this API failed");
    undo();
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Try again" }).click();
    await seeTitle(page, "You are offline");
    await page.context().setOffline(false);
    await seeTitle(page, "Adele Vance");
  });
});

describe("no token", () => {
  test("is within reach of the page's scripts", async () => {
    const page = await newUser({ complaints: /Content Security Policy|auth\/me csp$/ });
    const bodies: Promise<string>[] = [];
    page.on("response", (response) => {
      if (response.url().startsWith(stack.frontendUrl)) bodies.push(response.text().catch(() => ""));
    });
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    const kept = await page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    const read = [...(await Promise.all(bodies)), kept, await page.content()];
    for (const text of read) expect(text).not.toMatch(TOKENS);
    for (const attempt of ATTEMPTS) expect(await page.evaluate(attempt), attempt).toBe("refused");
  });

  test("is in a window that a script opens and reads", async () => {
    const page = await newUser();
    await signIn(page, "works");
    await seeTitle(page, "Adele Vance");
    const opening = page.context().waitForEvent("page");
    await page.evaluate(() => Object.assign(window, { opened: open("/.auth/me") }));
    const popup = await opening;
    await popup.waitForLoadState();
    expect(await popup.textContent("body"), "Easy Auth shows them to whoever is signed in").toMatch(TOKENS);
    const seen = await page.evaluate(() => {
      const { opened } = window as unknown as { opened: Window | null };
      return opened?.closed === false ? opened.document.body.innerText : "nothing";
    });
    expect(seen).toBe("nothing");
  });
});

const TOKENS = /eyJ|access_token|refresh_token/;

/** Ways for a script on the page to read Easy Auth's session data, tokens included. */
const ATTEMPTS = [
  `fetch("/.auth/me").then((response) => response.text(), () => "refused")`,
  `fetch("/.auth/me", { redirect: "manual", mode: "same-origin" }).then((response) => response.text(), () => "refused")`,
  `import("/.auth/me", { with: { type: "json" } }).then(JSON.stringify, () => "refused")`,
  `new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.onload = () => resolve(request.responseText);
    request.onerror = () => resolve("refused");
    request.open("GET", "/.auth/me");
    request.send();
  })`,
  `new Promise((resolve) => {
    const frame = document.createElement("iframe");
    frame.onload = () => resolve(frame.contentDocument?.body.innerText || "refused");
    frame.src = "/.auth/me";
    document.body.append(frame);
  })`,
];

/** Returns an array that collects path and query of every opened document. */
function watchNavigation(page: Page): string[] {
  const visited: string[] = [];
  page.on("request", (request) => {
    const { pathname, search } = new URL(request.url());
    if (request.isNavigationRequest() && request.url().startsWith(stack.frontendUrl)) visited.push(pathname + search);
  });
  return visited;
}

function focusedText(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.textContent);
}
