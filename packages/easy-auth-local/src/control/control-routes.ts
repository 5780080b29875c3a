import type { Clock } from "../clock/clock.ts";
import { API, type Directory, FRONTEND, usernameOf } from "../directory/directory.ts";
import type { SigningKeys } from "../entra/keys.ts";
import type { SignIn, TokenIssuer } from "../entra/tokens.ts";
import type { Faults } from "../faults/faults.ts";
import { json, type Reply, type RoutedRequest, type RouteHandler } from "../http/router.ts";
import { refusal, sameOriginOnly } from "../http/same-origin.ts";
import { traceRoutes } from "../trace/routes.ts";
import type { Traces } from "../trace/traces.ts";
import { clockRoutes } from "./clock-routes.ts";
import { controlPageRoutes } from "./control-page.ts";
import { faultRoutes } from "./fault-routes.ts";

/** Parts of a stack that its developer looks into and changes while it runs. */
export interface Controlled {
  readonly directory: Directory;
  readonly issuer: TokenIssuer;
  readonly faults: Faults;
  /** Sign-in whose tokens scripts get. Default: that of the built-in frontend, for the built-in API. */
  readonly signIn?: SignIn | undefined;
  /** Default: the machine's clock, which cannot be put forward. */
  readonly clock?: Clock | undefined;
  /** Default: no trace page. */
  readonly traces?: Traces;
}

/**
 * Makes the routes by which a developer controls the stack: the page at `/`, `/trace`, and what scripts use below
 * `/emulator`. Microsoft has none of them, so they are answered on loopback names only, and to no page of another origin.
 */
export function controlRoutes({ directory, issuer, faults, signIn = BUILT_IN, clock, traces }: Controlled) {
  const keys: SigningKeys = issuer.keys;
  return {
    "GET /emulator/token": sameOriginOnly((request) => tokenForScripts(request, directory, issuer, signIn)),
    ...(clock && clockRoutes(clock)),
    ...faultRoutes(faults),
    ...controlPageRoutes({ directory, keys, faults, clock }),
    ...(traces && traceRoutes(traces, directory)),
  } satisfies Readonly<Record<string, RouteHandler>>;
}

const BUILT_IN: SignIn = { audience: API, client: FRONTEND, scope: "user_impersonation" };

/** Answers with an access token for the API, as the frontend's sign-in would hold it. */
async function tokenForScripts(
  { url }: RoutedRequest,
  directory: Directory,
  issuer: TokenIssuer,
  signIn: SignIn,
): Promise<Reply> {
  const account = directory.accountByKey(url.searchParams.get("account") ?? "works");
  if (!account) return json(404, { accounts: directory.accounts.map(({ key }) => key) });
  if (!directory.isKnownIn(directory.tenant.id, account)) {
    return refusal(403, `AADSTS50020: The tenant does not know the account ${usernameOf(account)}.`);
  }
  return json(200, { access_token: await issuer.apiToken({ ...signIn, account }) });
}
