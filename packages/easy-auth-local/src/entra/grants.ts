import { createHash, randomUUID } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Directory } from "../directory/directory.ts";
import { refuseByKind } from "./client-authentication.ts";
import { answerToClientCredentials } from "./client-credentials.ts";
import type { DeviceCodes } from "./device-codes.ts";
import { EntraError, entraError, revoked } from "./errors.ts";
import { exchangeOnBehalfOf } from "./on-behalf-of.ts";
import type { SignIn } from "./sign-in.ts";
import { answerToSignIn, type TokenAnswer, type TokenRequest } from "./token-answer.ts";

type Grant = (request: TokenRequest) => Promise<TokenAnswer>;

const KEPT = 10_000;
const CODE_LIFETIME_MS = 600_000;
/**
 * Lifetime of a page's refresh tokens, from the sign-in on:
 * https://learn.microsoft.com/entra/identity-platform/refresh-tokens
 */
const SPA_LIFETIME_SECONDS = 86_400;

/** Grants of the token endpoint: codes, refresh tokens, assertions, device codes, credentials. */
export class Grants {
  readonly #directory: Directory;
  readonly #deviceCodes: DeviceCodes;
  readonly #codes = new LRUCache<string, SignIn>({ max: KEPT, ttl: CODE_LIFETIME_MS, perf: Date });
  readonly #refreshTokens = new LRUCache<string, SignIn>({ max: KEPT });
  readonly #grants: ReadonlyMap<string, Grant> = new Map<string, Grant>([
    ["authorization_code", (request) => this.#redeemCode(request)],
    ["refresh_token", (request) => this.#redeemRefreshToken(request)],
    ["urn:ietf:params:oauth:grant-type:jwt-bearer", (request) => this.#exchangeOnBehalfOf(request)],
    ["urn:ietf:params:oauth:grant-type:device_code", (request) => this.#redeemDeviceCode(request)],
    // As MSAL spells it: msal-common/src/utils/Constants.ts, GrantType.DEVICE_CODE_GRANT.
    ["device_code", (request) => this.#redeemDeviceCode(request)],
    ["client_credentials", (request) => answerToClientCredentials(request, this.#directory)],
  ]);

  constructor(directory: Directory, deviceCodes: DeviceCodes) {
    this.#directory = directory;
    this.#deviceCodes = deviceCodes;
  }

  /** Keeps a sign-in and returns its authorization code, which can be used once within 10 minutes. */
  issueCode(signIn: SignIn): string {
    const code = randomUUID();
    this.#codes.set(code, signIn);
    return code;
  }

  /** Redeems a grant. Throws EntraError. */
  redeem(request: TokenRequest): Promise<TokenAnswer> {
    const grantType = request.form.get("grant_type") ?? "";
    const grant = this.#grants.get(grantType);
    if (grant) return grant(request);
    const known = [...this.#grants.keys()].join(", ");
    const text = `The grant type '${grantType}' is not emulated. Emulated are: ${known}.`;
    throw entraError(70003, "unsupported_grant_type", text);
  }

  async #redeemCode(request: TokenRequest): Promise<TokenAnswer> {
    const { client, form } = request;
    const code = form.get("code") ?? "";
    const signIn = this.#codes.get(code);
    if (signIn?.clientId !== client.clientId) {
      throw entraError(70008, "invalid_grant", "The code is unknown, used, expired, or was issued to another app.");
    }
    refuseByKind(request, signIn.kind);
    this.#codes.delete(code);
    if (signIn.redirectUri !== form.get("redirect_uri")) {
      const text = `The redirect URI '${form.get("redirect_uri")}' is not '${signIn.redirectUri}', which the code was issued for.`;
      throw entraError(500112, "invalid_grant", text);
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
    refuseByKind(request, signIn.kind);
    if (signIn.kind === "spa" && Date.now() / 1000 - signIn.signedInAt > SPA_LIFETIME_SECONDS) {
      const text =
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended.";
      throw entraError(700084, "invalid_grant", text);
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
    refuseByKind(request, "web");
    return this.#answer(await exchangeOnBehalfOf(request, this.#directory), request);
  }

  async #redeemDeviceCode(request: TokenRequest): Promise<TokenAnswer> {
    refuseByKind(request, request.client.isFallbackPublicClient ? "publicClient" : "web");
    return this.#answer(this.#deviceCodes.redeem(request.form.get("device_code") ?? "", request.client), request);
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
