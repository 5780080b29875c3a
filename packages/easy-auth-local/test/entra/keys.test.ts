import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { jwtVerify } from "jose";
import { expect, inject, onTestFinished, test } from "vitest";
import { createSigningKeys } from "../../src/entra/keys.ts";

async function folder(): Promise<string> {
  const created = await mkdtemp(path.join(tmpdir(), "signing-keys-"));
  onTestFinished(() => rm(created, { recursive: true }));
  return created;
}

test("signing keys in a folder verify tokens that an earlier start signed, even after rotations", async () => {
  const where = path.join(await folder(), "new");
  const first = await createSigningKeys(where);
  const before = await first.sign({ sub: "before" });
  await first.rotate();
  const after = await first.sign({ sub: "after" });
  const second = await createSigningKeys(where);
  expect(second.keyId).toBe(first.keyId);
  expect(second.jwks).toEqual(first.jwks);
  for (const token of [before, after]) await jwtVerify(token, second.verificationKeys);
  await jwtVerify(await second.sign({}), first.verificationKeys);
});

test("signing keys are readable only by their owner, and never half-written", async () => {
  // Those of this test run, made before the tests.
  const where = inject("stateFolder");
  const { jwks } = await createSigningKeys(where);
  const file = path.join(where, "signing-keys.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readFile(file, "utf8")).toContain('"d":');
  for (const key of jwks.keys) expect(Object.keys(key).sort()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
});

test.each(["{", "[]", '[{"kty":"RSA"}]', '{"keys":[]}'])(
  "a file that holds %j is replaced by new keys",
  async (content) => {
    const where = await folder();
    await writeFile(path.join(where, "signing-keys.json"), content);
    const keys = await createSigningKeys(where);
    await jwtVerify(await keys.sign({}), (await createSigningKeys(where)).verificationKeys);
  },
);
