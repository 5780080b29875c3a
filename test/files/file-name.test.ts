import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attachment, fileNameFrom } from "../../src/files/file-name.ts";

const piece = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("..", ".", "/", "\\", "%2f", "%2e", "\r\n", "\0", "\u202e", "'", '"', ";"),
);

describe("a file's name", () => {
  test("cannot change the path or break out of its header, whatever characters it has", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        let name: string;
        try {
          name = fileNameFrom(pieces.join(""));
        } catch (error) {
          expect(error).toMatchObject({ code: "not_found" });
          return;
        }
        expect(name.split(/[/\\]/)).not.toContain("..");
        expect(name).not.toMatch(/\p{Cc}/u);
        expect(attachment(name)).toMatch(/^attachment; filename\*=UTF-8''[\w%.~!-]*$/);
      }),
      { numRuns: 3000 },
    );
  });
});
