import { describe, expect, test } from "vitest";
import { readSharedCache } from "../../src/settings/shared-cache.ts";

describe("SHARED_CACHE_URL", () => {
  test.each([
    ["https://contoso.table.core.windows.net", "table"],
    [" https://contoso.table.core.windows.net/ ", "table"],
    ["https://localhost:4286/devstoreaccount1", "table"],
    ["rediss://contoso.westeurope.redis.azure.net:10000", "redis"],
    ["redis://localhost:6379", "redis"],
    ["redis://127.0.0.1:6379", "redis"],
  ])("%s is a %s", (value, kind) => {
    const problems: string[] = [];
    const url = value.trim().replace(/\/$/, "");
    expect(readSharedCache(value, problems)).toEqual({ kind, url });
    expect(problems).toEqual([]);
  });

  test.each([undefined, "", " "])("%j turns it off", (value) => {
    const problems: string[] = [];
    expect(readSharedCache(value, problems)).toBeUndefined();
    expect(problems).toEqual([]);
  });

  test.each([
    "contoso",
    "http://contoso.table.core.windows.net",
    "https://contoso.blob.core.windows.net",
    "https://contoso.table.core.windows.net/tokens20261126",
    "https://elsewhere.example",
    "https://localhost.elsewhere.example/devstoreaccount1",
    "redis://contoso.westeurope.redis.azure.net:10000",
    "rediss://contoso.westeurope.redis.azure.net",
    "rediss://:hunter2@contoso.westeurope.redis.azure.net:10000",
    "rediss://contoso.westeurope.redis.azure.net:10000/1",
    "https://contoso.table.core.windows.net/?sv=2024&sig=hunter2",
    "https://user:hunter2@contoso.table.core.windows.net",
  ])("%s stops the start, with a message that does not show it", (value) => {
    const problems: string[] = [];
    expect(readSharedCache(value, problems)).toBeUndefined();
    expect(problems).toEqual([expect.stringMatching(/^SHARED_CACHE_URL .* or remove the setting\.$/)]);
    expect(problems.join()).not.toContain("hunter2");
  });
});
