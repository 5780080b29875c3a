import * as client from "openid-client";
import type { AuthSettings } from "./auth-settings.ts";
import type { StoredTokens } from "./headers.ts";
import { discoveryIssuerOf } from "./issuer.ts";

/** Signed-in user, with the tokens that Entra issued. */
export interface SignedIn extends StoredTokens {
  /** Verified claims of the ID token; of the access token where a client brought that alone. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** State of a sign-in while the browser is at Entra. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly redirectUri: string;
  readonly returnTo: string;
}

export interface SignInRequest {
  readonly redirectUri: string;
  readonly returnTo: string;
  /** Parameters of the login's address that go on to Entra. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Easy Auth as an OpenID Connect client. */
export interface SignInClient {
  /** Returns the address to send the browser to, and the state to keep until it is back. */
  begin(request: SignInRequest): Promise<{ readonly location: string; readonly pending: PendingSignIn }>;
  /** Redeems the code that the callback brought. Throws when anything does not match. */
  complete(callback: URLSearchParams, pending: PendingSignIn): Promise<SignedIn>;
  refresh(signedIn: SignedIn): Promise<SignedIn>;
  /** Returns the address at which the browser signs out of Entra. */
  signOutLocation(returnTo: string): Promise<string>;
}

export interface SignInOptions {
  readonly settings: AuthSettings;
  readonly clientSecret: string;
  /** Origin at which browsers reach the authority when it is not the authority's own: the emulator. */
  readonly browserOrigin?: string;
  /** Fate of the ID token after a refresh. */
  readonly idTokenAfterRefresh: "kept" | "renewed";
}

const DISCOVERY_TIMEOUT_SECONDS = 10;

/** Makes the client; Entra is asked for its endpoints at the first sign-in. */
export function createSignInClient(options: SignInOptions): SignInClient {
  const discover = discoverOnce(options);
  const forBrowser = (url: URL) =>
    options.browserOrigin ? url.href.replace(url.origin, options.browserOrigin) : url.href;

  return {
    begin: async (request) => {
      const pending = newPendingSignIn(request);
      const parameters = await authorizeParameters(options.settings, request, pending);
      return { location: forBrowser(client.buildAuthorizationUrl(await discover(), parameters)), pending };
    },
    complete: async (callback, { state, nonce, codeVerifier, redirectUri }) => {
      const checks = {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      };
      const url = new URL(`${redirectUri}?${callback}`);
      return signedInFrom(await client.authorizationCodeGrant(await discover(), url, checks));
    },
    refresh: async (previous) => {
      const tokens = await client.refreshTokenGrant(await discover(), previous.refreshToken ?? "");
      const { claims, idToken, ...renewed } = signedInFrom(tokens, previous);
      return { ...previous, ...renewed, ...(options.idTokenAfterRefresh === "renewed" && { claims, idToken }) };
    },
    signOutLocation: async (returnTo) =>
      forBrowser(client.buildEndSessionUrl(await discover(), { post_logout_redirect_uri: returnTo })),
  };
}

function discoverOnce({ settings, clientSecret }: SignInOptions): () => Promise<client.Configuration> {
  const { clientId } = settings.identityProviders.azureActiveDirectory.registration;
  const execute = { timeout: DISCOVERY_TIMEOUT_SECONDS };
  let discovered: Promise<client.Configuration> | undefined;
  return () => {
    discovered ??= client
      .discovery(new URL(discoveryIssuerOf(settings)), clientId, clientSecret, undefined, execute)
      .catch((error) => {
        discovered = undefined;
        throw error;
      });
    return discovered;
  };
}

function newPendingSignIn({ redirectUri, returnTo }: SignInRequest): PendingSignIn {
  return {
    state: client.randomState(),
    nonce: client.randomNonce(),
    codeVerifier: client.randomPKCECodeVerifier(),
    redirectUri,
    returnTo,
  };
}

async function authorizeParameters(
  settings: AuthSettings,
  { redirectUri, parameters }: SignInRequest,
  { state, nonce, codeVerifier }: PendingSignIn,
): Promise<Record<string, string>> {
  const configured = settings.identityProviders.azureActiveDirectory.login?.loginParameters ?? [];
  const loginParameters = configured.map((parameter) => {
    const [name = "", ...value] = parameter.split("=");
    return [name, value.join("=")];
  });
  return {
    scope: "openid profile email",
    ...Object.fromEntries(loginParameters),
    ...parameters,
    redirect_uri: redirectUri,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
  };
}

type TokenAnswer = Awaited<ReturnType<typeof client.authorizationCodeGrant>>;

function signedInFrom(tokens: TokenAnswer, previous?: SignedIn): SignedIn {
  const claims = tokens.claims() ?? previous?.claims;
  const idToken = tokens.id_token ?? previous?.idToken;
  if (!claims || idToken === undefined) throw new Error("The token endpoint answered without an ID token.");
  return {
    claims,
    idToken,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? previous?.refreshToken,
    accessTokenExpiresAt: Date.now() + (tokens.expiresIn() ?? 0) * 1000,
  };
}
