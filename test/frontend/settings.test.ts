import { describe, expect, test } from "vitest";
import { type Environment, readSettings } from "../../frontend/settings.ts";
import { SettingsError } from "../../src/settings/settings-error.ts";

describe("frontend settings", () => {
  test.each([
    ["https://api.example.net", "https://api.example.net"],
    ["https://api.example.net/", "https://api.example.net"],
    [" https://api.example.net:8443 ", "https://api.example.net:8443"],
    ["http://localhost:4281", "http://localhost:4281"],
    ["http://127.0.0.1:4281", "http://127.0.0.1:4281"],
    ["http://[::1]:4281", "http://[::1]:4281"],
  ])("BACKEND_URL %j means %s", (value, expected) => {
    expect(readSettings({ BACKEND_URL: value })).toEqual({ backendUrl: expected, port: 8080 });
  });

  test.each([
    [undefined, "BACKEND_URL is missing. Use the API's address"],
    ["  ", "BACKEND_URL is missing."],
    ["api.example.net", "BACKEND_URL is not a URL."],
    ["http://api.example.net", "BACKEND_URL does not begin with https://"],
    ["ftp://localhost", "BACKEND_URL does not begin with https://"],
    ["https://user:word@api.example.net", "BACKEND_URL holds a user name or password."],
    ["https://api.example.net/api", "BACKEND_URL has something after the host name. Use https://api.example.net;"],
    ["https://api.example.net?a=b", "BACKEND_URL has something after the host name."],
  ])("BACKEND_URL %j is refused with its fix", (value, problem) => {
    expect(problemsOf(value === undefined ? {} : { BACKEND_URL: value })).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    ["80", 80],
    ["0", 0],
    ["", 8080],
  ])("PORT %j means %i", (value, expected) => {
    expect(readSettings({ BACKEND_URL: "https://api.example.net", PORT: value }).port).toBe(expected);
  });

  test.each(["eighty", "-1", "80.5", "65536", "0x50"])("PORT %j is refused with its fix", (value) => {
    const problems = problemsOf({ BACKEND_URL: "https://api.example.net", PORT: value });
    expect(problems).toEqual([expect.stringContaining("PORT is not a port. Use a number")]);
  });

  test("all problems are named at once", () => {
    const error = errorOf({ PORT: "eighty" });
    expect(error.message).toMatch(/BACKEND_URL is missing.*\n.*PORT is not a port/);
  });

  test("a password in BACKEND_URL is not repeated", () => {
    expect(errorOf({ BACKEND_URL: "https://user:secret-word@api.example.net" }).message).not.toContain("secret-word");
  });
});

function problemsOf(environment: Environment): readonly string[] {
  return errorOf(environment).problems;
}

function errorOf(environment: Environment): SettingsError {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error;
  }
  throw new Error("These settings were accepted");
}
