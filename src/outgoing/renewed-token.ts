import { AppError } from "../errors.ts";

/** Access token of this app's own identity, for no user. */
export interface AppToken {
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

/** Answer of an endpoint that issues tokens, as MSAL gives it. */
interface IssuedToken {
  readonly accessToken?: unknown;
  readonly expiresOn?: Date | null;
}

/** Time before its end when a token is renewed, as MSAL does: no token that is sent is about to end. */
const RENEWED_BEFORE_END_MS = 300_000;

/**
 * Makes a function that returns a token, requested at first use, once for all requests that wait, and kept until 5 minutes
 * before its end. While no new one can be had, the last one serves to its end.
 */
export function createRenewedToken(request: () => Promise<IssuedToken | null>): () => Promise<AppToken> {
  let current: AppToken = { accessToken: "", endsAt: 0 };
  let renewing: Promise<AppToken> | undefined;

  async function renew(): Promise<AppToken> {
    try {
      const { accessToken, expiresOn } = (await request()) ?? {};
      // MSAL does not check the answer.
      if (typeof accessToken !== "string" || accessToken === "") {
        throw new AppError("identity_unavailable", { hint: "The identity's endpoint answered without a token." });
      }
      current = { accessToken, endsAt: expiresOn?.getTime() ?? 0 };
    } catch (error) {
      if (!(Date.now() < current.endsAt)) throw error;
    }
    return current;
  }

  return async () => {
    if (Date.now() < current.endsAt - RENEWED_BEFORE_END_MS) return current;
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
}
