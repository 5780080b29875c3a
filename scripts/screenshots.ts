import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readConfiguration, type Stack, startStack } from "easy-auth-local";
import type { Browser, Page } from "playwright-core";
import { PNG } from "pngjs";
import { launchChromium } from "../test/browser/chromium.ts";
import { build } from "./build.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = process.argv[2] ?? `${ROOT}docs/screenshots`;
const WIDTHS = { phone: { width: 390, height: 844 }, desktop: { width: 1280, height: 800 } };
const MAX_BYTES = 60_000;
/**
 * Largest difference of a red, green or blue value, of 255, and largest number of differing values, between pictures
 * that look the same.
 */
const MAX_SHADES = 12;
const MAX_VALUES = 60;

interface Scene {
  readonly account: string;
  /** Runs before the user signs in. */
  readonly prepare?: (stack: Stack, page: Page) => unknown;
  /** Selector of an element that the finished page shows. */
  readonly shows: string;
}

const SCENES: Readonly<Record<string, Scene>> = {
  profile: { account: "works", shows: ".avatar img" },
  "no-consent": { account: "no-consent", shows: ".problem .copy" },
  waiting: {
    account: "sparse",
    prepare: ({ faults }) =>
      faults.add({ service: "graph", account: "sparse", fault: { kind: "status", status: 429, retryAfter: 20 } }),
    shows: ".waiting",
  },
};

/** Takes pictures of the page's main states, each on a phone and a desktop, light and dark. */
async function main(): Promise<void> {
  await build();
  await mkdir(FOLDER, { recursive: true });
  const stack = await startStack(await readConfiguration(`${ROOT}easy-auth-local.json`));
  const browser = await launchChromium();
  try {
    await takeAll(browser, stack);
  } finally {
    await browser.close();
    await stack.close();
  }
}

async function takeAll(browser: Browser, stack: Stack): Promise<void> {
  for (const [name, scene] of Object.entries(SCENES)) {
    for (const device of ["phone", "desktop"] as const) {
      for (const colorScheme of ["light", "dark"] as const) {
        const file = `${FOLDER}/${name}-${device}-${colorScheme}.png`;
        await take(file, browser, stack, scene, { viewport: WIDTHS[device], colorScheme });
      }
    }
  }
}

async function take(
  path: string,
  browser: Browser,
  stack: Stack,
  scene: Scene,
  options: Parameters<Browser["newContext"]>[0],
): Promise<void> {
  stack.faults.clear();
  const context = await browser.newContext({ ...options, reducedMotion: "reduce" });
  const page = await context.newPage();
  await scene.prepare?.(stack, page);
  await page.clock.install();
  await page.goto(stack.frontendUrl);
  await page.click(`button[value="${scene.account}"]`);
  await page.waitForSelector(scene.shows);
  await steady(page);
  const picture = smaller(await page.screenshot({ fullPage: true }));
  await context.close();
  if (picture.length > MAX_BYTES) throw new Error(`${path} has ${picture.length} bytes, more than ${MAX_BYTES}.`);
  const former = await readFile(path).catch(() => undefined);
  const isSame = former !== undefined && looksTheSame(former, picture);
  if (!isSame) await writeFile(path, picture);
  console.log(`${path}  ${picture.length} bytes${isSame ? ", as before" : ""}`);
}

/** Waits for the photo and the name, and replaces what differs between runs: ids, and the remaining seconds. */
async function steady(page: Page): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.evaluate(() => {
    for (const code of document.querySelectorAll(".reference code")) {
      if (/^[\da-f-]{36}$/.test(code.textContent ?? "")) code.textContent = "00000000-1111-2222-3333-444444444444";
    }
    const left = document.querySelector(".countdown");
    if (left) left.textContent = "Trying again in 20 s";
  });
}

/**
 * Returns a picture that looks the same in fewer bytes: 64 shades of each colour, and stronger compression than the
 * browser's.
 */
function smaller(png: Buffer): Buffer {
  const picture = PNG.sync.read(png);
  picture.data = picture.data.map((value) => (value & 0xfc) | (value >> 6)) as Buffer;
  return PNG.sync.write(picture, { colorType: 2, filterType: 0, deflateLevel: 9, deflateStrategy: 0 });
}

/** Returns whether two pictures look the same. The browser draws some pixels on edges a shade darker or lighter each time. */
function looksTheSame(former: Buffer, picture: Buffer): boolean {
  const [one, other] = [PNG.sync.read(former), PNG.sync.read(picture)];
  if (one.width !== other.width || one.height !== other.height) return false;
  const differences = [...one.data].map((value, index) => Math.abs(value - (other.data[index] ?? 0)));
  return differences.every((shades) => shades <= MAX_SHADES) && differences.filter(Boolean).length <= MAX_VALUES;
}

await main();
