import { escapeHtml, htmlPage } from "../http/html-page.ts";
import type { Reply } from "../http/router.ts";

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f3f4f6, #14161a); }
  main { width: min(32rem, calc(100vw - 2rem)); margin: 2rem 0; padding: 1.5rem; box-sizing: border-box; border-radius: .75rem;
    background: light-dark(#fff, #1f2228); color: light-dark(#1f2937, #e5e7eb); box-shadow: 0 1px 4px #0003; }
  h1 { font-size: 1.25rem; margin: 0 0 .5rem; }
  p { margin: 0 0 1rem; overflow-wrap: anywhere; }
  p:last-child { margin: 0; }
  .banner { font-size: .875rem; padding: .5rem .75rem; border-radius: .5rem; background: light-dark(#fef3c7, #45371a);
    color: light-dark(#713f12, #fde9b8); }
  a { color: light-dark(#1d4ed8, #93c5fd); }
`;

/**
 * Makes a page of the gate itself, where Easy Auth shows one. Title and text are plain text; `link` leads within this
 * site.
 */
export function page(status: number, title: string, text: string, link?: { href: string; text: string }): Reply {
  const anchor = link ? `<p><a href="${escapeHtml(link.href)}">${escapeHtml(link.text)}</a></p>` : "";
  const body = `  <main>
    <p class="banner">Emulator of App Service authentication, on this machine.</p>
    <h1>${escapeHtml(title)}</h1>
    <p>${escapeHtml(text)}</p>
    ${anchor}
  </main>`;
  return htmlPage({ status, title: `${title} – Easy Auth emulator`, style: STYLE, body });
}

/** Makes an answer for programs: a sentence at most. */
export function text(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" }, body };
}
