import { expect, test } from "vitest";
import { initialsOf, languageName } from "../../../frontend/page/profile.ts";

test.each([
  ["Ada Lovelace", "AL"],
  ["ada", "A"],
  ["Johann Wolfgang von Goethe", "JG"],
  ["Åsa Öberg (Vendor)", "ÅÖ"],
  ["王小明", "王"],
  ["  ", ""],
  ["(external)", ""],
])("the initials of %j are %j", (displayName, expected) => {
  expect(initialsOf(displayName)).toBe(expected);
});

test.each([
  ["en-US", "American English"],
  ["de", "German"],
  ["not a tag", "not a tag"],
])("the language %j reads %j", (tag, expected) => {
  expect(languageName(tag, "en")).toBe(expected);
});
