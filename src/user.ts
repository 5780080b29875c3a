import type { Deadline } from "./outgoing/deadline.ts";

/** The user that a verified assertion names. */
export interface VerifiedUser {
  readonly tenantId: string;
  readonly objectId: string;
  /** Seconds since 1970: end of the assertion. */
  readonly expiresAt: number;
  /** Authentication contexts that the sign-in satisfied, such as `c1`: the claim `acrs`. Absent for most users. */
  readonly authContexts?: readonly string[];
}

/** Addresses at the authority where a user, or their administrator, can lift a refusal. */
export interface SignInLinks {
  /** Address where another sign-in begins. */
  readonly authorizationUri: string;
  /** Address where an administrator of the user's tenant grants consent to this app. */
  readonly adminConsentUrl: string;
}

/** The verified user of one request, as endpoints and the calls of services see them. */
export interface SignedInUser extends VerifiedUser {
  /** Id of this request here, in Entra's logs and in the logs of the services behind this API. */
  readonly correlationId: string;
  readonly deadline: Deadline;
  readonly links: SignInLinks;
  /**
   * Returns an access token on behalf of this user for a resource that the endpoint names scopes of, such as
   * `https://storage.azure.com`. With `claims`, the JSON of that resource's claims challenge, it is a new one.
   *
   * @throws AppError as the exchange does: `entra/exchange-failure.ts`
   */
  accessToken(resource: string, claims?: string): Promise<string>;
  /** Notes that the resource refused its last token: the next one is new, unless a new one was refused too within a minute. */
  forgetAccessToken(resource: string): void;
}
