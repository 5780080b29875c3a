import { createHash, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import { type Account, type Directory, isKnownIn, TENANT_ID } from "../directory.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../router.ts";
import { authorizationResponse } from "./authorization-response.ts";
import {
  type AuthorizeRequest,
  authorizeRequestOf,
  idTokenOrigin,
  targetOf,
  wantedConsents,
} from "./authorize-request.ts";
import { described, EntraError } from "./errors.ts";
import type { Grants } from "./grants.ts";
import type { SignIn } from "./sign-in.ts";
import { accountPicker, consentPage, mfaPage, signInError } from "./sign-in-pages.ts";
import type { TokenIssuer } from "./tokens.ts";

const PENDING_KEPT = 1000;
const PENDING_MS = 15 * 60_000;

/** The pages of a sign-in: pick an account, prove more when claims ask for it, consent, and back to the app. */
export class Authorize {
  readonly #directory: Directory;
  readonly #grants: Grants;
  readonly #issuer: TokenIssuer;
  readonly #pending = new LRUCache<string, AuthorizeRequest>({ max: PENDING_KEPT, ttl: PENDING_MS, perf: Date });

  constructor(directory: Directory, grants: Grants, issuer: TokenIssuer) {
    this.#directory = directory;
    this.#grants = grants;
    this.#issuer = issuer;
  }

  get routes(): Readonly<Record<string, RouteHandler>> {
    return {
      "GET /:tenant/oauth2/v2.0/authorize": (request) => this.#begin(request),
      "POST /:tenant/emulator/sign-in": (request) => this.#goOn(request),
    };
  }

  #begin(request: RoutedRequest): Reply {
    try {
      const target = targetOf(request, this.#directory);
      return this.#show(target, () => authorizeRequestOf(request, target, this.#directory));
    } catch (error) {
      return signInError(refusalIn(error));
    }
  }

  #show(target: ReturnType<typeof targetOf>, read: () => AuthorizeRequest): Reply {
    try {
      const asked = read();
      const ticket = randomUUID();
      this.#pending.set(ticket, asked);
      const { accounts } = this.#directory;
      const hinted = accounts.filter(({ profile }) => profile.userPrincipalName === asked.loginHint);
      const offered = asked.prompt === "select_account" || hinted.length === 0 ? accounts : hinted;
      return accountPicker(offered, asked.client, actionOf(asked), ticket);
    } catch (error) {
      const refusal = refusalIn(error);
      return authorizationResponse(target, { error: refusal.error, error_description: described(refusal) });
    }
  }

  /** The account is picked, and whatever was shown after that is answered: what is still to be shown, or the end. */
  async #goOn({ form }: RoutedRequest): Promise<Reply> {
    const ticket = form.get("ticket") ?? "";
    const asked = this.#pending.get(ticket);
    const account = this.#directory.accountByKey(form.get("account") ?? "");
    if (!asked || !account) {
      return signInError({ ...UNKNOWN_USER, text: "The sign-in took too long, or there is no such account." });
    }
    const tenantId = tenantOf(asked, account);
    if (!isKnownIn(tenantId, account)) return signInError(UNKNOWN_USER);
    const answers = { ticket, account: account.key, mfa: form.get("mfa"), consent: form.get("consent") };
    if (asked.contexts.length > 0 && answers.mfa !== "done") return mfaPage(account, actionOf(asked), answers);
    const wanted = wantedConsents(asked, account, this.#directory);
    if (wanted.length > 0 && answers.consent === null) return consentPage(account, wanted, actionOf(asked), answers);
    this.#pending.delete(ticket);
    if (answers.consent === "refuse") return authorizationResponse(asked, DECLINED);
    for (const { app, permissions } of wanted) this.#directory.consents.grant(app, permissions, account);
    return this.#finish(asked, account, tenantId);
  }

  async #finish(asked: AuthorizeRequest, account: Account, tenantId: string): Promise<Reply> {
    const { client, wantsIdToken, nonce } = asked;
    const code = this.#grants.issueCode(signInOf(asked, account, tenantId));
    const answer = { code, session_state: randomUUID() };
    if (!wantsIdToken) return authorizationResponse(asked, answer);
    const issuer = this.#issuer.at(idTokenOrigin(asked), tenantId);
    const idToken = await issuer.idToken(account, client, nonce, { c_hash: codeHash(code) });
    return authorizationResponse(asked, { ...answer, id_token: idToken });
  }
}

const UNKNOWN_USER = {
  number: 50020,
  error: "invalid_request",
  text: "The user's account does not exist in this tenant, and cannot be used with this application.",
};
const DECLINED = {
  error: "access_denied",
  error_description: "AADSTS65004: The user declined to consent to access the app.",
};

function signInOf({ client, contexts, ...asked }: AuthorizeRequest, account: Account, tenantId: string): SignIn {
  const { redirectUri, scope, nonce, codeChallenge } = asked;
  const signedInAt = Math.floor(Date.now() / 1000);
  const { clientId } = client;
  return { account, tenantId, clientId, redirectUri, scope, nonce, codeChallenge, contexts, signedInAt };
}

/** At an authority for several tenants, a user's tokens are those of their own. */
function tenantOf({ authority }: AuthorizeRequest, { homeTenantId = TENANT_ID }: Account): string {
  return authority.tenant === "organizations" || authority.tenant === "common" ? homeTenantId : authority.tenant;
}

/** https://openid.net/specs/openid-connect-core-1_0.html#HybridIDToken */
function codeHash(code: string): string {
  return createHash("sha256").update(code).digest().subarray(0, 16).toString("base64url");
}

function actionOf({ authority }: AuthorizeRequest): string {
  return `/${authority.tenant}/emulator/sign-in`;
}

function refusalIn(error: unknown): EntraError["refusal"] {
  if (error instanceof EntraError) return error.refusal;
  throw error;
}
