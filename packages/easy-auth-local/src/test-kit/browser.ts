const MAX_REDIRECTS = 10;

/** Address at which the redirects ended, and its answer. */
interface Opened {
  readonly url: string;
  readonly response: Response;
}

/**
 * A browser as far as signing in needs one: cookies, which all ports of a host share, and redirects. Addresses may be
 * relative to `home`. Runs no script, and does not look at the domain, path or attributes of a cookie.
 */
export class Browser {
  readonly #home: string | undefined;
  readonly #cookies = new Map<string, string>();

  constructor(home?: string) {
    this.#home = home;
  }

  /** Sends a request as a page of `home` does with `fetch`: with the cookies and the page's `Origin`, following redirects. */
  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    return (await this.open(url, { ...init, headers: this.#pageHeaders(url, init) })).response;
  }

  /** Sends one request, without following a redirect. */
  async request(url: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("user-agent", "Mozilla/5.0 (test)");
    if (this.#cookies.size > 0) headers.set("cookie", [...this.#cookies].map((pair) => pair.join("=")).join("; "));
    const response = await fetch(new URL(url, this.#home), { ...init, headers, redirect: "manual" });
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie);
    return response;
  }

  /** Sends a request and follows its redirects. Returns the last address and its answer. */
  async open(url: string, init?: RequestInit): Promise<Opened> {
    let response = await this.request(url, init);
    let current = new URL(url, this.#home).href;
    for (let hops = 0; response.status === 302 && hops < MAX_REDIRECTS; hops += 1) {
      current = new URL(response.headers.get("location") ?? "", current).href;
      response = await this.request(current);
    }
    return { url: current, response };
  }

  /** Opens a page, picks an account in Entra's form, and returns where that leads. */
  async signIn(pageUrl: string, account: string): Promise<Opened> {
    const picker = await this.open(pageUrl);
    const html = await picker.response.text();
    const action = /<form method="post" action="([^"]+)"/.exec(html)?.[1];
    const ticket = /name="ticket" value="([^"]+)"/.exec(html)?.[1];
    if (!action || !ticket) throw new Error(`No account picker at ${picker.url}: ${html.slice(0, 200)}`);
    const body = new URLSearchParams({ ticket, account });
    return this.open(new URL(action, picker.url).href, { method: "POST", body });
  }

  /** Adds the headers of a page's own request: https://fetch.spec.whatwg.org/#append-a-request-origin-header */
  #pageHeaders(url: string, { method = "GET", headers: given }: RequestInit): Headers {
    const headers = new Headers(given);
    if (this.#home === undefined) return headers;
    const { origin } = new URL(this.#home);
    const isSameOrigin = new URL(url, this.#home).origin === origin;
    const isSafe = method === "GET" || method === "HEAD";
    if (!headers.has("origin") && !(isSameOrigin && isSafe)) headers.set("origin", origin);
    headers.set("sec-fetch-site", isSameOrigin ? "same-origin" : "same-site");
    return headers;
  }

  cookie(name: string): string | undefined {
    return this.#cookies.get(name);
  }

  #keep(cookie: string): void {
    const [pair = ""] = cookie.split(";");
    const [name = "", value = ""] = pair.split("=");
    if (/expires=Thu, 01 Jan 1970/i.test(cookie)) this.#cookies.delete(name);
    else this.#cookies.set(name, value);
  }
}
