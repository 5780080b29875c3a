import { createHash, randomUUID } from "node:crypto";
import { errors, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import {
  type Account,
  AUTHORITY_ORIGIN,
  type Directory,
  GRAPH_ORIGIN,
  type Registration,
  TENANT_ID,
} from "../directory.ts";
import { EntraError } from "./errors.ts";
import { ACCESS_TOKEN_LIFETIME, type TokenIssuer } from "./tokens.ts";

/** What a sign-in leaves behind for the app that asked for it, until the app redeems the code. */
export interface SignIn {
  readonly account: Account;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
}

/** The body of a successful token answer. */
export type TokenAnswer = Readonly<Record<string, string | number>>;

type Grant = (client: Registration, form: URLSearchParams) => Promise<TokenAnswer>;

const KEPT = 10_000;
const CODE_LIFETIME_MS = 600_000;
const OIDC_SCOPES = new Set(["openid", "profile", "email", "offline_access"]);

/** What the token endpoint redeems: codes, refresh tokens, assertions. */
export class Grants {
  readonly #directory: Directory;
  readonly #issuer: TokenIssuer;
  readonly #now: () => number;
  readonly #codes: LRUCache<string, SignIn>;
  readonly #refreshTokens = new LRUCache<string, SignIn>({ max: KEPT });
  readonly #grants: ReadonlyMap<string, Grant> = new Map([
    ["authorization_code", this.#redeemCode.bind(this)],
    ["refresh_token", this.#redeemRefreshToken.bind(this)],
    ["urn:ietf:params:oauth:grant-type:jwt-bearer", this.#exchangeOnBehalfOf.bind(this)],
  ]);

  constructor(directory: Directory, issuer: TokenIssuer, now: () => number = Date.now) {
    this.#directory = directory;
    this.#issuer = issuer;
    this.#now = now;
    this.#codes = new LRUCache({ max: KEPT, ttl: CODE_LIFETIME_MS, perf: { now } });
  }

  /** Keeps a sign-in and returns its authorization code: 10 minutes, once. */
  issueCode(signIn: SignIn): string {
    const code = randomUUID();
    this.#codes.set(code, signIn);
    return code;
  }

  /** Redeems a grant for an authenticated client. Throws EntraError. */
  redeem(client: Registration, form: URLSearchParams): Promise<TokenAnswer> {
    const grant = this.#grants.get(form.get("grant_type") ?? "");
    if (!grant) throw new EntraError(70003, "unsupported_grant_type", "This emulator does not know that grant type.");
    return grant(client, form);
  }

  async #redeemCode(client: Registration, form: URLSearchParams): Promise<TokenAnswer> {
    const code = form.get("code") ?? "";
    const signIn = this.#codes.get(code);
    this.#codes.delete(code);
    if (signIn?.clientId !== client.clientId || signIn.redirectUri !== form.get("redirect_uri")) {
      throw new EntraError(70008, "invalid_grant", "The code is unknown, used, expired, or was issued to another app.");
    }
    if (signIn.codeChallenge !== undefined && signIn.codeChallenge !== sha256(form.get("code_verifier") ?? "")) {
      throw new EntraError(501481, "invalid_grant", "The code_verifier does not match the code_challenge.");
    }
    return this.#answerSignIn(signIn, client);
  }

  async #redeemRefreshToken(client: Registration, form: URLSearchParams): Promise<TokenAnswer> {
    const refreshToken = form.get("refresh_token") ?? "";
    const signIn = this.#refreshTokens.get(refreshToken);
    if (signIn?.clientId !== client.clientId) {
      throw new EntraError(
        700082,
        "invalid_grant",
        "The refresh token is unknown, expired, or was issued to another app.",
      );
    }
    // Every use gives a new one, and the old one stays good: https://learn.microsoft.com/entra/identity-platform/refresh-tokens
    return this.#answerSignIn({ ...signIn, nonce: undefined }, client);
  }

  async #answerSignIn(signIn: SignIn, client: Registration): Promise<TokenAnswer> {
    const { account, scope, nonce } = signIn;
    const scopes = scope.split(" ");
    const resource = scopes.map((name) => this.#directory.resourceOf(name)).find((found) => found !== undefined);
    const refreshToken = randomUUID();
    if (scopes.includes("offline_access")) this.#refreshTokens.set(refreshToken, signIn);
    return {
      ...tokenAnswer(scopes.filter((name) => !OIDC_SCOPES.has(name)).join(" ")),
      // Without a scope of an API, Entra issues a token for Graph.
      access_token: resource
        ? await this.#issuer.apiToken({ account, audience: resource.registration, client, scope: resource.name })
        : await this.#issuer.graphToken(account, client, "User.Read openid profile email"),
      ...(scopes.includes("openid") && { id_token: await this.#issuer.idToken(account, client, nonce) }),
      ...(scopes.includes("offline_access") && { refresh_token: refreshToken }),
    };
  }

  async #exchangeOnBehalfOf(client: Registration, form: URLSearchParams): Promise<TokenAnswer> {
    if (form.get("requested_token_use") !== "on_behalf_of") {
      throw new EntraError(900144, "invalid_request", "requested_token_use has to be on_behalf_of.");
    }
    const account = await this.#accountOf(form.get("assertion") ?? "", client);
    const scopes = (form.get("scope") ?? "").split(" ").filter((name) => name !== "");
    const requested = scopes.filter((name) => !OIDC_SCOPES.has(name));
    const granted = graphPermissions(requested, client);
    if (!account.consentToGraph || !granted.every((name) => client.graphPermissions.includes(name))) {
      const text = `The user or an administrator has not consented to the use of the app '${client.displayName}' for Graph.`;
      throw new EntraError(65001, "invalid_grant", text, "consent_required");
    }
    const refreshToken = randomUUID();
    const signIn = { account, clientId: client.clientId, redirectUri: "", scope: scopes.join(" ") };
    if (scopes.includes("offline_access")) {
      this.#refreshTokens.set(refreshToken, { ...signIn, nonce: undefined, codeChallenge: undefined });
    }
    return {
      // MSAL finds its cached token only when the answer spells the scopes as the request did.
      ...tokenAnswer(requested.join(" ")),
      access_token: await this.#issuer.graphToken(account, client, `${granted.join(" ")} openid profile email`),
      ...(scopes.includes("openid") && { id_token: await this.#issuer.idToken(account, client) }),
      ...(scopes.includes("offline_access") && { refresh_token: refreshToken }),
    };
  }

  /** Verifies an assertion as Entra does: signature, issuer, time, audience, a user's delegated token. */
  async #accountOf(assertion: string, client: Registration): Promise<Account> {
    const { payload } = await jwtVerify(assertion, this.#issuer.keys.verificationKeys, {
      issuer: [`${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`, `https://sts.windows.net/${TENANT_ID}/`],
      algorithms: ["RS256"],
      currentDate: new Date(this.#now()),
      clockTolerance: 300,
    }).catch((error: unknown) => {
      if (error instanceof errors.JWTExpired) {
        throw new EntraError(500133, "invalid_grant", "The assertion is not within its valid time range.");
      }
      throw new EntraError(50013, "invalid_grant", "The assertion failed signature or issuer validation.");
    });
    if (payload.aud !== client.clientId && !client.identifierUris.includes(String(payload.aud))) {
      throw new EntraError(500131, "invalid_grant", "The assertion's audience is not the app that presents it.");
    }
    const account = this.#directory.accountById(String(payload.oid));
    if (typeof payload.scp === "string" && account) return account;
    throw new EntraError(
      240002,
      "invalid_grant",
      "The assertion is not an access token of a user, as the grant needs.",
    );
  }
}

/** Names of the permissions that scopes of Graph ask for; `.default` asks for all that were consented to. */
function graphPermissions(scopes: readonly string[], client: Registration): readonly string[] {
  if (scopes.length === 0)
    throw new EntraError(900144, "invalid_request", "The request must hold a scope of a resource.");
  const names = scopes.map((scope) => scope.replace(`${GRAPH_ORIGIN}/`, ""));
  const invalid = names.find((name) => !/^[A-Za-z.]+$/.test(name));
  if (invalid !== undefined) throw new EntraError(70011, "invalid_scope", "A scope is not valid here.");
  if (!names.includes(".default")) return names;
  if (names.length === 1) return client.graphPermissions;
  throw new EntraError(70011, "invalid_scope", ".default cannot be combined with other scopes of a resource.");
}

function tokenAnswer(scope: string): TokenAnswer {
  return { token_type: "Bearer", scope, expires_in: ACCESS_TOKEN_LIFETIME, ext_expires_in: ACCESS_TOKEN_LIFETIME };
}

function sha256(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}
