import { type Certificate, readCertificate } from "./certificate.ts";
import type { Cloud } from "./cloud.ts";
import { GUID, textOf, type Variables } from "./values.ts";

/** The credential by which this app proves its identity to Entra. */
export type Credential =
  /** A user-assigned managed identity that the app registration trusts: no secret anywhere. */
  | { readonly kind: "managedIdentity"; readonly clientId: string; readonly audience: string }
  | { readonly kind: "certificate"; readonly certificate: Certificate }
  | { readonly kind: "secret"; readonly secret: string };

/** Names of the settings that hold a credential, the best first. The first and the last are Easy Auth's own. */
export const CREDENTIAL_SETTING_NAMES = [
  "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
  "CLIENT_CERTIFICATE_PEM",
  "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET",
] as const;

type CredentialSettingName = (typeof CREDENTIAL_SETTING_NAMES)[number];

/**
 * Returns the one credential that is set. Several are a problem: nobody could tell which is in use, and a replaced secret
 * would stay behind. Checks form only.
 */
export function readCredential(
  environment: Variables<CredentialSettingName>,
  cloud: Cloud,
  problems: string[],
): Credential {
  const credential = credentialOrProblem(environment, cloud);
  if (typeof credential !== "string") return credential;
  problems.push(credential);
  return { kind: "secret", secret: "" };
}

function credentialOrProblem(environment: Variables<CredentialSettingName>, cloud: Cloud): Credential | string {
  const present = CREDENTIAL_SETTING_NAMES.filter((name) => textOf(environment, name) !== "");
  const [name, ...others] = present;
  if (!name) {
    return (
      "No credential is set. Set OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID to the client id of a managed identity that the " +
      "API's app registration trusts, or CLIENT_CERTIFICATE_PEM, or MICROSOFT_PROVIDER_AUTHENTICATION_SECRET."
    );
  }
  if (others.length > 0) {
    return `${present.join(" and ")} are set. Keep one, best ${name}, and remove the others in the same change.`;
  }
  const credential = credentialIn(name, textOf(environment, name), cloud);
  return typeof credential === "string" ? `${name} ${credential}` : credential;
}

/** Reads a credential. For a bad one, returns what is wrong, in words that follow the setting's name. */
function credentialIn(name: CredentialSettingName, value: string, cloud: Cloud): Credential | string {
  const isGuid = GUID.test(value.toLowerCase());
  if (value.startsWith("@Microsoft.KeyVault(")) {
    return (
      "is a Key Vault reference that was not resolved. Give the app's identity the role Key Vault Secrets User, and " +
      "check the reference."
    );
  }
  if (name === "CLIENT_CERTIFICATE_PEM") {
    const certificate = readCertificate(value, Date.now());
    return typeof certificate === "string" ? certificate : { kind: "certificate", certificate };
  }
  if (name === "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET") {
    if (!isGuid) return { kind: "secret", secret: value };
    return "looks like the id of a client secret. Use the secret's value; it is shown once, when the secret is made.";
  }
  if (isGuid) return { kind: "managedIdentity", clientId: value.toLowerCase(), audience: cloud.tokenExchange };
  return (
    "is not a GUID. Use the client id of the user-assigned managed identity, not its object id and not the id of the " +
    "app registration."
  );
}
