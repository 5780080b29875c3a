import { type Account, GRAPH_ORIGIN } from "../directory/directory.ts";
import { forAnyOrigin } from "../http/cross-origin.ts";
import { json, type Reply, type RoutedRequest, type RouteHandler } from "../http/router.ts";
import { type AccessParts, type Principal, withAccount } from "./access.ts";

/** Routes of the UserInfo endpoint: https://learn.microsoft.com/entra/identity-platform/userinfo */
export function userinfoRoutes(parts: AccessParts): Readonly<Record<string, RouteHandler>> {
  const answer = withAccount(parts, userinfo, ["openid"]);
  return forAnyOrigin({ "GET /oidc/userinfo": answer, "POST /oidc/userinfo": answer });
}

function userinfo(_: RoutedRequest, { profile }: Account, { claims }: Principal): Reply {
  const { displayName, givenName, surname, mail } = profile;
  return json(200, {
    ...{ sub: claims.sub, name: displayName, family_name: surname, given_name: givenName },
    picture: `${GRAPH_ORIGIN}/v1.0/me/photo/$value`,
    email: mail,
  });
}
