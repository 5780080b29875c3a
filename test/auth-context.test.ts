import { describe, expect, test } from "vitest";
import { requireAuthContext } from "../src/auth-context.ts";
import { createVerifier } from "../src/entra/verify.ts";
import type { AppError } from "../src/errors.ts";
import { readSettings } from "../src/settings.ts";
import { ENVIRONMENT } from "./support/exchange.ts";
import { signedInUser } from "./support/signed-in-user.ts";
import { startStack } from "./support/stack.ts";

/** https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context */
const CLAIMS = { access_token: { acrs: { essential: true, value: "c1" } } };

function refusalOf(authContexts?: readonly string[]): AppError | undefined {
  try {
    requireAuthContext(signedInUser(authContexts ? { authContexts } : {}), "c1");
    return undefined;
  } catch (error) {
    return error as AppError;
  }
}

describe("an endpoint that asks for an authentication context", () => {
  test.each([[["c1"]], [["p1", "c1"]]])("takes a sign-in that satisfied %j", (authContexts) => {
    expect(refusalOf(authContexts)).toBeUndefined();
  });

  test.each([[undefined], [[]], [["c2"]], [["c11"]], [["C1"]]])("challenges a sign-in with %j", (authContexts) => {
    const refusal = refusalOf(authContexts);
    expect([refusal?.code, JSON.parse(refusal?.claims ?? "{}")]).toEqual(["claims_challenge", CLAIMS]);
    expect(refusal?.authorizationUri).toMatch(/\/oauth2\/v2\.0\/authorize$/);
  });

  test.each(["", "c0", "c100", "c01", "p1", "mfa"])("cannot ask for %j, which Entra does not have", (authContext) => {
    expect(() => requireAuthContext(signedInUser(), authContext)).toThrow(/is no authentication context: c1 to c99/);
  });
});

test("the user has the authentication contexts that the token names", async () => {
  const stack = await startStack();
  const verify = createVerifier(readSettings(ENVIRONMENT));
  const contextsOf = async (acrs: unknown) => (await verify(await stack.token("works", { acrs }))).authContexts;
  expect(await contextsOf(["c1", "c2"])).toEqual(["c1", "c2"]);
  for (const acrs of [undefined, [], "c1", { c1: true }, [1]]) expect(await contextsOf(acrs)).toBeUndefined();
});
