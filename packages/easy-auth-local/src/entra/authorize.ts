import { createHash, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Refusal } from "../directory/account.ts";
import { type Directory, usernameOf } from "../directory/directory.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../http/router.ts";
import { authorizationResponse } from "./authorization-response.ts";
import { type AuthorizeRequest, authorizeRequestOf, targetOf, tenantOf, wantedConsents } from "./authorize-request.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import type { DeviceCodes } from "./device-codes.ts";
import { described, EntraError } from "./errors.ts";
import type { Grants } from "./grants.ts";
import { requestedScopes } from "./requested-scopes.ts";
import { idTokenChanges, type SignedInUser, type SignIn } from "./sign-in.ts";
import { accountPicker, consentPage, mfaPage, notice, signInError } from "./sign-in-pages.ts";
import { reasonToSignInAgain, silentSignIn, UNKNOWN_USER } from "./silent-sign-in.ts";
import type { TokenIssuer } from "./tokens.ts";

const PENDING_KEPT = 1000;
const PENDING_MS = 15 * 60_000;

export interface AuthorizeOptions {
  readonly directory: Directory;
  readonly grants: Grants;
  readonly deviceCodes: DeviceCodes;
  readonly issuer: TokenIssuer;
  readonly sessions: BrowserSessions;
}

/**
 * Leads through the pages of a sign-in: pick an account, prove more when claims ask for it, consent, and back to the app.
 * Entra signs in the browser's user without a page; this one shows the account picker unless `prompt=none` forbids it, so
 * that a developer can be somebody else.
 */
export class Authorize {
  readonly #directory: Directory;
  readonly #grants: Grants;
  readonly #deviceCodes: DeviceCodes;
  readonly #issuer: TokenIssuer;
  readonly #sessions: BrowserSessions;
  readonly #pending = new LRUCache<string, AuthorizeRequest>({ max: PENDING_KEPT, ttl: PENDING_MS, perf: Date });

  constructor({ directory, grants, deviceCodes, issuer, sessions }: AuthorizeOptions) {
    this.#directory = directory;
    this.#grants = grants;
    this.#deviceCodes = deviceCodes;
    this.#issuer = issuer;
    this.#sessions = sessions;
  }

  get routes(): Readonly<Record<string, RouteHandler>> {
    return {
      "GET /:tenant/oauth2/v2.0/authorize": (request) => this.#begin(request),
      "POST /:tenant/oauth2/v2.0/authorize": (request) => this.#begin(request),
      "POST /:tenant/emulator/sign-in": (request) => this.#goOn(request),
    };
  }

  /** Shows the first page of a sign-in: the account picker. */
  show(asked: AuthorizeRequest, request: RoutedRequest): Reply {
    const ticket = randomUUID();
    this.#pending.set(ticket, asked);
    const { accounts } = this.#directory;
    const hinted = accounts.filter((account) => usernameOf(account) === asked.loginHint);
    const offered = asked.prompt === "select_account" || hinted.length === 0 ? accounts : hinted;
    const session = this.#sessions.of(request);
    const reason = session && reasonToSignInAgain(asked, session, this.#directory);
    const picked = session && offered.find((account) => account === session.account);
    const ordered = picked ? [picked, ...offered.filter((account) => account !== picked)] : offered;
    return accountPicker({ accounts: ordered, app: asked.client, action: actionOf(asked), ticket, reason });
  }

  async #begin(request: RoutedRequest): Promise<Reply> {
    try {
      return await this.#answer(request, targetOf(request, this.#directory));
    } catch (error) {
      return signInError(refusalIn(error));
    }
  }

  async #answer(request: RoutedRequest, target: ReturnType<typeof targetOf>): Promise<Reply> {
    try {
      const asked = authorizeRequestOf(request, target, this.#directory);
      if (asked.prompt === "none") {
        return await this.#finish(asked, silentSignIn(asked, this.#sessions.of(request), this.#directory));
      }
      return this.show(asked, request);
    } catch (error) {
      const refusal = refusalIn(error);
      return authorizationResponse(target, { error: refusal.error, error_description: described(refusal) });
    }
  }

  /** Goes on after a page was answered: to the next page that is needed, or back to the app. */
  async #goOn(request: RoutedRequest): Promise<Reply> {
    const { form } = request;
    const ticket = form.get("ticket") ?? "";
    const asked = this.#pending.get(ticket);
    const account = this.#directory.accountByKey(form.get("account") ?? "");
    if (!asked || !account) {
      return signInError({ ...UNKNOWN_USER, text: "The sign-in took too long, or there is no such account." });
    }
    const tenantId = tenantOf(asked, account, this.#directory);
    if (!this.#directory.isKnownIn(tenantId, account)) {
      const { accounts } = this.#directory;
      return accountPicker({ accounts, app: asked.client, action: actionOf(asked), ticket, refusal: UNKNOWN_USER });
    }
    const answers = { ticket, account: account.key, mfa: form.get("mfa"), consent: form.get("consent") };
    if (asked.contexts.length > 0 && answers.mfa !== "done") return mfaPage(account, actionOf(asked), answers);
    const wanted = wantedConsents(asked, account, this.#directory);
    if (wanted.length > 0 && answers.consent === null) return consentPage(account, wanted, actionOf(asked), answers);
    this.#pending.delete(ticket);
    if (answers.consent === "refuse") return this.#decline(asked);
    for (const one of wanted) this.#directory.consents.grant(one.app, one, account);
    const signedInAt = Math.floor(Date.now() / 1000);
    const cookie = this.#sessions.begin(request, { account, contexts: asked.contexts, signedInAt });
    const reply = await this.#finish(asked, { account, tenantId, signedInAt });
    return { ...reply, headers: { ...reply.headers, "set-cookie": cookie } };
  }

  #decline(asked: AuthorizeRequest): Reply {
    if (asked.deviceCode === undefined) return authorizationResponse(asked, DECLINED);
    this.#deviceCodes.complete(asked.deviceCode, "declined");
    return notice("You declined", "You can close this window.");
  }

  async #finish(asked: AuthorizeRequest, user: SignedInUser): Promise<Reply> {
    const { client, authority, deviceCode, wantsCode, wantsIdToken, nonce } = asked;
    const signIn = signInOf(asked, user);
    if (deviceCode !== undefined) {
      this.#deviceCodes.complete(deviceCode, signIn);
      return notice(
        "You are signed in",
        `You are signed in to ${client.displayName} on your device. Close this window.`,
      );
    }
    const code = wantsCode ? this.#grants.issueCode(signIn) : undefined;
    const idToken = () => {
      const changes = idTokenChanges(signIn, requestedScopes(asked.scope, client, this.#directory));
      const hash = code === undefined ? {} : { c_hash: codeHash(code) };
      const issuer = this.#issuer.at(authority.issuerOrigin, user.tenantId);
      return issuer.idToken(user.account, client, nonce, { ...changes, ...hash });
    };
    const answer = { ...(code !== undefined && { code }), ...(wantsIdToken && { id_token: await idToken() }) };
    return authorizationResponse(asked, answer, randomUUID());
  }
}

const DECLINED = {
  error: "access_denied",
  error_description: "AADSTS65004: The user declined to consent to access the app.",
};

function signInOf(asked: AuthorizeRequest, user: SignedInUser): SignIn {
  const { client, redirectUri, kind, scope, nonce, codeChallenge, wantsAuthTime, contexts } = asked;
  return {
    ...user,
    clientId: client.clientId,
    redirectUri,
    kind,
    scope,
    nonce,
    codeChallenge,
    wantsAuthTime,
    contexts,
  };
}

/** Returns `c_hash` of a code: https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken */
function codeHash(code: string): string {
  return createHash("sha256").update(code).digest().subarray(0, 16).toString("base64url");
}

function actionOf({ authority }: AuthorizeRequest): string {
  return `/${authority.tenant}/emulator/sign-in`;
}

function refusalIn(error: unknown): Refusal {
  if (error instanceof EntraError) return error.refusal;
  throw error;
}
