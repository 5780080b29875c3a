import { describe, expect, test } from "vitest";
import { readStorage } from "../../src/settings/storage.ts";

const URL = "https://contoso.blob.core.windows.net";

function problemsOf(accountUrl?: string, container?: string): readonly string[] {
  const problems: string[] = [];
  readStorage(accountUrl, container, problems);
  return problems.map((problem) => problem.split(" ")[0] ?? "");
}

describe("the settings for files", () => {
  test.each([[URL], [`${URL}/`], ["https://localhost:10000/devstoreaccount1"]])("take the account %s", (accountUrl) => {
    expect(readStorage(accountUrl, "documents", [])).toEqual({
      accountUrl: accountUrl.replace(/\/$/, ""),
      container: "documents",
    });
  });

  test.each([
    [undefined, undefined],
    ["", ""],
    [" ", undefined],
  ])("are off without both: %j, %j", (accountUrl, container) => {
    expect(readStorage(accountUrl, container, [])).toBeUndefined();
    expect(problemsOf(accountUrl, container)).toEqual([]);
  });

  test.each([
    "",
    "contoso",
    "http://contoso.blob.core.windows.net",
    "http://localhost:10000/devstoreaccount1",
    `${URL}?sv=1&sig=x`,
    `${URL}#x`,
    "https://user@contoso.blob.core.windows.net",
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
