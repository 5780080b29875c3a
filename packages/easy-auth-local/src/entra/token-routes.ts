import { randomUUID } from "node:crypto";
import type { Directory } from "../directory/directory.ts";
import { forAnyOrigin } from "../http/cross-origin.ts";
import { json, type Reply, type RoutedRequest, type RouteHandler } from "../http/router.ts";
import { authorityOf } from "./authority.ts";
import { authenticateClient } from "./client-authentication.ts";
import { withRefusals } from "./errors.ts";
import type { Grants } from "./grants.ts";
import type { TokenIssuer } from "./tokens.ts";

/** Routes of the token endpoint: of version 2, and of version 1, which names a `resource` in place of scopes. */
export function tokenRoutes(
  directory: Directory,
  issuer: TokenIssuer,
  grants: Grants,
): Readonly<Record<string, RouteHandler>> {
  const redeem = withRefusals((request) => redeemed(request, directory, issuer, grants));
  return forAnyOrigin({
    "POST /:tenant/oauth2/v2.0/token": redeem,
    "POST /:tenant/oauth2/token": (request) => redeem({ ...request, form: withScope(request.form) }),
  });
}

async function redeemed(
  request: RoutedRequest,
  directory: Directory,
  issuer: TokenIssuer,
  grants: Grants,
): Promise<Reply> {
  const { form, headers } = request;
  const client = await authenticateClient(request, directory, issuer.keys.verificationKeys);
  const isCrossOrigin = headers.origin !== undefined;
  const answer = await grants.redeem({ ...client, isCrossOrigin, form, authority: authorityOf(request), issuer });
  return json(200, answer, { "x-ms-request-id": randomUUID() });
}

function withScope(form: URLSearchParams): URLSearchParams {
  const resource = form.get("resource");
  if (resource === null || form.has("scope")) return form;
  const changed = new URLSearchParams(form);
  changed.set("scope", `${resource.replace(/\/$/, "")}/.default`);
  return changed;
}
