import { graphPermissionsOf } from "../directory/consents.ts";
import type { Directory } from "../directory/directory.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../http/router.ts";
import { sameOriginOnly } from "../http/same-origin.ts";
import { appAt, authorityOf } from "./authority.ts";
import { authorizationResponse } from "./authorization-response.ts";
import type { WantedConsent } from "./authorize-request.ts";
import { EntraError } from "./errors.ts";
import { redirectKindOf } from "./redirect-uris.ts";
import { requestedScopes } from "./requested-scopes.ts";
import { adminConsentPage, notice, signInError } from "./sign-in-pages.ts";

/**
 * Makes the routes where an administrator consents for everyone:
 * https://learn.microsoft.com/entra/identity-platform/v2-admin-consent Version 1 asks for all permissions of the
 * registration, version 2 for `scope`. Here every account may act as administrator.
 */
export function adminConsentRoutes(directory: Directory): Readonly<Record<string, RouteHandler>> {
  const show = (request: RoutedRequest) =>
    answering(() => adminConsentPage([wantedBy(request, directory)], request.url.pathname + request.url.search));
  const decide = sameOriginOnly((request) => answering(() => decided(request, directory)));
  return {
    "GET /:tenant/adminconsent": show,
    "POST /:tenant/adminconsent": decide,
    "GET /:tenant/v2.0/adminconsent": show,
    "POST /:tenant/v2.0/adminconsent": decide,
  };
}

function wantedBy(request: RoutedRequest, directory: Directory): WantedConsent {
  const { searchParams } = request.url;
  const app = appAt(authorityOf(request), searchParams.get("client_id") ?? "", directory);
  const redirectUri = searchParams.get("redirect_uri");
  if (redirectUri !== null) redirectKindOf(app, redirectUri);
  const scope = searchParams.get("scope");
  if (scope === null) return { app, names: graphPermissionsOf(app) };
  const { resource, names } = requestedScopes(scope, app, directory);
  return { app, resource, names };
}

function decided(request: RoutedRequest, directory: Directory): Reply {
  const wanted = wantedBy(request, directory);
  const { app } = wanted;
  const isAccepted = request.form.get("consent") === "accept";
  if (isAccepted) directory.consents.grant(app, wanted);
  const { searchParams } = request.url;
  const redirectUri = searchParams.get("redirect_uri");
  if (redirectUri === null) {
    return isAccepted
      ? notice(
          "Consent granted",
          `${app.displayName} may now do this for everyone. Close this tab and go back to the app, which asks again.`,
        )
      : notice("Nothing granted", "Close this tab and go back to the app.");
  }
  const answer = isAccepted
    ? { admin_consent: "True", tenant: authorityOf(request).tenant }
    : { error: "access_denied", error_description: "AADSTS65004: The administrator declined to consent." };
  return authorizationResponse({ redirectUri, mode: "query", state: searchParams.get("state") }, answer);
}

function answering(answer: () => Reply): Reply {
  try {
    return answer();
  } catch (error) {
    if (error instanceof EntraError) return signInError(error.refusal);
    throw error;
  }
}
