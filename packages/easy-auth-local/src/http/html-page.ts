import type { Reply } from "./router.ts";

export interface HtmlPage {
  /** Default: 200. */
  readonly status?: number;
  /** Text. */
  readonly title: string;
  /** CSS. */
  readonly style: string;
  /** HTML. */
  readonly body: string;
  /** Directives of the content security policy besides those that every page has. */
  readonly policy?: readonly string[];
  /** Headers besides those that every page has, or in their place. */
  readonly headers?: Reply["headers"];
}

const POLICY = ["default-src 'none'", "style-src 'unsafe-inline'", "base-uri 'none'", "frame-ancestors 'none'"];

/**
 * Makes a page of an emulator, which cannot be framed, cached or sniffed, and runs no script unless `policy` allows one.
 */
export function htmlPage({ status = 200, title, style, body, policy = [], headers = {} }: HtmlPage): Reply {
  const document = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${escapeHtml(title)}</title>
  <style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
  const defaults = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": [...POLICY, ...policy].join("; "),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return { status, headers: { ...defaults, ...headers }, body: document };
}

/** Makes text safe in HTML and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
