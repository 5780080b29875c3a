import { describe, expect, test } from "vitest";
import { readStorage } from "../../src/settings/storage.ts";

const URL = "https://contoso.blob.core.windows.net";

function environment(accountUrl?: string, container?: string, others: Others = {}) {
  return {
    ...(accountUrl !== undefined && { STORAGE_ACCOUNT_URL: accountUrl }),
    ...(container !== undefined && { STORAGE_CONTAINER: container }),
    ...others,
  };
}

interface Others {
  readonly STORAGE_DELIVERY?: string;
  readonly STORAGE_PUBLIC_URL?: string;
}

function problemsOf(accountUrl?: string, container?: string, others: Others = {}): readonly string[] {
  const problems: string[] = [];
  readStorage(environment(accountUrl, container, others), problems);
  return problems.map((problem) => problem.split(" ")[0] ?? "");
}

describe("the settings for files", () => {
  test.each([
    [URL, "contoso"],
    [`${URL}/`, "contoso"],
    ["https://contoso.z12.blob.storage.azure.net", "contoso"],
    ["https://contoso.blob.core.usgovcloudapi.net", "contoso"],
    ["https://localhost:10000/devstoreaccount1", "devstoreaccount1"],
  ])("accept the account %s", (accountUrl, accountName) => {
    const url = accountUrl.replace(/\/$/, "");
    expect(readStorage(environment(accountUrl, "documents"), [])).toEqual({
      ...{ accountUrl: url, accountName, containerName: "documents", publicUrl: url, delivery: "redirect" },
    });
  });

  test.each(["https://files.contoso.com/", "http://localhost:4286/devstoreaccount1"])(
    "accept %s as the address that browsers use",
    (open) => {
      const settings = readStorage(environment(URL, "documents", { STORAGE_PUBLIC_URL: open }), []);
      expect(settings).toMatchObject({ accountUrl: URL, publicUrl: open.replace(/\/$/, "") });
    },
  );

  test("let this API relay", () => {
    const relay = { STORAGE_DELIVERY: "relay" };
    expect(readStorage(environment(URL, "documents", relay), [])?.delivery).toBe("relay");
  });

  test.each(["stream", "Redirect", "true"])("refuse the delivery %j", (delivery) => {
    expect(problemsOf(URL, "documents", { STORAGE_DELIVERY: delivery })).toEqual(["STORAGE_DELIVERY"]);
  });

  test.each(["contoso", "http://files.contoso.com", `${URL}?sv=1`, "https://u:p@files.contoso.com", "ftp://localhost"])(
    "refuse %j as the address that browsers use",
    (open) => {
      expect(problemsOf(URL, "documents", { STORAGE_PUBLIC_URL: open })).toEqual(["STORAGE_PUBLIC_URL"]);
    },
  );

  test.each([
    [undefined, undefined],
    ["", ""],
    [" ", undefined],
  ])("are off without both: %j, %j", (accountUrl, container) => {
    expect(readStorage(environment(accountUrl, container), [])).toBeUndefined();
    expect(problemsOf(accountUrl, container)).toEqual([]);
  });

  test.each([
    `${URL}/documents`,
    `${URL}//`,
    `${URL}/documents/a.txt`,
    "",
    "contoso",
    "http://contoso.blob.core.windows.net",
    "http://localhost:10000/devstoreaccount1",
    `${URL}?sv=1&sig=x`,
    `${URL}#x`,
    "https://user@contoso.blob.core.windows.net",
    "https://:secret@contoso.blob.core.windows.net",
    "https://files.contoso.com",
    "https://localhost:10000",
  ])("refuse the account %j: users' tokens would go astray, or another credential along", (accountUrl) => {
    expect(problemsOf(accountUrl, "documents")).toEqual(["STORAGE_ACCOUNT_URL"]);
  });

  test.each(["", "ab", "Documents", "a--b", "-ab", "a/b", "../x", "x".repeat(64)])(
    "refuse the container %j",
    (container) => {
      expect(problemsOf(URL, container)).toEqual(["STORAGE_CONTAINER"]);
    },
  );
});
