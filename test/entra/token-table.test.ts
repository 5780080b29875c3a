import { hash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TokenTable } from "../../src/entra/token-table.ts";

const USER = { tenantId: "tenant", objectId: "object", expiresAt: 0 };
const END = 1_800_000_000;

const tokenOf = (accessToken: string) => ({ user: USER, accessToken });
const digestOf = (text: string) => hash("sha256", text, "binary");

/** A digest whose search begins at the slot, distinguished from others by its tail. */
function digestAt(slot: number, tail: number): string {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(slot, 0);
  bytes.writeUInt32LE(tail, 12);
  return bytes.toString("binary");
}

describe("a table of tokens", () => {
  test("holds what was added and not deleted, as a Map does, whatever collides", () => {
    const LAST_SLOT = 255;
    // Few homes, on both sides of the table's end, so that nearly all searches run into each other.
    const home = fc.constantFrom(0, 1, 2, LAST_SLOT - 1, LAST_SLOT);
    const operation = fc.record({
      what: fc.constantFrom("add", "add", "delete", "evict"),
      home,
      tail: fc.integer({ min: 0, max: 7 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const table = new TokenTable(30);
        const model = new Map<string, string>();
        for (const { what, home, tail } of operations) {
          const digest = digestAt(home, tail);
          if (what === "add" && !model.has(digest) && model.size < table.capacity) {
            table.add(digest, tokenOf(digest), END + tail);
            model.set(digest, digest);
          }
          if (what === "delete") {
            const slot = table.find(digest);
            expect(slot !== undefined).toBe(model.delete(digest));
            if (slot !== undefined) table.delete(slot);
          }
          const evicted = what === "evict" ? table.nextToEvict() : undefined;
          if (evicted !== undefined) {
            expect(model.delete(table.tokenOf(evicted).accessToken)).toBe(true);
            table.delete(evicted);
          }
          expect(contentOf(table)).toEqual([...model.keys()].sort());
        }
      }),
      { numRuns: 500 },
    );
  });

  function contentOf(table: TokenTable): string[] {
    const found: string[] = [];
    for (const home of [0, 1, 2, 254, 255]) {
      for (let tail = 0; tail < 8; tail += 1) {
        const digest = digestAt(home, tail);
        const slot = table.find(digest);
        if (slot === undefined) continue;
        expect(table.tokenOf(slot).accessToken).toBe(digest);
        expect(table.endOf(slot)).toBe(END + tail);
        found.push(digest);
      }
    }
    expect(table.size).toBe(found.length);
    return found.sort();
  }

  test.each([0, 1, 2, 3])("tells digests apart that differ in one bit of word %i", (word) => {
    const table = new TokenTable(10);
    const digest = digestOf("adele");
    table.add(digest, tokenOf("adele"), END);
    for (let bit = 0; bit < 32; bit += 1) {
      const bytes = Buffer.from(digest, "binary");
      bytes.writeInt32LE(bytes.readInt32LE(word * 4) ^ (1 << bit), word * 4);
      expect(table.find(bytes.toString("binary"))).toBeUndefined();
    }
    expect(table.find(digest)).toBeDefined();
  });

  test("takes as many as it has room for, and says when it is full", () => {
    const table = new TokenTable(1000);
    for (let index = 0; index < 1000; index += 1) table.add(digestOf(`user ${index}`), tokenOf(`token ${index}`), END);
    expect(() => table.add(digestOf("one more"), tokenOf("x"), END)).toThrow(RangeError);
    for (let index = 0; index < 1000; index += 1) {
      const slot = table.find(digestOf(`user ${index}`)) ?? -1;
      expect(table.tokenOf(slot).accessToken).toBe(`token ${index}`);
    }
  });
});

describe("the next to go", () => {
  test("is nobody when there is nobody", () => {
    expect(new TokenTable(10).nextToEvict()).toBeUndefined();
  });

  test("is one that was not used since the others were looked at", () => {
    const table = new TokenTable(100);
    for (let slot = 0; slot < 10; slot += 1) table.add(digestAt(slot, 0), tokenOf(`token ${slot}`), END);
    // All are new, so all are spared once; then the first is the next.
    expect(table.nextToEvict()).toBe(0);
    table.markUsed(0);
    table.markUsed(1);
    expect(table.nextToEvict()).toBe(2);
    expect(table.nextToEvict()).toBe(2);
  });

  test("is found after few steps though everyone was used", () => {
    const table = new TokenTable(2000);
    for (let slot = 0; slot < 2000; slot += 1) table.add(digestAt(slot, 0), tokenOf(`token ${slot}`), END);
    expect(table.nextToEvict()).toBe(128);
  });
});
