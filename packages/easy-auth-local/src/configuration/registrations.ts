import { createHash } from "node:crypto";
import { API, FRONTEND } from "../directory/default-registrations.ts";
import type { Registration } from "../directory/registration.ts";
import type { Configuration, RegistrationConfiguration, ServiceConfiguration } from "./configuration.ts";

/** App registrations of a stack by name. `api` and `frontend` are always there. */
export type Registrations = ReadonlyMap<string, Registration>;

/** Makes the registrations of a configuration: the built-in ones with its changes, and its own. */
export function registrationsOf({ registrations = {}, services = {} }: Configuration): Registrations {
  const { api, frontend, ...own } = registrations;
  const apiRegistration = withOwnUris({ ...API, ...api }, api);
  const scope = `${apiRegistration.identifierUris?.[0] ?? apiRegistration.clientId}/${apiRegistration.scopes?.[0] ?? ""}`;
  const signIn = ["openid", "profile", "email", "offline_access", scope];
  const frontendRegistration = { ...FRONTEND, delegatedPermissions: signIn, ...frontend };
  return new Map<string, Registration>([
    [
      "api",
      { ...apiRegistration, knownClientApplications: api?.knownClientApplications ?? [frontendRegistration.clientId] },
    ],
    ["frontend", frontendRegistration],
    ...Object.entries(own).map(([name, one]) => [name, registrationOf(name, one)] as const),
    ...Object.entries(services).map(
      ([name, service]) => [`service ${name}`, serviceRegistration(name, service)] as const,
    ),
  ]);
}

/** Gives a registration whose client id was changed the URI that the portal proposes, which has the client id. */
function withOwnUris(registration: Registration, changes: RegistrationConfiguration | undefined): Registration {
  const isRenamed = changes?.clientId !== undefined && changes.identifierUris === undefined;
  return isRenamed ? { ...registration, identifierUris: [`api://${registration.clientId}`] } : registration;
}

function registrationOf(name: string, registration: RegistrationConfiguration): Registration {
  return { displayName: name, clientId: idOf(name), ...registration };
}

/** Makes the registration of a service, whose scopes every app may use. */
function serviceRegistration(name: string, { scopes = [], requestedAccessTokenVersion }: ServiceConfiguration) {
  const uris = scopes.map((scope) => scope.slice(0, scope.lastIndexOf("/")));
  return {
    clientId: idOf(`service ${name}`),
    displayName: name,
    identifierUris: [...new Set(uris)],
    scopes: scopes.map((scope) => scope.slice(scope.lastIndexOf("/") + 1)),
    preAuthorizedApplications: ["*"],
    ...(requestedAccessTokenVersion !== undefined && { requestedAccessTokenVersion }),
  };
}

/** Returns an id that is always the same for a name. */
function idOf(name: string): string {
  const hex = createHash("sha256").update(`easy-auth-local ${name}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}
