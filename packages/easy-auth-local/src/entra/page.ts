import { htmlPage } from "../http/html-page.ts";
import type { Reply } from "../http/router.ts";

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f3f4f6, #14161a); }
  main { width: min(26rem, calc(100vw - 2rem)); margin: 2rem 0; padding: 1.5rem; box-sizing: border-box; border-radius: .75rem;
    background: light-dark(#fff, #1f2228); box-shadow: 0 1px 4px #0003; overflow-wrap: anywhere; }
  main.wide { width: min(68rem, calc(100vw - 2rem)); }
  h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
  h2 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
  p, dd, td { color: light-dark(#4b5563, #b6bcc6); }
  p { margin: 0 0 1rem; }
  a { color: light-dark(#1d4ed8, #93b9ff); }
  code { font-size: .875rem; }
  .reason { padding: .5rem .75rem; border-left: 4px solid light-dark(#1d4ed8, #93b9ff); background: light-dark(#eff6ff, #1e2a3d); }
  .banner { font-size: .875rem; padding: .5rem .75rem; border-radius: .5rem; background: light-dark(#fef3c7, #45371a);
    color: light-dark(#713f12, #fde9b8); }
  button { display: block; width: 100%; margin: .5rem 0 0; padding: .75rem 1rem; text-align: left; font: inherit; color: inherit;
    background: none; border: 1px solid light-dark(#d1d5db, #424751); border-radius: .5rem; cursor: pointer; }
  button:hover { background: light-dark(#f0f6ff, #262b34); }
  button:focus-visible, a:focus-visible { outline: 3px solid light-dark(#2563eb, #7db0ff); outline-offset: 2px; }
  button strong, button span { display: block; }
  button span { font-size: .875rem; color: light-dark(#4b5563, #b6bcc6); }
  .buttons { display: flex; flex-wrap: wrap; gap: .5rem; }
  .buttons button, .accounts button { width: auto; margin: 0; padding: .375rem .75rem; }
  button code { white-space: nowrap; color: light-dark(#4b5563, #b6bcc6); }
  label { display: block; margin: 0 0 .5rem; font-size: .875rem; color: light-dark(#4b5563, #b6bcc6); }
  select, textarea, input { display: block; width: 100%; box-sizing: border-box; margin-top: .125rem; padding: .375rem .5rem; font: inherit;
    color: light-dark(#111827, #e5e7eb); background: light-dark(#fff, #14161a); border: 1px solid light-dark(#8a92a0, #6b7280);
    border-radius: .5rem; }
  select:focus-visible, textarea:focus-visible, input:focus-visible, summary:focus-visible { outline: 3px solid light-dark(#2563eb, #7db0ff);
    outline-offset: 2px; }
  details { margin-top: .75rem; }
  summary { cursor: pointer; }
  details form { margin-top: .5rem; }
  .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1rem; }
  .panels section { padding: 1rem; border: 1px solid light-dark(#e5e7eb, #343941); border-radius: .5rem; min-width: 0; }
  .panels h2 { margin-top: 0; }
  .panels form + form { margin-top: 1rem; }
  .panels ul { margin: 0 0 1rem; padding-left: 1.25rem; }
  .panels p { font-size: .875rem; }
  .panels button { width: auto; margin: 0; padding: .375rem .75rem; }
  .accounts { list-style: none; margin: 0; padding: 0; }
  .accounts li { display: grid; grid-template-columns: 14rem 1fr auto; gap: .25rem 1rem; align-items: start; padding: .75rem 0;
    border-top: 1px solid light-dark(#e5e7eb, #343941); }
  .accounts p { margin: 0; font-size: .875rem; }
  @media (max-width: 45rem) { .accounts li { grid-template-columns: 1fr; } }
`;

export interface PageOptions {
  /** Default: 200. */
  readonly status?: number;
  /** Allows the one script that carries it; none by default. */
  readonly scriptNonce?: string;
  /** Whether the page has more than a form, and needs more width. */
  readonly isWide?: boolean;
}

/** Makes a page, which says that it is the emulator's. `content` is HTML. */
export function page(title: string, content: string, { status = 200, scriptNonce, isWide }: PageOptions = {}): Reply {
  const body = `  <main${isWide ? ' class="wide"' : ""}>
    <p class="banner">Emulator of Microsoft Entra ID on this machine. Everyone here is made up.</p>
    ${content}
  </main>`;
  const policy = scriptNonce === undefined ? [] : [`script-src 'nonce-${scriptNonce}'`];
  // With no-referrer a form of this page would name no origin, and be taken for another's.
  const headers = { "referrer-policy": "same-origin" };
  return htmlPage({ status, title: `${title} – Entra ID emulator`, style: STYLE, body, policy, headers });
}
