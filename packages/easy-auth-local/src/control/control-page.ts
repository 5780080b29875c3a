import type { Clock } from "../clock/clock.ts";
import { graphPermissionsOf } from "../directory/consents.ts";
import { type Account, AUTHORITY_ORIGIN, type Directory, type Registration } from "../directory/directory.ts";
import type { SigningKeys } from "../entra/keys.ts";
import { page } from "../entra/page.ts";
import { OIDC_SCOPES } from "../entra/requested-scopes.ts";
import type { FaultRule } from "../faults/fault.ts";
import { FaultRuleError, type Faults } from "../faults/faults.ts";
import { escapeHtml } from "../http/html-page.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../http/router.ts";
import { sameOriginOnly } from "../http/same-origin.ts";
import { faultForm, ruleIn } from "./fault-form.ts";

/** Parts of the stack that the page shows and changes. */
interface Shown {
  readonly directory: Directory;
  readonly keys: SigningKeys;
  readonly faults: Faults;
  readonly clock: Clock | undefined;
}

/**
 * Makes the routes of the control page: consent, revocation, clock, signing keys, faults; the accounts and what each
 * shows.
 */
export function controlPageRoutes(emulated: Shown): Readonly<Record<string, RouteHandler>> {
  return {
    "GET /": ({ url }) => controlPage(emulated, url.origin),
    "POST /": sameOriginOnly((request) => change(emulated, request)),
  };
}

/** Does what a button of the page, `name=value`, asks for. */
async function change({ directory, keys, faults, clock }: Shown, { form }: RoutedRequest): Promise<Reply> {
  const revoked = directory.accountByKey(form.get("revoke") ?? "");
  if (revoked) directory.revocations.revoke(revoked);
  if (form.has("withdraw-consents")) directory.consents.withdraw();
  if (form.has("clear-faults")) faults.clear();
  if (form.has("rotate-keys")) await keys.rotate();
  const mistake = setFault(ruleIn(form), faults);
  if (mistake !== undefined) return faultRefused(mistake);
  const seconds = Number(form.get("advance"));
  if (seconds > 0 && seconds <= MOST_SECONDS) clock?.advance(seconds);
  return { status: 303, headers: { location: "/", "cache-control": "no-store" } };
}

const MOST_SECONDS = 86_400;

/** Sets a fault. Returns what is wrong with the rule, if anything is. */
function setFault(rule: unknown, faults: Faults): string | undefined {
  if (rule === undefined) return undefined;
  try {
    faults.add(rule as FaultRule);
    return undefined;
  } catch (error) {
    if (error instanceof FaultRuleError) return error.message;
    throw error;
  }
}

function faultRefused(mistake: string): Reply {
  const content = `<h1>This fault was not set</h1><p>${escapeHtml(mistake)}</p><p><a href="/">Back to the control page</a></p>`;
  return page("Fault not set", content, { status: 400 });
}

function controlPage({ directory, keys, faults, clock }: Shown, origin: string): Reply {
  const content = `<h1>Control page of the local stack</h1>
    <p>What you change here holds until the stack stops. <a href="/trace">The trace</a> shows what each request led to.</p>
    <div class="panels">
      <section><h2>Consent</h2>${consentPart(directory, origin)}</section>
      <section><h2>Clock</h2>${clock ? clockPart(clock) : "<p>This emulator runs by the machine's clock.</p>"}</section>
      <section><h2>Signing keys</h2>
        <p>${keys.jwks.keys.length} published, tokens are signed with <code>${escapeHtml(keys.keyId)}</code>. Apps read new keys
          when they meet one, at most once in 30 seconds.</p>
        ${buttons(["rotate-keys", "yes", "Sign with a new key"])}</section>
      <section><h2>Faults</h2>${faultPart(faults, directory.accounts)}</section>
    </div>
    <h2>Accounts</h2>
    <p>Sign in to an app as one of these. A token for scripts: <code>npx easy-auth-local token works</code>, or another key.</p>
    <form method="post" action="/">
      <ul class="accounts">${directory.accounts.map((account) => accountItem(account, directory)).join("")}</ul>
    </form>`;
  return page("Control page", content, { isWide: true });
}

function consentPart(directory: Directory, origin: string): string {
  return `<ul>${consentLinks(directory)}</ul>
    <p>An API's own link, <code>adminConsentUrl</code>, begins with ${AUTHORITY_ORIGIN}: put ${escapeHtml(origin)} in its
      place. The frontend's gate does so by itself.</p>
    ${buttons(["withdraw-consents", "yes", "Withdraw all consent since the start"])}`;
}

function faultPart(faults: Faults, accounts: readonly Account[]): string {
  const rules = faults.rules.map((rule) => `<li><code>${escapeHtml(JSON.stringify(rule))}</code></li>`);
  const active = `<ul>${rules.join("")}</ul>${buttons(["clear-faults", "yes", "Clear all faults"])}`;
  return `${rules.length > 0 ? active : "<p>None is set.</p>"}${faultForm(accounts)}`;
}

function accountItem(account: Account, { revocations, consents, registrations, tenant }: Directory): string {
  const { key, shows = "", profile } = account;
  const validFrom = revocations.validFrom(account);
  const revoked = validFrom > 0 ? `Revoked: what was issued before ${utc(validFrom * 1000)}` : "";
  const links = registrations
    .filter((app) => isLacking(consents, app, account))
    .map((app) => consentLink(app, tenant.id));
  const name = escapeHtml(profile.displayName);
  return `<li>
        <div><strong>${name}</strong><p><code>${escapeHtml(key)}</code></p></div>
        <div>${escapeHtml(shows)}
          ${revoked ? `<p>${revoked}</p>` : ""}${links.join("<br>")}</div>
        <button name="revoke" value="${escapeHtml(key)}" aria-label="Revoke sessions of ${name}">Revoke sessions</button>
      </li>`;
}

/** Makes a link to each app's admin consent, with the accounts that lack some of it. */
function consentLinks({ registrations, accounts, consents, tenant }: Directory): string {
  const links = registrations.map((app) => {
    const lacking = accounts.filter((account) => isLacking(consents, app, account));
    const missing =
      lacking.length > 0 ? `missing for ${lacking.map(({ key }) => key).join(", ")}` : "nothing is missing";
    return `<li>${consentLink(app, tenant.id)}: ${escapeHtml(missing)}</li>`;
  });
  return links.join("");
}

/** Whether a permission of the app lacks consent for this account. */
function isLacking(consents: Directory["consents"], app: Registration, account: Account): boolean {
  const names = graphPermissionsOf(app).filter((name) => !OIDC_SCOPES.has(name));
  return !consents.has(app, { names }, account);
}

function consentLink({ clientId, displayName }: Registration, tenantId: string): string {
  const path = `/${tenantId}/adminconsent?client_id=${clientId}`;
  return `<a href="${escapeHtml(path)}">Consent for everyone to ${escapeHtml(displayName)}</a>`;
}

function clockPart(clock: Clock): string {
  const ahead = clock.advancedSeconds;
  return `<p>It is ${utc(clock.now())}, ${ahead} s ahead of this machine.</p>
    ${buttons(
      ["advance", "120", "2 minutes forward"],
      ["advance", "3700", "1 hour forward"],
      ["advance", "28900", "8 hours forward"],
    )}`;
}

function utc(time: number): string {
  return new Date(time).toUTCString();
}

function buttons(...entries: readonly (readonly [string, string, string])[]): string {
  const all = entries.map(([name, value, text]) => `<button name="${name}" value="${value}">${text}</button>`);
  return `<form method="post" action="/" class="buttons">${all.join("")}</form>`;
}
