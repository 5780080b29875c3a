import { createHash, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Refusal } from "../directory/account.ts";
import { type Directory, usernameOf } from "../directory/directory.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../http/router.ts";
import { authorizationResponse } from "./authorization-response.ts";
import {
  type AuthorizeRequest,
  authorizeRequestOf,
  idTokenOrigin,
  targetOf,
  tenantOf,
  wantedConsents,
} from "./authorize-request.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import { described, EntraError } from "./errors.ts";
import type { Grants } from "./grants.ts";
import type { SignedInUser, SignIn } from "./sign-in.ts";
import { accountPicker, consentPage, mfaPage, signInError } from "./sign-in-pages.ts";
import { reasonToSignInAgain, silentSignIn, UNKNOWN_USER } from "./silent-sign-in.ts";
import type { TokenIssuer } from "./tokens.ts";

const PENDING_KEPT = 1000;
const PENDING_MS = 15 * 60_000;

export interface AuthorizeOptions {
  readonly directory: Directory;
  readonly grants: Grants;
  readonly issuer: TokenIssuer;
  readonly sessions: BrowserSessions;
}

/**
 * The pages of a sign-in: pick an account, prove more when claims ask for it, consent, and back to the app. Unlike Entra,
 * which signs in whoever has a session, it shows the account picker unless `prompt=none` forbids it: one comes here to be
 * somebody else.
 */
export class Authorize {
  readonly #directory: Directory;
  readonly #grants: Grants;
  readonly #issuer: TokenIssuer;
  readonly #sessions: BrowserSessions;
  readonly #pending = new LRUCache<string, AuthorizeRequest>({ max: PENDING_KEPT, ttl: PENDING_MS, perf: Date });

  constructor({ directory, grants, issuer, sessions }: AuthorizeOptions) {
    this.#directory = directory;
    this.#grants = grants;
    this.#issuer = issuer;
    this.#sessions = sessions;
  }

  get routes(): Readonly<Record<string, RouteHandler>> {
    return {
      "GET /:tenant/oauth2/v2.0/authorize": (request) => this.#begin(request),
      "POST /:tenant/emulator/sign-in": (request) => this.#goOn(request),
    };
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
    } catch (error) {
      const refusal = refusalIn(error);
      return authorizationResponse(target, { error: refusal.error, error_description: described(refusal) });
    }
  }

  /** The account is picked, and whatever was shown after that is answered: what is still to be shown, or the end. */
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
    if (answers.consent === "refuse") return authorizationResponse(asked, DECLINED);
    for (const { app, permissions } of wanted) this.#directory.consents.grant(app, { names: permissions }, account);
    const signedInAt = Math.floor(Date.now() / 1000);
    const cookie = this.#sessions.begin(request, { account, contexts: asked.contexts, signedInAt });
    const reply = await this.#finish(asked, { account, tenantId, signedInAt });
    return { ...reply, headers: { ...reply.headers, "set-cookie": cookie } };
  }

  async #finish(asked: AuthorizeRequest, user: SignedInUser): Promise<Reply> {
    const { client, wantsCode, wantsIdToken, nonce } = asked;
    const { account, tenantId } = user;
    const code = wantsCode ? this.#grants.issueCode(signInOf(asked, user)) : undefined;
    const idToken = () => {
      const hash = code === undefined ? {} : { c_hash: codeHash(code) };
      return this.#issuer.at(idTokenOrigin(asked), tenantId).idToken(account, client, nonce, hash);
    };
    const answer = { ...(code !== undefined && { code }), ...(wantsIdToken && { id_token: await idToken() }) };
    return authorizationResponse(asked, answer, randomUUID());
  }
}

const DECLINED = {
  error: "access_denied",
  error_description: "AADSTS65004: The user declined to consent to access the app.",
};

function signInOf({ client, contexts, ...asked }: AuthorizeRequest, user: SignedInUser): SignIn {
  const { redirectUri, scope, nonce, codeChallenge } = asked;
  return { ...user, clientId: client.clientId, redirectUri, scope, nonce, codeChallenge, contexts };
}

/** https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken */
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
