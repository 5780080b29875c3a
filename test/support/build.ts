import { buildPackage } from "../../packages/easy-auth-local/scripts/build.mjs";
import { build } from "../../scripts/build.ts";

/** The end-to-end tests run what is deployed: the bundle. Built once per test run. */
export default async function buildOnce(): Promise<void> {
  await Promise.all([build(), buildPackage()]);
}
