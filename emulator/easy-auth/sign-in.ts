import * as client from "openid-client";
import type { AuthSettings } from "./auth-settings.ts";
import type { StoredTokens } from "./headers.ts";

/** Who signed in and what Entra issued for them. */
export interface SignedIn extends StoredTokens {
  /** Of the ID token, verified. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What the gate keeps between sending the browser away and its coming back. */
export interface PendingSignIn {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly returnTo: string;
}

/** Easy Auth's part as an OpenID Connect client. */
export interface SignInClient {
  /** The address to send the browser to, and what to keep until it is back. */
  begin(redirectUri: string, returnTo: string): Promise<{ readonly location: string; readonly pending: PendingSignIn }>;
  /** Redeems the code in the callback's address. Throws when anything does not match. */
  complete(callback: URL, pending: PendingSignIn): Promise<SignedIn>;
  refresh(signedIn: SignedIn): Promise<SignedIn>;
  /** Where the browser signs out of Entra. */
  signOutLocation(returnTo: string): Promise<string>;
}

export interface SignInOptions {
  readonly settings: AuthSettings;
  readonly clientSecret: string;
  /** Where browsers reach the authority when that is not its own origin: the emulator. */
  readonly browserOrigin?: string;
  readonly now: () => number;
}

const DISCOVERY_TIMEOUT_SECONDS = 10;

/** Makes the client; Entra is asked for its endpoints at the first sign-in. */
export function createSignInClient(options: SignInOptions): SignInClient {
  const { openIdIssuer, clientId } = options.settings.identityProviders.azureActiveDirectory.registration;
  let discovered: Promise<client.Configuration> | undefined;
  const discover = () => {
    discovered ??= client
      .discovery(new URL(openIdIssuer), clientId, options.clientSecret, undefined, {
        timeout: DISCOVERY_TIMEOUT_SECONDS,
      })
      .catch((error) => {
        discovered = undefined;
        throw error;
      });
    return discovered;
  };
  const forBrowser = (url: URL) =>
    options.browserOrigin ? url.href.replace(url.origin, options.browserOrigin) : url.href;

  return {
    begin: async (redirectUri, returnTo) => {
      const pending = await newPendingSignIn(returnTo);
      const url = client.buildAuthorizationUrl(
        await discover(),
        await authorizeParameters(options.settings, redirectUri, pending),
      );
      return { location: forBrowser(url), pending };
    },
    complete: async (callback, { state, nonce, codeVerifier }) => {
      const checks = {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      };
      return signedInFrom(await client.authorizationCodeGrant(await discover(), callback, checks), options.now());
    },
    refresh: async (previous) => {
      const tokens = await client.refreshTokenGrant(await discover(), previous.refreshToken ?? "");
      return { ...previous, ...signedInFrom(tokens, options.now(), previous) };
    },
    signOutLocation: async (returnTo) =>
      forBrowser(client.buildEndSessionUrl(await discover(), { post_logout_redirect_uri: returnTo })),
  };
}

async function newPendingSignIn(returnTo: string): Promise<PendingSignIn> {
  return {
    state: client.randomState(),
    nonce: client.randomNonce(),
    codeVerifier: client.randomPKCECodeVerifier(),
    returnTo,
  };
}

async function authorizeParameters(
  settings: AuthSettings,
  redirectUri: string,
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
    redirect_uri: redirectUri,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: "S256",
  };
}

type TokenAnswer = Awaited<ReturnType<typeof client.authorizationCodeGrant>>;

function signedInFrom(tokens: TokenAnswer, now: number, previous?: SignedIn): SignedIn {
  const claims = tokens.claims() ?? previous?.claims;
  const idToken = tokens.id_token ?? previous?.idToken;
  if (!claims || idToken === undefined) throw new Error("The token endpoint answered without an ID token.");
  return {
    claims,
    idToken,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token ?? previous?.refreshToken,
    accessTokenExpiresAt: now + (tokens.expiresIn() ?? 0) * 1000,
  };
}
