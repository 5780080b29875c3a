import { checkAuthContext, requireAuthContext } from "./auth-context.ts";
import { sdkFailure } from "./downstream/azure-sdk/failure.ts";
import { graphFailure } from "./downstream/graph/client.ts";
import { assertionFrom } from "./easy-auth/assertion.ts";
import type { OnBehalfOf } from "./entra/on-behalf-of.ts";
import type { VerifyAssertion } from "./entra/verify.ts";
import { AppError } from "./errors.ts";
import { inMemory } from "./http/bounded-body.ts";
import { endpoint } from "./http/endpoint.ts";
import type { Deadline } from "./outgoing/deadline.ts";
import { type ScopesByResource, scopesByResource } from "./scopes.ts";
import { withSpan } from "./telemetry/telemetry.ts";
import type { SignedInUser } from "./user.ts";
import type { AsUser } from "./user-endpoint.ts";

/** The parts that every request of a user passes through. */
export interface RequestPath {
  readonly verify: VerifyAssertion;
  readonly onBehalfOf: Pick<OnBehalfOf, "find" | "exchange" | "forget" | "linksFor">;
  /** Runs the handler within the request's time. */
  readonly withDeadline: <T>(work: (deadline: Deadline) => Promise<T>) => Promise<T>;
  /** Resource of scopes that are named without one. */
  readonly graphOrigin: string;
}

/**
 * Makes `asUser`, which makes a Functions handler that runs only for a signed-in user. The path of each request: assertion →
 * cached token or verification → handler → answer. Every failure is answered as problem+json, in time.
 */
export function createAsUser(path: RequestPath): AsUser {
  return (scopes, handler, { authContext } = {}) => {
    const needed = scopesByResource(scopes, path.graphOrigin);
    if (authContext !== undefined) checkAuthContext(authContext);
    const handle = endpoint((request, context, correlationId) =>
      path.withDeadline(async (deadline) => {
        const assertion = assertionFrom(request.headers);
        const user = await signedInUser(path, needed, assertion, { correlationId, deadline });
        if (authContext !== undefined) requireAuthContext(user, authContext);
        const answer = await handler(user, request, context).catch((error) => {
          throw sdkFailure(graphFailure(error), user, needed.keys());
        });
        return inMemory(answer, deadline.signal);
      }),
    );
    return Object.assign(handle, { scopes: [...needed.values()].flat() });
  };
}

/**
 * Returns the user of an assertion. A cached token vouches for its assertion, which was verified before the token was asked
 * for and has not ended. Without one the assertion is verified now, and exchanged when the handler first uses a token.
 */
async function signedInUser(
  { verify, onBehalfOf }: RequestPath,
  needed: ScopesByResource,
  assertion: string,
  { correlationId, deadline }: Pick<SignedInUser, "correlationId" | "deadline">,
): Promise<SignedInUser> {
  const [first = []] = needed.values();
  let cached = onBehalfOf.find(assertion, first);
  const user = cached?.user ?? (await withSpan({ name: "verify" }, () => verify(assertion)));
  const { signal } = deadline;
  /** Tokens that this request was given last, by resource. */
  let given: Map<string, string> | undefined;
  const exchange = async (scopes: readonly string[], claims?: string) =>
    (await onBehalfOf.exchange({ assertion, user, scopes, correlationId, signal, claims })).accessToken;
  const acquire = async (resource: string, claims?: string) => {
    const accessToken = await exchange(scopesOf(resource, needed), claims);
    given ??= new Map();
    given.set(resource, accessToken);
    return accessToken;
  };
  let isFirstUse = true;
  return {
    ...user,
    correlationId,
    deadline,
    links: onBehalfOf.linksFor(user),
    accessToken: async (resource, claims) => {
      const scopes = scopesOf(resource, needed);
      if (cached && scopes === first && claims === undefined && needed.size === 1) return cached.accessToken;
      // All resources' tokens at once. Safe to ignore: later callers join these exchanges and get their errors.
      if (isFirstUse) for (const others of needed.values()) if (others !== scopes) exchange(others).catch(() => {});
      isFirstUse = false;
      return acquire(resource, claims);
    },
    forgetAccessToken: (resource) => {
      const refused = given?.get(resource) ?? cached?.accessToken;
      cached = undefined;
      if (refused !== undefined) onBehalfOf.forget({ assertion, user, scopes: scopesOf(resource, needed) }, refused);
    },
  };
}

function scopesOf(resource: string, needed: ScopesByResource): readonly string[] {
  const scopes = needed.get(resource);
  if (scopes) return scopes;
  throw new AppError("internal_error", { hint: `The endpoint names no scope of ${resource}.` });
}
