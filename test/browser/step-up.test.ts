import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type AppConfiguration, readConfiguration } from "easy-auth-local";
import { beforeAll, expect, test } from "vitest";
import { buildCopyWith } from "../support/app-copy.ts";
import { newUser, pickAccount, seeTitle, signIn, signInStronger, stack, useBrowser } from "./fixture.ts";

const options: { api?: AppConfiguration } = {};

/** This app's profile asks for the authentication context c1. */
beforeAll(async () => {
  const profile = await readFile(new URL("../../src/functions/profile.ts", import.meta.url), "utf8");
  const stricter = profile.replace("}),\n});\n", '}, { authContext: "c1" }),\n});\n');
  expect(stricter).not.toBe(profile);
  const copy = await buildCopyWith({ "profile.ts": stricter });
  const { api } = await readConfiguration(fileURLToPath(new URL("../../easy-auth-local.json", import.meta.url)));
  options.api = { ...api, app: copy.root };
  return () => copy.remove();
}, 120_000);
useBrowser(options);

const ADDRESS = "/?view=orders";

test("an endpoint that asks for an authentication context is answered after the stronger sign-in, for as long as it lasts", async () => {
  const page = await newUser({ failures: ["401 /api/profile"] });
  await signIn(page, "works", ADDRESS);
  await signInStronger(page, "works", "Adele Vance");
  await seeTitle(page, "Adele Vance");
  expect(page.url()).toBe(stack.frontendUrl + ADDRESS);
  await page.reload();
  await seeTitle(page, "Adele Vance");
});

test("is not answered for a user who goes back to a sign-in without the step", async () => {
  const page = await newUser({ failures: ["401 /api/profile"] });
  await signIn(page, "works");
  await signInStronger(page, "works", "Adele Vance");
  await seeTitle(page, "Adele Vance");
  await page.goto(`${stack.frontendUrl}/.auth/logout?post_logout_redirect_uri=/signed-out`);
  await page.getByRole("link", { name: "Sign in" }).click();
  await pickAccount(page, "works");
  await seeTitle(page, "Another sign-in step is needed");
});
