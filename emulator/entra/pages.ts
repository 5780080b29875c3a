import type { Account, Registration } from "../directory.ts";
import type { Reply } from "../router.ts";

const STYLE = `
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f3f4f6, #14161a); }
  main { width: min(26rem, calc(100vw - 2rem)); margin: 2rem 0; padding: 1.5rem; box-sizing: border-box; border-radius: .75rem;
    background: light-dark(#fff, #1f2228); box-shadow: 0 1px 4px #0003; }
  h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
  p { margin: 0 0 1rem; color: light-dark(#4b5563, #b6bcc6); }
  .banner { font-size: .875rem; padding: .5rem .75rem; border-radius: .5rem; background: light-dark(#fef3c7, #45371a);
    color: light-dark(#713f12, #fde9b8); }
  button { display: block; width: 100%; margin: .5rem 0 0; padding: .75rem 1rem; text-align: left; font: inherit; color: inherit;
    background: none; border: 1px solid light-dark(#d1d5db, #424751); border-radius: .5rem; cursor: pointer; }
  button:hover { background: light-dark(#f0f6ff, #262b34); }
  button:focus-visible { outline: 3px solid light-dark(#2563eb, #7db0ff); outline-offset: 2px; }
  button strong, button span { display: block; overflow-wrap: anywhere; }
  button span { font-size: .875rem; color: light-dark(#4b5563, #b6bcc6); }
`;

/** The account picker: one button for each account, saying what signing in as it shows. */
export function accountPicker(accounts: readonly Account[], app: Registration, action: string, ticket: string): Reply {
  const buttons = accounts.map(
    ({ key, shows, profile }) =>
      `<button name="account" value="${escapeHtml(key)}"><strong>${escapeHtml(profile.displayName)}</strong>` +
      `<span>${escapeHtml(profile.userPrincipalName)}</span><span>${escapeHtml(shows)}</span></button>`,
  );
  return page(
    "Pick an account",
    `<h1>Pick an account</h1>
    <p>to continue to ${escapeHtml(app.displayName)}</p>
    <form method="post" action="${escapeHtml(action)}">
      <input type="hidden" name="ticket" value="${escapeHtml(ticket)}">
      ${buttons.join("\n      ")}
    </form>`,
  );
}

/** A sign-in that cannot go on, as Entra shows it: with its AADSTS number, never redirecting to an address it does not know. */
export function signInError(number: number, text: string): Reply {
  return page("Sign-in failed", `<h1>Sign-in failed</h1><p>AADSTS${number}: ${escapeHtml(text)}</p>`, 400);
}

/** Shown after a sign-out that names no address to go back to. */
export function signedOut(): Reply {
  return page("Signed out", "<h1>You are signed out</h1><p>It is a good idea to close all browser windows.</p>");
}

function page(title: string, content: string, status = 200): Reply {
  const body = `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title} – Entra ID emulator</title>
  <style>${STYLE}</style>
</head>
<body>
  <main>
    <p class="banner">Emulator of Microsoft Entra ID on this machine. Everyone here is made up.</p>
    ${content}
  </main>
</body>
</html>
`;
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  return { status, headers, body };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
