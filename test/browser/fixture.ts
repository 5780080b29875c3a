import type { StackOptions } from "easy-auth-local";
import type { Browser, BrowserContextOptions, Page, Request } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished } from "vitest";
import { startStack, type TestStack } from "../support/stack.ts";
import { launchChromium } from "./chromium.ts";

/** Set for every test of a file that calls `useBrowser`. */
export let stack: TestStack;
let browser: Browser;

/** Gives a test file a stack and a browser, and each of its tests a stack without faults. */
export function useBrowser(options?: StackOptions): void {
  beforeAll(async () => {
    [stack, browser] = await Promise.all([startStack(options), launchChromium()]);
  });
  beforeEach(() => stack.faults.clear());
  afterAll(async () => {
    await browser.close();
    await stack.close();
  });
}

export interface UserOptions extends BrowserContextOptions {
  /** Failures that the page is meant to get: status and path, such as `401 /api/profile`. All of them have to occur. */
  readonly failures?: readonly string[];
  /** Console messages that are allowed besides. */
  readonly complaints?: RegExp;
}

/** The page requests the photo without knowing whether the user has one. */
const ALWAYS_ALLOWED = "404 /api/photo";

/**
 * Returns a page of a new browser. When the test ends, it fails on anything unforeseen: a console error, an exception,
 * a violation of the content security policy, or a failed request.
 */
export async function newUser({ failures = [], complaints: foreseen, ...options }: UserOptions = {}): Promise<Page> {
  const context = await browser.newContext({ locale: "en-US", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const complaints: string[] = [];
  const failed = new Set<string>();
  page.on("pageerror", (error) => complaints.push(`exception: ${error}`));
  page.on("requestfailed", (request) => {
    if (!isGivenUp(request)) complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on("console", (message) => {
    // This is the browser's own line about an answer with a status from 400; the answers themselves are watched below.
    if (message.text().startsWith("Failed to load resource: the server responded")) return;
    if (["error", "warning"].includes(message.type())) complaints.push(`console: ${message.text()}`);
  });
  page.on("response", (response) => {
    const failure = `${response.status()} ${new URL(response.url()).pathname}`;
    if (response.status() >= 400 && failure !== ALWAYS_ALLOWED) failed.add(failure);
  });
  onTestFinished(async () => {
    await context.close();
    const unforeseen = complaints.filter((complaint) => !foreseen?.test(complaint));
    expect(unforeseen, "what went wrong in the browser").toEqual([]);
    expect([...failed].sort(), "failures that the page was answered with").toEqual([...new Set(failures)].sort());
  });
  return page;
}

/** Returns whether the browser gave the request up because it left the page. */
function isGivenUp(request: Request): boolean {
  return request.failure()?.errorText === "net::ERR_ABORTED";
}

/** Opens a page of the frontend, and signs in when asked to. */
export async function signIn(page: Page, account: string, path = "/"): Promise<void> {
  await page.goto(stack.frontendUrl + path);
  await pickAccount(page, account);
}

/** Picks an account on Entra's page. */
export async function pickAccount(page: Page, account: string): Promise<void> {
  await page.click(`button[name="account"][value="${account}"]`);
}

/** Continues to the sign-in on the page that says that a stronger sign-in is needed. */
export async function continueToSignIn(page: Page): Promise<void> {
  await seeTitle(page, "Another sign-in step is needed");
  await page.getByRole("button", { name: "Continue to sign-in" }).click();
}

/** Signs in with claims on Entra's pages: picks the account, then takes the step that the claims ask for. */
export async function signInWithClaims(page: Page, account: string): Promise<void> {
  await pickAccount(page, account);
  await page.click('button[name="mfa"]');
}

/** Takes the stronger sign-in that the page announces, as the user of this name, to whom Entra's page says what is asked for. */
export async function signInStronger(page: Page, account: string, name: string): Promise<void> {
  await continueToSignIn(page);
  await page.getByText(`The API asked for a stronger sign-in: continue as ${name}`).waitFor();
  await signInWithClaims(page, account);
}

/** Waits until the card has this title: the name of a profile, or the title of a problem. */
export async function seeTitle(page: Page, title: string): Promise<void> {
  await page.locator("#state h2", { hasText: new RegExp(`^${escapeRegExp(title)}$`) }).waitFor();
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
