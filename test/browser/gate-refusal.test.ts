import { expect, test } from "vitest";
import { newUser, pickAccount, seeTitle, signIn, useBrowser } from "./fixture.ts";

useBrowser({ misconfigure: "wrong-audience" });

test("a refusal by the API's gate right after a sign-in is shown as one, with code and correlation id", async () => {
  const page = await newUser({ failures: ["401 /api/profile"] });
  await signIn(page, "works");
  await pickAccount(page, "works");
  await seeTitle(page, "The API refused your sign-in");
  expect(await page.locator("#state").innerText()).not.toMatch(/away|ended/);
  await page.getByText("Correlation ID", { exact: true }).waitFor();
  await page.getByRole("link", { name: "sign_in_refused" }).click();
  await page.locator("h2#sign_in_refused:target").waitFor();
});
