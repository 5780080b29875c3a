import { createHash } from "node:crypto";
import type { JWTPayload } from "jose";
import { json, readBody } from "../http/router.ts";
import type { AuthRoutesOptions, Route } from "./auth-route.ts";
import { text } from "./pages.ts";
import { sessionCookies } from "./session-cookie.ts";
import type { SignedIn } from "./sign-in.ts";
import type { TokenCheck } from "./token-check.ts";

/** Body that a client posts to `/.auth/login/aad` when it signed the user in by itself. */
interface BroughtTokens {
  readonly access_token: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
  /** Seconds. */
  readonly expires_in?: number;
}

/**
 * Makes the route that opens a session with tokens that a client brings, which have to be valid for this app:
 * https://learn.microsoft.com/azure/app-service/configure-authentication-customize-sign-in-out#client-directed-sign-in
 * Answers with `authenticationToken`, for `X-ZUMO-AUTH`, and sets the session's cookie unless `session_mode=token` is
 * asked.
 */
export function createClientDirectedLogin({
  sessions,
  checkToken,
}: Pick<AuthRoutesOptions, "sessions" | "checkToken">): Route {
  return async ({ message, url }) => {
    const brought = parseTokens(await readBody(message));
    if (!brought) return text(400, "The body has to be JSON with an access_token.");
    const signedIn = await signedInBy(brought, checkToken);
    if ("reason" in signedIn) return { ...text(401, ""), reason: signedIn.reason };
    const id = sessions.open(signedIn);
    const userId = `sid:${createHash("md5").update(String(signedIn.claims.sub)).digest("hex")}`;
    const onlyToken = url.searchParams.get("session_mode") === "token";
    const headers = onlyToken ? {} : { "set-cookie": sessionCookies(id, signedIn.claims, message) };
    return json(200, { authenticationToken: id, user: { userId } }, headers);
  };
}

async function signedInBy(
  brought: BroughtTokens,
  checkToken: TokenCheck,
): Promise<SignedIn | { readonly reason: string }> {
  const { access_token: accessToken, id_token: idToken, refresh_token: refreshToken, expires_in: expiresIn } = brought;
  const access = await checkToken(accessToken);
  const id = idToken === undefined ? access : await checkToken(idToken);
  if (!access.claims) return { reason: `access_token: ${access.reason}` };
  if (!id.claims) return { reason: `id_token: ${id.reason}` };
  return {
    claims: id.claims,
    accessToken,
    idToken,
    refreshToken,
    accessTokenExpiresAt: expiryOf(access.claims, expiresIn),
  };
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
