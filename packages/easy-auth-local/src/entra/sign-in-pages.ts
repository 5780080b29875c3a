import type { Refusal } from "../directory/account.ts";
import { type Account, type Registration, usernameOf } from "../directory/directory.ts";
import { escapeHtml } from "../http/html-page.ts";
import type { Reply } from "../http/router.ts";
import type { WantedConsent } from "./authorize-request.ts";
import { described } from "./errors.ts";
import { page } from "./page.ts";

/** Answers that the pages of a sign-in hand on; null for a page that was not shown yet. */
export type Answers = Readonly<Record<string, string | null>>;

export interface AccountPicker {
  readonly accounts: readonly Account[];
  /** The app to sign in to. */
  readonly app: Registration;
  readonly action: string;
  readonly ticket: string;
  /** Reason why the page is shown, such as revoked sessions. */
  readonly reason?: string | undefined;
  /** Refusal of the account that was picked; the page offers the others. */
  readonly refusal?: Refusal;
}

/** Makes the account picker: one button for each account, with its key and what signing in as it shows. */
export function accountPicker({ accounts, app, action, ticket, reason, refusal }: AccountPicker): Reply {
  const title = refusal ? "Sign-in failed" : "Pick an account";
  const buttons = accounts.map(({ key, shows = "", profile }) => {
    const name = `${escapeHtml(profile.userPrincipalName)} · <code>${escapeHtml(key)}</code>`;
    return buttonOf("account", key, profile.displayName, [name, escapeHtml(shows)]);
  });
  const content = `<h1>${title}</h1>
    ${refusal ? `<p>${escapeHtml(described(refusal))} Pick another account.</p>` : ""}
    ${reason === undefined ? "" : `<p class="reason">${escapeHtml(reason)}</p>`}
    <p>To continue to ${escapeHtml(app.displayName)}:</p>
    ${form(action, { ticket }, buttons)}`;
  return page(title, content, refusal ? { status: 400 } : {});
}

/** Makes the page that stands for multifactor authentication. */
export function mfaPage(account: Account, action: string, answers: Answers): Reply {
  const content = `<h1>Prove that it is you</h1>
    <p>${escapeHtml(usernameOf(account))}: your organization asks for one more step.</p>
    ${form(action, answers, [button("mfa", "done", "Approve", "As if you confirmed it on your phone.")])}`;
  return page("Prove that it is you", content);
}

/** Makes the page that asks the user for consent. */
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

/** Makes the page that asks an administrator for consent on behalf of the whole tenant. */
export function adminConsentPage(wanted: readonly WantedConsent[], action: string): Reply {
  const content = `<h1>Permissions requested for your organization</h1>
    <p>If you accept, as an administrator, this app may do the following for everyone here:</p>
    ${permissionList(wanted)}
    ${form(action, {}, [button("consent", "accept", "Accept"), button("consent", "refuse", "Cancel")])}`;
  return page("Permissions requested", content);
}

/**
 * Makes the page of a sign-in that cannot go on, with its AADSTS number, as Entra shows it. Never redirects to an unknown
 * address.
 */
export function signInError(refusal: Refusal): Reply {
  return page("Sign-in failed", `<h1>Sign-in failed</h1><p>${escapeHtml(described(refusal))}</p>`, { status: 400 });
}

/** Makes a page with one message and a link to the control page. */
export function notice(title: string, text: string): Reply {
  const back = '<p><a href="/">Control page of the local stack</a></p>';
  return page(title, `<h1>${escapeHtml(title)}</h1><p>${escapeHtml(text)}</p>${back}`);
}

function permissionList(wanted: readonly WantedConsent[]): string {
  const items = wanted.map(({ app, resource, names }) => {
    const list = names.map((name) => `<code>${escapeHtml(name)}</code>`).join(", ");
    const owner = escapeHtml(resource?.displayName ?? "Microsoft Graph");
    return `<li><strong>${escapeHtml(app.displayName)}</strong>: ${list} of ${owner}</li>`;
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
  return buttonOf(name, value, title, lines.map(escapeHtml));
}

/** `lines` are HTML. */
function buttonOf(name: string, value: string, title: string, lines: readonly string[]): string {
  const spans = lines.map((line) => `<span>${line}</span>`).join("");
  return `<button name="${name}" value="${escapeHtml(value)}"><strong>${escapeHtml(title)}</strong>${spans}</button>`;
}
