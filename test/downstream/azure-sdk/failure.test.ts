import { RestError } from "@azure/storage-blob";
import { describe, expect, test } from "vitest";
import { sdkFailure } from "../../../src/downstream/azure-sdk/failure.ts";
import { AppError } from "../../../src/errors.ts";
import { signedInUser } from "../../support/signed-in-user.ts";

const { links } = signedInUser();

function explained(error: unknown, signal = new AbortController().signal, forgotten: string[] = []): unknown {
  const forgetAccessToken = (resource: string) => void forgotten.push(resource);
  const user = signedInUser({ deadline: { signal, timeLeft: () => 1000 }, links, forgetAccessToken });
  return sdkFailure(error, user, ["https://vault.azure.net"]);
}

function restError(status: number | undefined, headers: Record<string, string> = {}): RestError {
  const response = { status, headers: new Headers(headers) } as unknown as NonNullable<RestError["response"]>;
  return new RestError("about someone", {
    code: "SomeCode",
    ...(status !== undefined && { statusCode: status, response }),
  });
}

describe("an error that a client of the Azure SDK threw", () => {
  test.each<[number, string]>([
    [400, "invalid_request"],
    [401, "downstream_failed"],
    [403, "downstream_forbidden"],
    [404, "not_found"],
    [409, "conflict"],
    [410, "not_found"],
    [412, "precondition_failed"],
    [422, "invalid_request"],
    [428, "precondition_failed"],
    [416, "range_not_satisfiable"],
    [429, "throttled"],
    [500, "downstream_failed"],
    [503, "throttled"],
    [504, "downstream_timeout"],
  ])("for an answer %i is %s, without the service's words", (status, code) => {
    const failure = explained(restError(status, { "x-ms-request-id": "id-1", "retry-after": "9" }));
    expect(failure).toMatchObject({ code, hint: `Azure: ${status}, SomeCode`, serviceRequestId: "id-1" });
    expect((failure as AppError).retryAfterSeconds).toBe(code === "throttled" ? 9 : undefined);
    expect((failure as AppError).cause).toBeUndefined();
  });

  test("drops the token only for an answer 401", () => {
    const forgotten: string[] = [];
    for (const status of [400, 403, 404, 429, 500, undefined]) explained(restError(status), undefined, forgotten);
    expect(forgotten).toEqual([]);
    explained(restError(401), undefined, forgotten);
    expect(forgotten).toEqual(["https://vault.azure.net"]);
  });

  test.each([401, 403])("for a claims challenge (%i) gives the claims, and where to sign in", (status) => {
    const header = `Bearer error="insufficient_claims", claims="${Buffer.from('{"a":1}').toString("base64")}"`;
    expect(explained(restError(status, { "www-authenticate": header }))).toMatchObject({
      code: "claims_challenge",
      claims: '{"a":1}',
      authorizationUri: links.authorizationUri,
    });
  });

  test("without an answer is downstream_failed, or downstream_timeout once the request's time is up", () => {
    expect(explained(restError(undefined))).toMatchObject({ code: "downstream_failed" });
    expect(explained(restError(undefined), AbortSignal.abort())).toMatchObject({ code: "downstream_timeout" });
  });

  test("when it was aborted is downstream_timeout only when the request's time is up", () => {
    const aborted = new DOMException("x", "AbortError");
    expect(explained(aborted, AbortSignal.abort())).toMatchObject({ code: "downstream_timeout" });
    expect(explained(aborted)).toBe(aborted);
  });

  test("is the app's own failure, however deeply it was wrapped", () => {
    const own = new AppError("consent_required");
    expect(explained(own)).toBe(own);
    expect(explained(new Error("x", { cause: new Error("y", { cause: own }) }))).toBe(own);
  });

  test.each([[new TypeError("x")], ["text"], [undefined], [null]])(
    "of any other kind is left unchanged: %s",
    (error) => {
      expect(explained(error)).toBe(error);
    },
  );

  test("with a cycle of causes is translated as well", () => {
    const circular = new Error("x");
    circular.cause = circular;
    expect(explained(circular)).toBe(circular);
  });
});
