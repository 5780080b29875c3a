import { hkdfSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type EntryBinding, entryKeysFor, MAX_ENTRY_BYTES, open, seal } from "../src/seal.ts";

const BINDING: EntryBinding = {
  assertion: "header.payload.signature",
  authorityOrigin: "https://login.microsoftonline.com",
  tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  scopes: ["https://graph.microsoft.com/User.Read", "https://graph.microsoft.com/Mail.Read"],
};
const TOKEN = { accessToken: "graph-token", end: 1_800_000_000 };

describe("an entry's keys", () => {
  test("are 32 bytes each, and independent of each other", () => {
    const { id, key } = entryKeysFor(BINDING);
    expect([id.length, key.length]).toEqual([32, 32]);
    expect(id.equals(key)).toBe(false);
  });

  test("do not depend on the order of the scopes", () => {
    expect(entryKeysFor({ ...BINDING, scopes: [...BINDING.scopes].reverse() })).toEqual(entryKeysFor(BINDING));
  });

  test.each<[keyof EntryBinding, Partial<EntryBinding>]>([
    ["assertion", { assertion: "header.payload.other" }],
    ["authorityOrigin", { authorityOrigin: "https://login.microsoftonline.us" }],
    ["tenantId", { tenantId: "bbbbcccc-0000-cccc-1111-dddd2222eeee" }],
    ["clientId", { clientId: "11112222-aaaa-2222-bbbb-3333cccc4444" }],
    ["scopes", { scopes: ["https://graph.microsoft.com/User.Read"] }],
  ])("differ for another %s", (_, other) => {
    const [one, two] = [entryKeysFor(BINDING), entryKeysFor({ ...BINDING, ...other })];
    expect(one.id.equals(two.id) || one.key.equals(two.key)).toBe(false);
  });

  test("differ for fields that are the same when joined", () => {
    const one = entryKeysFor({ ...BINDING, authorityOrigin: "https://a", tenantId: "bc" });
    const two = entryKeysFor({ ...BINDING, authorityOrigin: "https://ab", tenantId: "c" });
    expect(one.id.equals(two.id)).toBe(false);
  });

  test("are HKDF-SHA256 of the assertion, salted with the client's id (RFC 5869), and need the whole of it", () => {
    const withoutSalt = Buffer.from(hkdfSync("sha256", BINDING.assertion, "", "", 64));
    expect(entryKeysFor(BINDING).id.equals(withoutSalt.subarray(0, 32))).toBe(false);
    const cut = { ...BINDING, assertion: BINDING.assertion.slice(0, -1) };
    expect(entryKeysFor(cut).key.equals(entryKeysFor(BINDING).key)).toBe(false);
  });

  test("exist even for more scopes than fit into HKDF's context", () => {
    const scopes = Array.from({ length: 100 }, (_, index) => `https://graph.microsoft.com/Scope.${index}`);
    expect(entryKeysFor({ ...BINDING, scopes }).id.length).toBe(32);
  });
});

describe("a sealed token", () => {
  const keys = entryKeysFor(BINDING);

  test("opens with its own keys", () => {
    expect(open(keys, seal(keys, TOKEN))).toEqual(TOKEN);
  });

  test("shows nothing of the token, and is different each time", () => {
    const [one, two] = [seal(keys, TOKEN), seal(keys, TOKEN)];
    expect(one.includes(TOKEN.accessToken)).toBe(false);
    expect(one.equals(two)).toBe(false);
  });

  test("does not open under another entry's name, nor with another entry's key", () => {
    const other = entryKeysFor({ ...BINDING, assertion: "other" });
    expect(open({ id: other.id, key: keys.key }, seal(keys, TOKEN))).toBeUndefined();
    expect(open({ id: keys.id, key: other.key }, seal(keys, TOKEN))).toBeUndefined();
  });

  test("does not open if any one bit is changed", () => {
    const sealed = seal(keys, TOKEN);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(open(keys, flipped)).toBeUndefined();
    }
  });

  test("does not open if it is cut or longer", () => {
    const sealed = seal(keys, TOKEN);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(open(keys, sealed.subarray(0, length))).toBeUndefined();
    }
    expect(open(keys, Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined();
  });

  test("does not open when it is longer than an entry may be", () => {
    const sealed = seal(keys, { ...TOKEN, accessToken: "x".repeat(MAX_ENTRY_BYTES) });
    expect(open(keys, sealed)).toBeUndefined();
  });

  test.each(["null", "[]", '"token"', "{}", '{"accessToken":1,"end":2}', '{"accessToken":"a"}'])(
    "that holds %s instead of a token counts as missing",
    (text) => {
      const sealed = seal(keys, { toJSON: () => JSON.parse(text) } as never);
      expect(open(keys, sealed)).toBeUndefined();
    },
  );

  test("garbage never opens and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(open(keys, bytes)).toBeUndefined();
        expect(open(keys, Buffer.concat([Buffer.of(1), bytes]))).toBeUndefined();
      }),
    );
  });
});
