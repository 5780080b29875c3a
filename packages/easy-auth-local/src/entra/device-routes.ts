import type { Directory } from "../directory/directory.ts";
import { escapeHtml } from "../http/html-page.ts";
import { json, type Reply, type RoutedRequest, type RouteHandler } from "../http/router.ts";
import { sameOriginOnly } from "../http/same-origin.ts";
import { appAt, authorityOf } from "./authority.ts";
import type { AuthorizeRequest } from "./authorize-request.ts";
import { DEVICE_CODE_SECONDS, type DeviceCodes, type DeviceRequest } from "./device-codes.ts";
import { withRefusals } from "./errors.ts";
import { page } from "./page.ts";
import { requestedScopes } from "./requested-scopes.ts";

/** Seconds between two polls. Entra's 5 would be long for a developer. */
const INTERVAL_SECONDS = 1;
const PATH = "/common/oauth2/deviceauth";

/**
 * Routes of the device code flow: a device asks for a code, its user types it on a page and signs in there.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
 *
 * @param begin shows the sign-in's first page
 */
export function deviceRoutes(
  deviceCodes: DeviceCodes,
  directory: Directory,
  browserOrigin: () => string,
  begin: (asked: AuthorizeRequest, request: RoutedRequest) => Reply,
): Readonly<Record<string, RouteHandler>> {
  return {
    "POST /:tenant/oauth2/v2.0/devicecode": withRefusals((request) =>
      issue(request, deviceCodes, directory, browserOrigin()),
    ),
    "GET /:tenant/oauth2/deviceauth": () => codePage(),
    "POST /:tenant/oauth2/deviceauth": sameOriginOnly((request) => {
      const device = deviceCodes.find(request.form.get("otc") ?? "");
      if (!device) return codePage("That code didn't work. Check the code and try again.");
      return begin(signInFor(device), request);
    }),
  };
}

function issue(request: RoutedRequest, deviceCodes: DeviceCodes, directory: Directory, browserOrigin: string): Reply {
  const { form } = request;
  const authority = authorityOf(request);
  const client = appAt(authority, form.get("client_id") ?? "", directory);
  const scope = form.get("scope") ?? "openid";
  requestedScopes(scope, client, directory);
  const { deviceCode, userCode } = deviceCodes.issue({ client, scope, authority });
  return json(200, answerTo(deviceCode, userCode, browserOrigin + PATH));
}

function answerTo(deviceCode: string, userCode: string, address: string): object {
  return {
    ...{ user_code: userCode, device_code: deviceCode, verification_uri: address },
    ...{ expires_in: DEVICE_CODE_SECONDS, interval: INTERVAL_SECONDS },
    message: `To sign in, use a web browser to open the page ${address} and enter the code ${userCode} to authenticate.`,
  };
}

/** Makes the sign-in of a device's user, which ends at no redirect URI. */
function signInFor(device: DeviceRequest & { readonly deviceCode: string }): AuthorizeRequest {
  return {
    ...{ ...device, kind: "publicClient", redirectUri: "", mode: "query", state: null },
    ...{ wantsCode: false, wantsIdToken: false, wantsAuthTime: false, maxAgeSeconds: undefined, contexts: [] },
    ...{ nonce: undefined, codeChallenge: undefined, prompt: undefined, loginHint: undefined },
  };
}

function codePage(problem?: string): Reply {
  const content = `<h1>Enter code</h1>
    <p>${escapeHtml(problem ?? "Enter the code that your app or device shows.")}</p>
    <form method="post" action="${PATH}">
      <label>Code <input name="otc" autocomplete="off" autofocus required></label>
      <button><strong>Next</strong></button>
    </form>`;
  return page("Enter code", content, problem === undefined ? {} : { status: 400 });
}
