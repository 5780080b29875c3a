import { createHash } from "node:crypto";
import type { JWTPayload } from "jose";
import { json, readBody } from "../http/router.ts";
import type { AuthRoutesOptions, Route } from "./auth-route.ts";
import { text } from "./pages.ts";
import { sessionCookies } from "./session-cookie.ts";
import type { SignedIn } from "./sign-in.ts";
import type { TokenCheck } from "./token-check.ts";

/** What a client that signed the user in by itself posts to `/.auth/login/aad`. */
interface BroughtTokens {
  readonly access_token: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
  /** Seconds. */
  readonly expires_in?: number;
}

/**
 * Makes a session of tokens that a client brings, which have to be valid for this app:
 * https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out#client-directed-sign-in
 * Answers its `authenticationToken`, for `X-ZUMO-AUTH`; and the session's cookie, unless `session_mode=token` is asked.
 */
export function createClientDirectedLogin({
  sessions,
  checkToken,
}: Pick<AuthRoutesOptions, "sessions" | "checkToken">): Route {
  return async ({ message, url }) => {
    const brought = parseTokens(await readBody(message));
    if (!brought) return text(400, "The body has to be JSON with an access_token.");
    const signedIn = await signedInBy(brought, checkToken);
    if (!signedIn) return text(401, "");
    const id = sessions.open(signedIn);
    const userId = `sid:${createHash("md5").update(String(signedIn.claims.sub)).digest("hex")}`;
    const onlyToken = url.searchParams.get("session_mode") === "token";
    const headers = onlyToken ? {} : { "set-cookie": sessionCookies(id, signedIn.claims) };
    return json(200, { authenticationToken: id, user: { userId } }, headers);
  };
}

async function signedInBy(brought: BroughtTokens, checkToken: TokenCheck): Promise<SignedIn | undefined> {
  const { access_token: accessToken, id_token: idToken, refresh_token: refreshToken, expires_in: expiresIn } = brought;
  const claims = await checkToken(accessToken);
  const idClaims = idToken === undefined ? claims : await checkToken(idToken);
  if (!claims || !idClaims) return undefined;
  return { claims: idClaims, accessToken, idToken, refreshToken, accessTokenExpiresAt: expiryOf(claims, expiresIn) };
}

function expiryOf({ exp }: JWTPayload, expiresIn: number | undefined): number {
  return expiresIn === undefined ? Number(exp) * 1000 : Date.now() + expiresIn * 1000;
}

function parseTokens(body: string): BroughtTokens | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed !== "object" || parsed === null) return undefined;
    const { access_token, id_token, refresh_token, expires_in } = parsed as Partial<Record<string, unknown>>;
    if (typeof access_token !== "string") return undefined;
    return {
      access_token,
      ...(typeof id_token === "string" && { id_token }),
      ...(typeof refresh_token === "string" && { refresh_token }),
      ...(typeof expires_in === "number" && { expires_in }),
    };
  } catch {
    return undefined;
  }
}
