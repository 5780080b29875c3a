import { expect, test } from "vitest";
import { settingsOnPlatform } from "../../src/easy-auth/platform.ts";

test.each([
  ["app-service", { WEBSITE_AUTH_ENABLED: "True", OTHER: "1" }],
  ["container-apps", { OTHER: "1" }],
] as const)("%s hands an app %j", (platform, settings) => {
  expect(settingsOnPlatform({ WEBSITE_AUTH_ENABLED: "True", OTHER: "1" }, platform)).toEqual(settings);
});
