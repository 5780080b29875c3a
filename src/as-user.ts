import { checkAuthContext, requireAuthContext } from "./auth-context.ts";
import { sdkFailure } from "./downstream/azure-sdk/failure.ts";
import { graphFailure } from "./downstream/graph/client.ts";
import { assertionFrom } from "./easy-auth/assertion.ts";
import type { OnBehalfOf } from "./entra/on-behalf-of.ts";
import type { CachedToken } from "./entra/token-cache.ts";
import type { VerifyAssertion } from "./entra/verify.ts";
import { AppError } from "./errors.ts";
import { inMemory } from "./http/bounded-body.ts";
import { endpoint } from "./http/endpoint.ts";
import type { Deadline } from "./outgoing/deadline.ts";
import { type ScopesByResource, scopesByResource } from "./scopes.ts";
import { withSpan } from "./telemetry/telemetry.ts";
import type { SignedInUser, VerifiedUser } from "./user.ts";
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
        const [first = []] = needed.values();
        // A cached token vouches for its assertion, which was verified before the token was asked for and has not ended.
        const cached = path.onBehalfOf.find(assertion, first);
        const verified = cached?.user ?? (await withSpan({ name: "verify" }, () => path.verify(assertion)));
        const grant = { assertion, user: verified, needed };
        const user = signedInUser(path.onBehalfOf, grant, cached, { correlationId, deadline });
        if (authContext !== undefined) requireAuthContext(user, authContext);
        const answer = await handler(user, request, context).catch((error) => {
          throw sdkFailure(graphFailure(error), user, needed.keys());
        });
        return answer.body === undefined ? answer : inMemory(answer, deadline.signal);
      }),
    );
    return Object.assign(handle, { scopes: [...needed.values()].flat() });
  };
}

/** Makes the user of a request. Without a cached token, the assertion is exchanged when the handler first uses one. */
function signedInUser(
  onBehalfOf: RequestPath["onBehalfOf"],
  { assertion, user, needed }: { assertion: string; user: VerifiedUser; needed: ScopesByResource },
  found: CachedToken | undefined,
  { correlationId, deadline }: Pick<SignedInUser, "correlationId" | "deadline">,
): SignedInUser {
  let cached = found;
  const { signal } = deadline;
  /** The last token that this request got, by resource. */
  let given: Map<string, string> | undefined;
  const exchange = async (scopes: readonly string[], claims?: string) =>
    (await onBehalfOf.exchange({ assertion, user, scopes, correlationId, signal, claims })).accessToken;
  let isFirstUse = true;
  return {
    ...user,
    correlationId,
    deadline,
    links: onBehalfOf.linksFor(user),
    accessToken: async (resource, claims) => {
      const scopes = scopesOf(resource, needed);
      if (cached && claims === undefined && needed.size === 1) return cached.accessToken;
      // All resources' tokens at once. Errors are ignored here: later callers join these exchanges and get them.
      if (isFirstUse) for (const others of needed.values()) if (others !== scopes) exchange(others).catch(() => {});
      isFirstUse = false;
      const accessToken = await exchange(scopes, claims);
      given ??= new Map();
      given.set(resource, accessToken);
      return accessToken;
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
