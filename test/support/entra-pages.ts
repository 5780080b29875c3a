/** One of Entra's answers during a sign-in: a page with a form, or a redirect. */
export interface SignInStep {
  readonly url: string;
  readonly status: number;
  /** Where a redirect leads; empty for a page. */
  readonly location: string;
  readonly html: string;
  /** Returns the page's form: its target, and its hidden fields. */
  form(): { readonly action: string; readonly fields: URLSearchParams };
}

/** Opens one of Entra's addresses. */
export async function openPage(url: string, init: RequestInit = {}): Promise<SignInStep> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  const html = await response.text();
  const location = response.headers.get("location") ?? "";
  return { url, status: response.status, location, html, form: () => formIn(html) };
}

/** Opens Entra's authorize page and picks an account. */
export async function pickAccount(authorizeUrl: string, account: string): Promise<SignInStep> {
  return answerPage(await openPage(authorizeUrl), { account });
}

/** Presses a button of a page. */
export function answerPage({ url, form }: SignInStep, pressed: Readonly<Record<string, string>>): Promise<SignInStep> {
  const { action, fields } = form();
  for (const [name, value] of Object.entries(pressed)) fields.set(name, value);
  return openPage(new URL(action, url).href, { method: "POST", body: fields });
}

/** Returns a page's form: its target, and its hidden fields. */
export function formIn(html: string): ReturnType<SignInStep["form"]> {
  const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
  if (!action) throw new Error(`No form in: ${html.slice(-300)}`);
  const inputs = [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  const fields = new URLSearchParams(
    inputs.map(([, name = "", value = ""]): [string, string] => [name, decoded(value)]),
  );
  return { action: decoded(action), fields };
}

function decoded(html: string): string {
  return html.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
}
