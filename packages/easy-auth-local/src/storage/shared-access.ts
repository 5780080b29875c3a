import { createHmac, randomBytes } from "node:crypto";
import type http from "node:http";
import { createRequire } from "node:module";
import type { Account, Directory } from "../directory/directory.ts";
import { readBody } from "../http/router.ts";
import { ACCOUNT_NAME } from "./azurite.ts";
import { azuriteFile } from "./azurite-file.ts";
import { type Answer, storageError } from "./errors.ts";

/** Azurite's own computation of a link's signature, so that the rule for it is Microsoft's. */
interface AzuriteSignatures {
  generateBlobSASSignatureWithUDK(
    values: Readonly<Record<string, string | undefined>>,
    resource: string,
    accountName: string,
    key: Buffer,
  ): readonly [signature: string, stringToSign: string];
}

/** Longest validity of a key, seven days: https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key#request-body */
const MOST_KEY_MS = 7 * 86_400_000;
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/**
 * Members of a signature's input by their parameter:
 * https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
 */
const PARAMETERS = {
  ...{ version: "sv", protocol: "spr", startTime: "st", expiryTime: "se", permissions: "sp", ipRange: "sip" },
  ...{ cacheControl: "rscc", contentDisposition: "rscd", contentEncoding: "rsce", contentLanguage: "rscl" },
  ...{ contentType: "rsct", signedResource: "sr", encryptionScope: "ses", signedObjectId: "skoid" },
  ...{
    signedTenantId: "sktid",
    signedStartsOn: "skt",
    signedExpiresOn: "ske",
    signedService: "sks",
    signedVersion: "skv",
  },
} as const;
/** Query parameters of a link that stay: headers of the answer, snapshot and version. */
const KEPT: ReadonlySet<string> = new Set(["rscc", "rscd", "rsce", "rscl", "rsct", "snapshot", "versionid"]);

/** Makes user delegation keys and checks links signed with them. Keeps none: a key is computed from its own fields. */
export class DelegationKeys {
  readonly #secret = randomBytes(32);
  readonly #azurite = createRequire(import.meta.url)(
    azuriteFile("authentication/IBlobSASSignatureValues.js"),
  ) as AzuriteSignatures;

  /** Answers a request for a key: https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key */
  async answerTo(request: http.IncomingMessage, { objectId }: Account, { tenant }: Directory): Promise<Answer> {
    const body = await readBody(request);
    const [start = "", expiry = ""] = ["Start", "Expiry"].map(
      (name) => new RegExp(`<${name}>(.*?)</${name}>`).exec(body)?.[1],
    );
    const endsIn = Date.parse(expiry) - Date.now();
    if (!UTC.test(start) || !UTC.test(expiry) || !(endsIn > 0 && endsIn <= MOST_KEY_MS)) {
      return storageError(400, "InvalidXmlNodeValue", {}, "The key's times are not valid.");
    }
    const version = String(request.headers["x-ms-version"]);
    const value = this.#keyOf([objectId, tenant.id, start, expiry, "b", version]).toString("base64");
    const members = { SignedOid: objectId, SignedTid: tenant.id, SignedStart: start, SignedExpiry: expiry };
    const all = Object.entries({ ...members, SignedService: "b", SignedVersion: version, Value: value });
    const xml = all.map(([name, text]) => `<${name}>${text}</${name}>`).join("");
    return {
      status: 200,
      headers: { "content-type": "application/xml" },
      body: `<?xml version="1.0" encoding="utf-8"?><UserDelegationKey>${xml}</UserDelegationKey>`,
    };
  }

  /**
   * Returns the account that signed a link, and the address without the signature; a refusal when the link is for another
   * blob, for more than reading, signed with another account's key, or out of time. Not checked: `sip`, and the signer's role.
   */
  signerOf(
    { method, url = "" }: http.IncomingMessage,
    directory: Directory,
  ): { account: Account; path: string } | Answer {
    const address = new URL(url, "http://localhost");
    const query = address.searchParams;
    const values = Object.fromEntries(
      Object.entries(PARAMETERS).map(([member, name]) => [member, query.get(name) ?? undefined]),
    );
    const account = directory.accountById(values.signedObjectId ?? "");
    if (!account || !this.#isSigned(address, values)) return unauthentic("Signature did not match.");
    if (!isNow(values.startTime, values.expiryTime) || !isNow(values.signedStartsOn, values.signedExpiresOn)) {
      return unauthentic("Signature not valid in the specified time frame.");
    }
    if ((method !== "GET" && method !== "HEAD") || !values.permissions?.includes("r")) {
      const text = "This request is not authorized to perform this operation using this permission.";
      return storageError(403, "AuthorizationPermissionMismatch", {}, text);
    }
    for (const name of [...query.keys()]) if (!KEPT.has(name)) query.delete(name);
    return { account, path: `${address.pathname}${address.search}` };
  }

  #isSigned({ pathname, searchParams }: URL, values: Readonly<Record<string, string | undefined>>): boolean {
    const { signedObjectId, signedTenantId, signedStartsOn, signedExpiresOn, signedService, signedVersion } = values;
    const [containerName, ...name] = pathname.replace(`/${ACCOUNT_NAME}/`, "/").slice(1).split("/");
    if (values.signedResource !== "b" || signedService !== "b") return false;
    const key = this.#keyOf([
      signedObjectId,
      signedTenantId,
      signedStartsOn,
      signedExpiresOn,
      signedService,
      signedVersion,
    ]);
    const blob = { containerName, blobName: decodeURIComponent(name.join("/")) };
    const [signature] = this.#azurite.generateBlobSASSignatureWithUDK({ ...values, ...blob }, "b", ACCOUNT_NAME, key);
    return signature === searchParams.get("sig");
  }

  #keyOf(says: readonly (string | undefined)[]): Buffer {
    return createHmac("sha256", this.#secret).update(says.join("\n")).digest();
  }
}

/** Whether a time range includes now, by the stack's clock. The start may be missing. */
function isNow(start: string | undefined, expiry: string | undefined): boolean {
  return (start === undefined || Date.parse(start) <= Date.now()) && Date.now() < Date.parse(expiry ?? "");
}

function unauthentic(detail: string): Answer {
  const text = `Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature. ${detail}`;
  return storageError(403, "AuthenticationFailed", {}, text);
}
