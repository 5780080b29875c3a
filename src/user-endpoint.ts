import type { HttpHandler, HttpRequest, HttpResponse, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { SignedInUser } from "./user.ts";

/** Answers one request of a signed-in user, or throws. */
export type UserHandler = (
  user: SignedInUser,
  request: HttpRequest,
  context: InvocationContext,
) => Promise<HttpResponseInit | HttpResponse>;

/** A Functions handler with the scopes it asks for on behalf of its users. */
export type UserEndpoint = HttpHandler & { readonly scopes: readonly string[] };

/** What an endpoint asks of its users beside scopes. */
export interface UserEndpointOptions {
  /** Authentication context, such as `c1`, that the sign-in has to have satisfied; else the answer is `claims_challenge`. */
  readonly authContext?: string;
}

/** Makes a Functions handler of a user's: `app.ts`. */
export type AsUser = (scopes: readonly string[], handler: UserHandler, options?: UserEndpointOptions) => UserEndpoint;
