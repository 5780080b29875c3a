import { randomUUID } from "node:crypto";
import { escapeHtml } from "../http/html-page.ts";
import type { Reply } from "../http/router.ts";
import { page } from "./page.ts";

/** Ways to answer an app: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-the-sign-in-request */
export type ResponseMode = "query" | "fragment" | "form_post";

/** Destination of the answer to an authorize request. */
export interface Target {
  readonly redirectUri: string;
  readonly mode: ResponseMode;
  readonly state: string | null;
}

/** Sends the browser back to the app with the answer; `sessionState` when somebody signed in. */
export function authorizationResponse(
  { redirectUri, mode, state }: Target,
  answer: Readonly<Record<string, string>>,
  sessionState?: string,
): Reply {
  const parameters = {
    ...answer,
    ...(state !== null && { state }),
    ...(sessionState !== undefined && { session_state: sessionState }),
  };
  if (mode === "form_post") return formPost(redirectUri, parameters);
  const target = new URL(redirectUri);
  const encoded = new URLSearchParams(parameters).toString();
  if (mode === "fragment") target.hash = encoded;
  else target.search = encoded;
  return { status: 302, headers: { location: target.href, "cache-control": "no-store" } };
}

/** Makes a page whose form sends itself, with a button for browsers without scripts. */
function formPost(redirectUri: string, parameters: Readonly<Record<string, string>>): Reply {
  const scriptNonce = randomUUID();
  const inputs = Object.entries(parameters).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  const content = `<h1>Back to the app</h1>
    <form method="post" action="${escapeHtml(redirectUri)}">
      ${inputs.join("\n      ")}
      <button><strong>Continue</strong></button>
    </form>
    <script nonce="${scriptNonce}">document.forms[0].submit()</script>`;
  return page("Back to the app", content, { scriptNonce });
}
