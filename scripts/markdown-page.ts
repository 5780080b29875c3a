import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";
import { marked } from "marked";

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif; }
  body { max-width: 44rem; margin: 0 auto; padding: 2rem 1rem 60vh; color: light-dark(#1f2937, #e5e7eb); background: light-dark(#fff, #14161a); }
  h2 { margin: 2.5rem 0 .5rem; padding: .25rem .5rem; font: 600 1.125rem/1.5 ui-monospace, monospace; scroll-margin-top: 1rem; }
  h2:target { background: light-dark(#fef3c7, #45371a); border-radius: .375rem; }
  code { font: .9375em ui-monospace, monospace; overflow-wrap: anywhere; }
`;

/** Lets a source file import a Markdown file as an HTML page whose second-level headings can be linked to by their text. */
export const markdownPage: Plugin = {
  name: "markdown-page",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.md$/ }, async ({ path }) => ({
      contents: pageOf(await readFile(path, "utf8")),
      loader: "text",
    }));
  },
};

function pageOf(markdown: string): string {
  const title = /^# (.*)$/m.exec(markdown)?.[1] ?? "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${htmlOf(markdown)}</main>
</body>
</html>
`;
}

/** Returns the HTML of a Markdown text, each second-level heading of one word with that word as its id. */
export function htmlOf(markdown: string): string {
  return marked.parse(markdown, { async: false }).replace(/<h2>(\w+)<\/h2>/g, '<h2 id="$1">$1</h2>');
}
