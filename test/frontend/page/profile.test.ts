import { expect, test } from "vitest";
import { initialsOf, languageName, phoneAddress } from "../../../frontend/page/profile.ts";

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

test.each([
  ["+1 425 555 0109", "tel:+14255550109"],
  ["+49 30 1234567890 ext. 0", "tel:+49301234567890;ext=0"],
  ["+49 30 1234567890 Ext 12", "tel:+49301234567890;ext=12"],
  ["+49 30 1234567890, ext 12", "tel:+49301234567890;ext=12"],
  ["(425) 555-0109 x123", "tel:4255550109;ext=123"],
  ["(425) 555-0109x123", "tel:4255550109;ext=123"],
  ["425.555.0109 extension: 7", "tel:4255550109;ext=7"],
  ["+1 425 555 0109 #7", "tel:+14255550109;ext=7"],
  ["+14255550109;ext=7", "tel:+14255550109;ext=7"],
  ["tel:+14255550109;ext=7", "tel:+14255550109;ext=7"],
  ["+1 425 555 0109,,1234", "tel:+14255550109,,1234"],
  ["+49 (0)30 / 123‑456", "tel:+4930123456"],
  ["(0)30 123456", "tel:030123456"],
  ["＋４９ ３０ １２３", "tel:+4930123"],
  ["18/2111", "tel:182111"],
])("the phone number %j is dialled as %j", (phone, expected) => {
  expect(phoneAddress(phone)).toBe(expected);
});

test.each(["1-800-CONTOSO", "*21#", "ask Ada", "+1 425 555 0109 or 0110", "ext. 12", "+49 30 1 ext. 2 ext. 3", ""])(
  "%j is no link: it would dial something else",
  (phone) => {
    expect(phoneAddress(phone)).toBeUndefined();
  },
);
