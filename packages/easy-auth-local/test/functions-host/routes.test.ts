import { describe, expect, test } from "vitest";
import { createRouter } from "../../src/functions-host/routes.ts";

const GUID = "6f1b6a4e-3d5c-4c5a-9d6e-0a4b5d1f2c3e";

function match(route: string, path: string, method = "GET") {
  return createRouter([{ name: "f", methods: ["GET"], route }])(method, path)?.params;
}

describe("a route", () => {
  test.each([
    ["api/profile", "/api/profile", {}],
    ["api/profile", "/API/Profile", {}],
    ["API/Profile", "/api/profile", {}],
    ["api/profile", "/api/profile/", {}],
    ["api/profile/", "/api/profile", {}],
    ["api/profile", "/api/profil", undefined],
    ["api/profile", "/profile", undefined],
    ["api/profile", "/api/profile/photo", undefined],
    ["api/profile", "/api//profile", undefined],
    ["api/profile", "/api/profile//", undefined],
    ["api/users/{id}", "/api/users/7", { id: "7" }],
    ["api/users/{id}", "/api/users/Ana", { id: "Ana" }],
    ["api/users/{id}", "/api/users", undefined],
    ["api/users/{id}", "/api/users/", undefined],
    ["api/users/{id}/photo", "/api/users/7/photo", { id: "7" }],
    ["{tenant}/users/{id}", "/contoso/users/7", { tenant: "contoso", id: "7" }],
    ["api/users/{id?}", "/api/users", {}],
    ["api/users/{id?}", "/api/users/7", { id: "7" }],
    ["api/users/{id=5}", "/api/users", { id: "5" }],
    ["api/users/{id=5}", "/api/users/7", { id: "7" }],
    ["api/users/{id:int=5}", "/api/users", { id: "5" }],
    ["api/users/{id:int=none}", "/api/users", undefined],
    ["api/users/{id:int?}", "/api/users", {}],
    ["api/users/{id:int?}", "/api/users/ana", undefined],
    ["api/files/{*rest}", "/api/files/a/b.txt", { rest: "a/b.txt" }],
    ["api/files/{**rest}", "/api/files/a/b.txt", { rest: "a/b.txt" }],
    ["api/files/{*rest}", "/api/files/a//b/", { rest: "a//b/" }],
    ["api/files/{*rest}", "/api/files", {}],
    ["api/files/{*rest}", "/api/files//a", undefined],
    ["api/files/{*rest=index}", "/api/files", { rest: "index" }],
    ["api/files/{*rest:alpha}", "/api/files", undefined],
    ["{name?}", "/", {}],
  ])("%s matches the path %s with %j", (route, path, params) => {
    expect(match(route, path)).toEqual(params);
  });
});

describe("a constraint", () => {
  test.each([
    ["int", ["0", "-7", "+7", "2147483647", "-2147483648"], ["abc", "1.5", "2147483648", "-2147483649", "1e3"]],
    ["long", ["9223372036854775807", "-9223372036854775808"], ["9223372036854775808", "abc"]],
    ["bool", ["true", "FALSE"], ["1", "yes"]],
    [
      "guid",
      [GUID, GUID.toUpperCase(), GUID.replaceAll("-", ""), `{${GUID}}`, `(${GUID})`],
      ["abc", `${GUID}0`, `{${GUID}`],
    ],
    ["alpha", ["abc", "ABC"], ["abc1", "a-b"]],
    ["INT", ["7"], ["abc"]],
    ["int:alpha", [], ["7", "abc"]],
    ["required", ["x"], []],
    ["min(5)", ["5", "6"], ["4", "-5", "abc", "5.5"]],
    ["max(5)", ["5", "-6"], ["6", "abc"]],
    ["range(-1,5)", ["-1", "0", "5"], ["-2", "6", "abc"]],
    ["minlength(2)", ["ab", "abc"], ["a"]],
    ["maxlength(2)", ["a", "ab"], ["abc"]],
    ["length(2)", ["ab"], ["a", "abc"]],
    ["length(2,3)", ["ab", "abc"], ["a", "abcd"]],
    ["int:min(5)", ["5"], ["4"]],
  ])("%s accepts %j and refuses %j", (constraint, taken, refused) => {
    const takes = (value: string) => match(`{id:${constraint}}`, `/${value}`) !== undefined;
    expect(taken.filter(takes)).toEqual(taken);
    expect(refused.filter(takes)).toEqual([]);
  });

  test.each([
    ["api/{id:datetime}", "datetime"],
    ["api/{id:min}", "min"],
    ["api/{id:min(a)}", "min(a)"],
    ["api/{id:int(5)}", "int(5)"],
    ["api/{id:int:regex(^1)}", "regex(^1)"],
  ])("in %s is refused by name when the host starts", (route, constraint) => {
    expect(() => match(route, "/")).toThrow(`The route "${route}" of function "f" has the constraint "${constraint}"`);
  });
});

describe("a template that this host cannot match", () => {
  test.each([
    ["api/file-{id}", "a segment of its own"],
    ["api/{a}.{b}", "a segment of its own"],
    ["api/{a}-{b}", "a segment of its own"],
    ["api/{id", "a segment of its own"],
    ["api/{id:regex(^a{2}$)}", "a segment of its own"],
    ["api//profile", "empty segment"],
    ["api/{*rest}/photo", "catch-all"],
  ])("%s is refused when the host starts", (route, reason) => {
    expect(() => match(route, "/")).toThrow(reason);
  });
});

describe("among functions", () => {
  function winner(functions: readonly (readonly [name: string, methods: readonly string[], route: string])[]) {
    const findRoute = createRouter(functions.map(([name, methods, route]) => ({ name, methods, route })));
    return (method: string, path: string) => findRoute(method, path)?.hosted.name;
  }

  test("the first by name wins, even over a more literal route", () => {
    const find = winner([
      ["b-literal", ["GET"], "api/users/me"],
      ["A-parameter", ["GET"], "api/users/{id}"],
    ]);
    expect(find("GET", "/api/users/me")).toBe("A-parameter");
  });

  test("names are ordered without regard to letter case", () => {
    const find = winner([
      ["B", ["GET"], "api/x"],
      ["a", ["GET"], "api/x"],
    ]);
    expect(find("GET", "/api/x")).toBe("a");
  });

  test("a failed constraint passes the request on to the next", () => {
    const find = winner([
      ["a", ["GET"], "api/{id:int}"],
      ["b", ["GET"], "api/{name}"],
    ]);
    expect(find("GET", "/api/7")).toBe("a");
    expect(find("GET", "/api/ana")).toBe("b");
  });

  test("the method decides between equal routes", () => {
    const find = winner([
      ["read", ["GET"], "api/x"],
      ["write", ["POST", "PUT"], "api/x"],
    ]);
    expect(find("PUT", "/api/x")).toBe("write");
  });

  test.each(["HEAD", "OPTIONS", "POST"])("%s is not implied by GET", (method) => {
    expect(winner([["a", ["GET"], "api/x"]])(method, "/api/x")).toBeUndefined();
  });

  test("a function without methods answers every method", () => {
    expect(winner([["a", [], "api/x"]])("PATCH", "/api/x")).toBe("a");
  });
});
