import type { Refusal } from "../directory/account.ts";
import { type Account, type Registration, usernameOf } from "../directory/directory.ts";
import { escapeHtml } from "../http/html-page.ts";
import type { Reply } from "../http/router.ts";
import type { WantedConsent } from "./authorize-request.ts";
import { described } from "./errors.ts";
import { page } from "./page.ts";

/** What the pages of a sign-in hand on to each other; null for what was not shown yet. */
export type Answers = Readonly<Record<string, string | null>>;

/** The account picker: one button for each account, saying what signing in as it shows. */
export function accountPicker(accounts: readonly Account[], app: Registration, action: string, ticket: string): Reply {
  const buttons = accounts.map(({ key, shows, profile }) =>
    button("account", key, profile.displayName, profile.userPrincipalName, shows),
  );
  const content = `<h1>Pick an account</h1>
    <p>to continue to ${escapeHtml(app.displayName)}</p>
    ${form(action, { ticket }, buttons)}`;
  return page("Pick an account", content);
}

/** In place of multifactor authentication. */
export function mfaPage(account: Account, action: string, answers: Answers): Reply {
  const content = `<h1>Prove that it is you</h1>
    <p>${escapeHtml(usernameOf(account))}: your organization asks for one more step.</p>
    ${form(action, answers, [button("mfa", "done", "Approve", "As if you confirmed it on your phone.")])}`;
  return page("Prove that it is you", content);
}

/** Asks the user for consent. */
export function consentPage(
  account: Account,
  wanted: readonly WantedConsent[],
  action: string,
  answers: Answers,
): Reply {
  const content = `<h1>Permissions requested</h1>
    <p>${escapeHtml(usernameOf(account))}, if you accept, each app may do this for you:</p>
    ${permissionList(wanted)}
    ${form(action, answers, [button("consent", "accept", "Accept"), button("consent", "refuse", "Cancel")])}`;
  return page("Permissions requested", content);
}

/** Asks an administrator for consent on behalf of the whole tenant. */
export function adminConsentPage(wanted: readonly WantedConsent[], action: string): Reply {
  const content = `<h1>Permissions requested for your organization</h1>
    <p>If you accept as an administrator, each app may do this for everyone here:</p>
    ${permissionList(wanted)}
    ${form(action, {}, [button("consent", "accept", "Accept"), button("consent", "refuse", "Cancel")])}`;
  return page("Permissions requested", content);
}

/** A sign-in that cannot go on, as Entra shows it: with its AADSTS number, never redirecting to an address it does not know. */
export function signInError(refusal: Refusal): Reply {
  return page("Sign-in failed", `<h1>Sign-in failed</h1><p>${escapeHtml(described(refusal))}</p>`, { status: 400 });
}

/** Says one thing, after which there is nothing to do here. */
export function notice(title: string, text: string): Reply {
  return page(title, `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>`);
}

function permissionList(wanted: readonly WantedConsent[]): string {
  const items = wanted.map(({ app, permissions }) => {
    const names = permissions.map((name) => `<code>${escapeHtml(name)}</code>`).join(", ");
    return `<li><strong>${escapeHtml(app.displayName)}</strong>: ${names}</li>`;
  });
  return `<ul>${items.join("")}</ul>`;
}

function form(action: string, answers: Answers, buttons: readonly string[]): string {
  const inputs = Object.entries(answers).map(([name, value]) =>
    value === null ? "" : `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  );
  return `<form method="post" action="${escapeHtml(action)}">
      ${[...inputs, ...buttons].join("\n      ")}
    </form>`;
}

function button(name: string, value: string, title: string, ...lines: readonly string[]): string {
  const spans = lines.map((line) => `<span>${escapeHtml(line)}</span>`).join("");
  return `<button name="${name}" value="${escapeHtml(value)}"><strong>${escapeHtml(title)}</strong>${spans}</button>`;
}
