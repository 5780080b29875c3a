import {
  BlobSASPermissions,
  BlobServiceClient,
  generateBlobSASQueryParameters,
  SASProtocol,
} from "@azure/storage-blob";
import { beforeAll, describe, expect, test } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
import { startStack, type TestStack } from "../../../test/support/stack.ts";
import { TENANT_ID } from "../src/directory/directory.ts";
import { STORAGE } from "../src/storage/access.ts";
import { SAMPLE_FILES } from "../src/storage/sample-files.ts";

const MINUTE = 60_000;
const FORGED = "forged";

let stack: TestStack;
let accountUrl: string;
let publicUrl: string;
beforeAll(async () => {
  stack = await startStack({ files: SAMPLE_FILES });
  if (!stack.storage) throw new Error("The stack has no storage.");
  ({ accountUrl, publicUrl } = stack.storage);
}, 60_000);

/** Requests a user's delegation key with Microsoft's client. */
async function keyOf(key: string, endsInMs = 5 * MINUTE) {
  const request = { account: accountOf(stack.directory, key), audience: STORAGE, scope: "user_impersonation" };
  const token = await stack.issuer.apiToken(request);
  const credential = { getToken: async () => ({ token, expiresOnTimestamp: Date.now() + MINUTE }) };
  const [start, end] = [-MINUTE, endsInMs].map((ms) => new Date(Date.now() + ms));
  return new BlobServiceClient(accountUrl, credential, { retryOptions: { maxTries: 1 } }).getUserDelegationKey(
    start as Date,
    end as Date,
  );
}

interface Link {
  readonly key?: string;
  readonly blob?: string;
  readonly permissions?: string;
  readonly endsInMs?: number;
  readonly startsInMs?: number;
}

/** Returns the query of a link signed by Microsoft's client. */
async function signed({
  key = "works",
  blob = "welcome.txt",
  permissions = "r",
  ...times
}: Link = {}): Promise<string> {
  const values = {
    ...{ containerName: "documents", blobName: blob, version: "2025-11-05", protocol: SASProtocol.Https },
    permissions: BlobSASPermissions.parse(permissions),
    contentDisposition: "attachment; filename*=UTF-8''a%20b.txt",
    expiresOn: new Date(Date.now() + (times.endsInMs ?? MINUTE)),
    ...(times.startsInMs !== undefined && { startsOn: new Date(Date.now() + times.startsInMs) }),
  };
  return generateBlobSASQueryParameters(values, await keyOf(key), "devstoreaccount1").toString();
}

function open(query: string, blob = "welcome.txt", init: RequestInit = {}): Promise<Response> {
  return fetch(`${publicUrl}/documents/${blob}?${query}`, init);
}

async function refusalTo(query: string, blob?: string, init?: RequestInit): Promise<string> {
  const response = await open(query, blob, init);
  await response.arrayBuffer();
  return `${response.status} ${response.headers.get("x-ms-error-code")}`;
}

describe("a delegation key", () => {
  test("belongs to its user, and is valid for the requested time", async () => {
    const { objectId } = accountOf(stack.directory, "works");
    expect(await keyOf("works")).toMatchObject({
      ...{ signedObjectId: objectId, signedTenantId: TENANT_ID, signedService: "b" },
      value: expect.stringMatching(/^[\w+/]{43}=$/),
    });
  });

  test.each(["no-role", "container-role"])("is not given to %s: it needs a role on the account", async (key) => {
    await expect(keyOf(key)).rejects.toMatchObject({ statusCode: 403, code: "AuthorizationPermissionMismatch" });
  });

  test("expires after now and within seven days", async () => {
    for (const endsInMs of [-1000, 8 * 86_400_000]) {
      await expect(keyOf("works", endsInMs)).rejects.toMatchObject({ statusCode: 400 });
    }
  });
});

describe("a link", () => {
  test("signed by Microsoft's client opens its blob at both addresses, in whole and in part", async () => {
    const query = await signed();
    for (const url of [accountUrl, publicUrl]) {
      const response = await fetch(`${url}/documents/welcome.txt?${query}`);
      expect(await response.text()).toContain("as yourself");
      expect(response.headers.get("content-disposition")).toBe("attachment; filename*=UTF-8''a%20b.txt");
    }
    const part = await open(query, undefined, { headers: { range: "bytes=0-2" } });
    expect([part.status, await part.text()]).toEqual([206, "You"]);
    const known = { "if-none-match": part.headers.get("etag") ?? "" };
    expect((await open(query, undefined, { headers: known })).status).toBe(304);
    expect(stack.storageRequests.at(-1)).toMatchObject({ token: "", account: { key: "works" } });
  });

  test("opens a blob whose name needs encoding", async () => {
    const blob = "reports/2026/Übersicht.csv";
    expect((await open(await signed({ blob }), encodeURI(blob))).status).toBe(200);
  });

  test.each<[string, () => Promise<readonly [query: string, blob?: string | undefined, init?: RequestInit]>, string]>([
    ["another blob", async () => [await signed(), "pictures/portrait.jpeg"], "403 AuthenticationFailed"],
    ["a list", async () => [`restype=container&comp=list&${await signed()}`, ""], "403 AuthenticationFailed"],
    ["writing", async () => [await signed(), undefined, { method: "PUT" }], "403 AuthorizationPermissionMismatch"],
    ["deleting", async () => [await signed(), undefined, { method: "DELETE" }], "403 AuthorizationPermissionMismatch"],
    [
      "what it was not signed for",
      async () => [await signed({ permissions: "w" })],
      "403 AuthorizationPermissionMismatch",
    ],
    ["reading after its end", async () => [await signed({ endsInMs: -1000 })], "403 AuthenticationFailed"],
    ["reading before its start", async () => [await signed({ startsInMs: MINUTE })], "403 AuthenticationFailed"],
    ["reading after its key's end", async () => [await signed({ endsInMs: 60 * MINUTE })], FORGED],
  ])("does not allow %s", async (_, make, expected) => {
    const [query, blob, init] = await make();
    if (expected !== FORGED) return expect(await refusalTo(query, blob, init)).toBe(expected);
    stack.clock.advance(600);
    expect(await refusalTo(query)).toBe("403 AuthenticationFailed");
  });

  test.each(["sig", "se", "sp", "skoid", "ske", "spr", "rscd"])("whose %s was changed is invalid", async (name) => {
    const query = new URLSearchParams(await signed());
    query.set(name, name === "skoid" ? accountOf(stack.directory, "sparse").objectId : `${query.get(name)}x`);
    expect(await refusalTo(query.toString())).toBe("403 AuthenticationFailed");
  });

  test("opens nothing once its signer has lost the role", async () => {
    const query = await signed();
    const account = accountOf(stack.directory, "works") as { storageRole?: string };
    account.storageRole = "none";
    const refusal = await refusalTo(query);
    delete account.storageRole;
    expect(refusal).toBe("403 AuthorizationPermissionMismatch");
    expect((await open(query)).status).toBe(200);
  });
});
