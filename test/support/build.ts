import { build } from "../../scripts/build.ts";

/** The end-to-end tests run what is deployed: the bundle. Built once per test run. */
export default async function buildOnce(): Promise<void> {
  await build();
}
