import { describe, expect, test } from "vitest";
import { resourceOf, scopesByResource } from "../src/scopes.ts";

const GRAPH = "https://graph.microsoft.com";
const sorted = (...scopes: string[]) => Object.fromEntries(scopesByResource(scopes, GRAPH));

describe("scopes", () => {
  test("are sorted by the resource they belong to, Graph's own names to Graph", () => {
    expect(
      sorted("User.Read", "https://storage.azure.com/user_impersonation", "Mail.Read", "api://orders/Orders.Read"),
    ).toEqual({
      [GRAPH]: [`${GRAPH}/User.Read`, `${GRAPH}/Mail.Read`],
      "https://storage.azure.com": ["https://storage.azure.com/user_impersonation"],
      "api://orders": ["api://orders/Orders.Read"],
    });
  });

  test("may be none", () => {
    expect(sorted()).toEqual({});
  });

  test.each([
    ["https://vault.azure.net/.default", "https://vault.azure.net"],
    // The resource ends in a slash: https://learn.microsoft.com/entra/identity-platform/scopes-oidc#trailing-slash-and-default
    ["https://management.core.windows.net//.default", "https://management.core.windows.net"],
    ["api://contoso/backend/Orders.Read", "api://contoso/backend"],
    ["00001111-aaaa-2222-bbbb-3333cccc4444/Orders.Read", "00001111-aaaa-2222-bbbb-3333cccc4444"],
  ])("%s is one of %s", (scope, resource) => {
    expect(sorted(scope)).toEqual({ [resource]: [scope] });
    expect(resourceOf(scope)).toBe(resource);
  });

  test.each([
    [
      ["https://storage.azure.com/.default", "https://storage.azure.com/user_impersonation"],
      "https://storage.azure.com",
    ],
    [[`${GRAPH}/.default`, "User.Read"], GRAPH],
  ])("that mix .default with others are refused by name: %j", (scopes, resource) => {
    expect(() => sorted(...scopes)).toThrow(`The scopes of ${resource} mix .default with others`);
  });

  test("of two resources may be .default for one and named for the other", () => {
    expect(Object.keys(sorted("User.Read", "https://storage.azure.com/.default"))).toHaveLength(2);
  });

  test.each(["", "User Read", "https://storage.azure.com/", "https://", "/x", ".default", "a b/c", "api://orders"])(
    "are refused when %j is one of them: it is not a scope",
    (scope) => {
      expect(() => sorted("User.Read", scope)).toThrow(`"${scope}" is not a scope`);
    },
  );
});
