import { TableServiceClient } from "@azure/data-tables";
import { trust } from "easy-auth-local/parts";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AzuriteTable, startAzuriteTable } from "../../../test/support/azurite-table.ts";
import { TableStore } from "../src/table-store.ts";

const DAY = 86_400;
const ASSERTION_END = Date.parse("2026-11-26T12:00:00Z") / 1000;
const ENTRY = { id: "ab".repeat(32), assertionEnd: ASSERTION_END };
const BYTES = Buffer.from([1, 0, 255, 13, 10, 128]);
const LATER = Date.now() + 3_600_000;
const signal = new AbortController().signal;

let azurite: AzuriteTable;
let distrust: () => void;
let store: TableStore;
let service: TableServiceClient;

/** A token for Storage with no more claims than Azurite checks. */
const credential = {
  getToken: async () => {
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer("https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/")
      .setAudience("https://storage.azure.com")
      .setIssuedAt()
      .setNotBefore("0 s")
      .setExpirationTime("1 h")
      .sign(new Uint8Array(32));
    return { token, expiresOnTimestamp: Date.now() + DAY * 1000 };
  },
};

beforeAll(async () => {
  azurite = await startAzuriteTable();
  distrust = trust(azurite.certificate);
  store = new TableStore(azurite.url, credential);
  service = new TableServiceClient(azurite.url, credential);
});
afterAll(async () => {
  store.close();
  distrust();
  await azurite.close();
});

async function tables(): Promise<string[]> {
  const names: string[] = [];
  for await (const { name = "" } of service.listTables()) names.push(name);
  return names.sort();
}

describe("entries in Table storage", () => {
  test("are missing before the table exists, which is no failure", async () => {
    expect(await store.get(ENTRY, signal)).toBeUndefined();
    await store.delete(ENTRY, signal);
  });

  test("have the bytes that were written last", async () => {
    await store.set(ENTRY, Buffer.from("first"), LATER, signal);
    await store.set(ENTRY, BYTES, LATER, signal);
    expect(Buffer.from((await store.get(ENTRY, signal)) ?? [])).toEqual(BYTES);
    expect(await store.get({ ...ENTRY, id: "cd".repeat(32) }, signal)).toBeUndefined();
  });

  test("disappear when they are deleted, and can be deleted twice", async () => {
    await store.set(ENTRY, BYTES, LATER, signal);
    await store.delete(ENTRY, signal);
    await store.delete(ENTRY, signal);
    expect(await store.get(ENTRY, signal)).toBeUndefined();
  });

  test("can have the maximum length of an entry", async () => {
    const longest = Buffer.alloc(32_768, 7);
    await store.set(ENTRY, longest, LATER, signal);
    expect(Buffer.from((await store.get(ENTRY, signal)) ?? [])).toEqual(longest);
  });

  test("are no longer requested when the caller stops waiting", async () => {
    await expect(store.get(ENTRY, AbortSignal.abort())).rejects.toThrow();
  });
});

describe("tables", () => {
  test("exist for each UTC day on which assertions expire; only those of past days are dropped", async () => {
    await service.createTable("tokens2026foreign");
    await service.createTable("others");
    for (const days of [-2, -1, 0, 1]) {
      await store.set({ ...ENTRY, assertionEnd: ASSERTION_END + days * DAY }, BYTES, LATER, signal);
    }
    await store.dropOldTables(ASSERTION_END * 1000);
    expect(await tables()).toEqual(["others", "tokens20261126", "tokens20261127", "tokens2026foreign"]);
    await store.dropOldTables(ASSERTION_END * 1000);
  });
});
