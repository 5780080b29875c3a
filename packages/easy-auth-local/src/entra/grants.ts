import { createHash, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Directory } from "../directory/directory.ts";
import { EntraError, entraError, revoked } from "./errors.ts";
import { exchangeOnBehalfOf } from "./on-behalf-of.ts";
import type { SignIn } from "./sign-in.ts";
import { answerToSignIn, type TokenAnswer, type TokenRequest } from "./token-answer.ts";

type Grant = (request: TokenRequest) => Promise<TokenAnswer>;

const KEPT = 10_000;
const CODE_LIFETIME_MS = 600_000;

/** What the token endpoint redeems: codes, refresh tokens, assertions. */
export class Grants {
  readonly #directory: Directory;
  readonly #codes = new LRUCache<string, SignIn>({ max: KEPT, ttl: CODE_LIFETIME_MS, perf: Date });
  readonly #refreshTokens = new LRUCache<string, SignIn>({ max: KEPT });
  readonly #grants: ReadonlyMap<string, Grant> = new Map<string, Grant>([
    ["authorization_code", (request) => this.#redeemCode(request)],
    ["refresh_token", (request) => this.#redeemRefreshToken(request)],
    ["urn:ietf:params:oauth:grant-type:jwt-bearer", (request) => this.#exchangeOnBehalfOf(request)],
  ]);

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /** Keeps a sign-in and returns its authorization code: 10 minutes, once. */
  issueCode(signIn: SignIn): string {
    const code = randomUUID();
    this.#codes.set(code, signIn);
    return code;
  }

  /** Redeems a grant for an authenticated client. Throws EntraError. */
  redeem(request: TokenRequest): Promise<TokenAnswer> {
    const grant = this.#grants.get(request.form.get("grant_type") ?? "");
    if (!grant) throw entraError(70003, "unsupported_grant_type", "This emulator does not know that grant type.");
    return grant(request);
  }

  async #redeemCode(request: TokenRequest): Promise<TokenAnswer> {
    const { client, form } = request;
    const code = form.get("code") ?? "";
    const signIn = this.#codes.get(code);
    this.#codes.delete(code);
    if (signIn?.clientId !== client.clientId || signIn.redirectUri !== form.get("redirect_uri")) {
      throw entraError(70008, "invalid_grant", "The code is unknown, used, expired, or was issued to another app.");
    }
    if (signIn.codeChallenge !== undefined && signIn.codeChallenge !== sha256(form.get("code_verifier") ?? "")) {
      throw entraError(501481, "invalid_grant", "The code_verifier does not match the code_challenge.");
    }
    return this.#answer(signIn, request);
  }

  async #redeemRefreshToken(request: TokenRequest): Promise<TokenAnswer> {
    const signIn = this.#refreshTokens.get(request.form.get("refresh_token") ?? "");
    if (signIn?.clientId !== request.client.clientId) {
      const text = "The refresh token is unknown, expired, or was issued to another app.";
      throw entraError(700082, "invalid_grant", text);
    }
    this.#refuseRevoked(signIn);
    // Every use gives a new one, and the old one stays good: https://learn.microsoft.com/entra/identity-platform/refresh-tokens
    return this.#answer({ ...signIn, nonce: undefined }, request);
  }

  #refuseRevoked({ account, signedInAt }: SignIn): void {
    if (account.refreshRefusal) throw new EntraError(account.refreshRefusal);
    if (signedInAt < this.#directory.revocations.validFrom(account)) throw revoked();
  }

  async #exchangeOnBehalfOf(request: TokenRequest): Promise<TokenAnswer> {
    return this.#answer(await exchangeOnBehalfOf(request, this.#directory), request);
  }

  async #answer(signIn: SignIn, request: TokenRequest): Promise<TokenAnswer> {
    const keepForRefresh = () => {
      const refreshToken = randomUUID();
      this.#refreshTokens.set(refreshToken, signIn);
      return refreshToken;
    };
    return answerToSignIn(signIn, request, this.#directory, keepForRefresh);
  }
}

function sha256(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}
