import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
import { startStack, type TestStack } from "../../../test/support/stack.ts";
import { strangersKeys } from "../../../test/support/strangers.ts";
import { MICROSOFT_GRAPH, TENANT_ID } from "../src/directory/directory.ts";
import { createTokenIssuer } from "../src/entra/tokens.ts";
import { STORAGE } from "../src/storage/access.ts";
import { startAzurite } from "../src/storage/azurite.ts";
import { SAMPLE_FILES } from "../src/storage/sample-files.ts";
import { writeFolder } from "./functions-host/fixture-app.ts";

const LIST = "?restype=container&comp=list";
const CHALLENGE = `Bearer authorization_uri=https://login.microsoftonline.com/${TENANT_ID}/oauth2/authorize resource_id=https://storage.azure.com`;

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ files: SAMPLE_FILES });
}, 60_000);

/** Signs a token for Storage, as Entra's exchange gives it. */
async function tokenOf(key: string, changes: Record<string, unknown> = {}, issuer = stack.issuer): Promise<string> {
  const request = { account: accountOf(stack.directory, key), audience: STORAGE, scope: "user_impersonation" };
  return issuer.apiToken(request, changes);
}

/** Sends a request to Storage itself, for the container or a blob in it. */
async function ask(path: string, token?: string, init: RequestInit = {}): Promise<Response> {
  const headers = { "x-ms-version": "2025-11-05", ...(token && { authorization: `Bearer ${token}` }), ...init.headers };
  return fetch(`${stack.storage?.accountUrl}/documents${path}`, { ...init, headers });
}

async function refusalIn(response: Response): Promise<string> {
  const text = await response.text();
  expect(text).toContain(`<Code>${response.headers.get("x-ms-error-code")}</Code>`);
  return `${response.status} ${response.headers.get("x-ms-error-code")} ${/<Message>(.*)/.exec(text)?.[1]}`;
}

describe("Storage accepts a token", () => {
  test("of a user with a role, signed by this Entra", async () => {
    const response = await ask(LIST, await tokenOf("works"));
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining("welcome.txt")]);
  });

  test.each([
    ["that has expired", { exp: 1 }, "Lifetime validation failed. The token is expired."],
    ["for Graph", { aud: MICROSOFT_GRAPH }, "Audience validation failed."],
    ["of another tenant", { iss: "https://sts.windows.net/another/" }, "Issuer or lifetime validation failed."],
    ["about nobody it knows", { oid: "nobody" }, "The tenant does not know the user."],
  ])("but none %s", async (_, changes, why) => {
    const response = await ask(LIST, await tokenOf("works", changes));
    expect(response.headers.get("www-authenticate")).toBe(CHALLENGE);
    expect(await refusalIn(response)).toBe(`401 InvalidAuthenticationInfo ${why}`);
  });

  test("but none that somebody else signed", async () => {
    const strangers = createTokenIssuer(await strangersKeys());
    const response = await ask(LIST, await tokenOf("works", {}, strangers));
    expect(await refusalIn(response)).toBe("401 InvalidAuthenticationInfo Signature validation failed.");
  });

  test("and refuses a request without one", async () => {
    const response = await ask(LIST);
    expect(response.headers.get("www-authenticate")).toBe(CHALLENGE);
    expect(await refusalIn(response)).toBe("401 NoAuthenticationInformation The request has no token.");
  });

  test("according to the stack's clock", async () => {
    const before = await tokenOf("works");
    stack.clock.advance(7200);
    expect((await ask(LIST, before)).status).toBe(401);
    expect((await ask(LIST, await tokenOf("works"))).status).toBe(200);
  });
});

describe("in Storage a role", () => {
  const MISMATCH =
    "403 AuthorizationPermissionMismatch This request is not authorized to perform this operation using this permission.";

  test.each([LIST, "/welcome.txt"])("allows a user to read %s", async (path) => {
    expect((await ask(path, await tokenOf("works"))).status).toBe(200);
    expect(await refusalIn(await ask(path, await tokenOf("no-role")))).toBe(MISMATCH);
  });

  test.each(["PUT", "DELETE", "POST"])("of a reader does not allow %s", async (method) => {
    const init = { method, headers: { "x-ms-blob-type": "BlockBlob" } };
    expect(await refusalIn(await ask("/welcome.txt", await tokenOf("works"), init))).toBe(MISMATCH);
    expect((await ask("/welcome.txt", await tokenOf("works"))).status).toBe(200);
  });
});

test("the files are served unchanged", async () => {
  for (const { name, content, contentType } of SAMPLE_FILES) {
    const response = await ask(`/${name}`, await tokenOf("works"));
    expect(response.headers.get("content-type")).toBe(contentType);
    expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(content));
  }
});

test("a test can put files there as the container's owner", async () => {
  await stack.storage?.container.getBlockBlobClient("new.txt").upload("new", 3);
  expect(await (await ask("/new.txt", await tokenOf("works"))).text()).toBe("new");
});

test("Azurite itself accepts neither a user's token nor a request without its key", async () => {
  const url = stack.storage?.container.url ?? "";
  for (const authorization of [`Bearer ${await tokenOf("works")}`, ""]) {
    expect((await fetch(`${url}${LIST}`, { headers: { authorization } })).status).toBeGreaterThanOrEqual(400);
  }
});

describe("Azurite", () => {
  const isThere = (url: string) =>
    fetch(url).then(
      () => true,
      () => false,
    );

  test("ends with the stack, after which nothing trusts its certificate", async () => {
    await stack.close();
    expect(await isThere(stack.storage?.container.url ?? "")).toBe(false);
    stack = await startStack();
    expect(stack.storage).toBeUndefined();
  });

  test("ends when the process that started it is killed", async () => {
    const module = new URL("../src/storage/azurite.ts", import.meta.url);
    const code = `import("${module}").then(({ startAzurite }) => startAzurite()).then(({ url }) => console.log(url))`;
    const parent = spawn(process.execPath, ["--import", "tsx", "--eval", code]);
    onTestFinished(() => void parent.kill("SIGKILL"));
    const [line] = await once(parent.stdout, "data");
    const url = String(line).trim();
    expect(await isThere(url)).toBe(true);
    parent.kill("SIGKILL");
    await vi.waitFor(async () => expect(await isThere(url)).toBe(false));
  });

  test("that ends by itself is reported with the reason", async () => {
    const listening = 'console.log("successfully listens on http://127.0.0.1:1"); setInterval(() => {}, 60_000);';
    const azurite = await startAzurite(
      `${writeFolder({ "stands-for-azurite.cjs": listening })}/stands-for-azurite.cjs`,
    );
    await azurite.close();
    expect(await azurite.ended).toBe("Azurite ended (SIGKILL).");
  });

  test("that does not start is reported in one sentence", async () => {
    const missing = fileURLToPath(new URL("no-such-azurite.js", import.meta.url));
    expect(existsSync(missing)).toBe(false);
    const message = await startAzurite(missing).catch((error: Error) => error.message);
    expect(message).toMatch(
      /^Azurite, which --files and --shared-cache need, did not start; npm ci installs it\. Azurite ended \(exit code 1\)\. Error.*Cannot find module.*$/,
    );
  });
});
