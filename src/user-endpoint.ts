import type { HttpHandler, HttpRequest, HttpResponse, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { SignedInUser } from "./user.ts";

/** Answers one request of a signed-in user, or throws. */
export type UserHandler = (
  user: SignedInUser,
  request: HttpRequest,
  context: InvocationContext,
) => Promise<HttpResponseInit | HttpResponse>;

/** Functions handler with the scopes that it asks for on behalf of its users. */
export type UserEndpoint = HttpHandler & { readonly scopes: readonly string[] };

/** Requirements of an endpoint beside its scopes. */
export interface UserEndpointOptions {
  /** Authentication context, such as `c1`, that the sign-in has to have satisfied; else the answer is `claims_challenge`. */
  readonly authContext?: string;
}

/** Type of `asUser` (`app.ts`), which makes a Functions handler of a `UserHandler`. */
export type AsUser = (scopes: readonly string[], handler: UserHandler, options?: UserEndpointOptions) => UserEndpoint;
