import { type Certificate, readCertificate } from "./certificate.ts";
import type { Cloud } from "./cloud.ts";
import { GUID } from "./problems.ts";

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
type CredentialEnvironment = Readonly<Partial<Record<CredentialSettingName, string>>>;

const NO_CREDENTIAL: Credential = { kind: "secret", secret: "" };

/**
 * Returns the one credential that is set. Several are a problem: nobody could tell which is in use, and a replaced secret
 * would stay behind. Checks form only.
 */
export function readCredential(environment: CredentialEnvironment, cloud: Cloud, problems: string[]): Credential {
  const present = CREDENTIAL_SETTING_NAMES.filter((name) => textOf(environment, name) !== "");
  const [name, ...others] = present;
  if (!name) {
    problems.push(
      "No credential is set. Set OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID to the client id of a managed identity that the " +
        "API's app registration trusts, or CLIENT_CERTIFICATE_PEM, or MICROSOFT_PROVIDER_AUTHENTICATION_SECRET.",
    );
    return NO_CREDENTIAL;
  }
  if (others.length > 0) {
    problems.push(
      `${present.join(" and ")} are set. Keep one, best ${name}, and remove the others in the same change.`,
    );
    return NO_CREDENTIAL;
  }
  const value = textOf(environment, name);
  if (value.startsWith("@Microsoft.KeyVault(")) {
    problems.push(
      `${name} is a Key Vault reference that was not resolved. Give the app's identity the role Key Vault Secrets User, ` +
        "and check the reference.",
    );
    return NO_CREDENTIAL;
  }
  return READERS[name](value, cloud, problems);
}

type Reader = (value: string, cloud: Cloud, problems: string[]) => Credential;

const READERS: Readonly<Record<CredentialSettingName, Reader>> = {
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: (value, { tokenExchangeAudience }, problems) => {
    const clientId = value.toLowerCase();
    if (!GUID.test(clientId)) {
      problems.push(
        "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID is not a GUID. Use the client id of the user-assigned managed identity, " +
          "not its object id and not the id of the app registration.",
      );
    }
    return { kind: "managedIdentity", clientId, audience: tokenExchangeAudience };
  },
  CLIENT_CERTIFICATE_PEM: (value, _, problems) => {
    const certificate = readCertificate(value, Date.now());
    if (typeof certificate !== "string") return { kind: "certificate", certificate };
    problems.push(`CLIENT_CERTIFICATE_PEM ${certificate}`);
    return NO_CREDENTIAL;
  },
  MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: (secret, _, problems) => {
    if (GUID.test(secret.toLowerCase())) {
      problems.push(
        "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET looks like the id of a client secret. Use the secret's value; it is " +
          "shown once, when the secret is made.",
      );
    }
    return { kind: "secret", secret };
  },
};

function textOf(environment: CredentialEnvironment, name: CredentialSettingName): string {
  return (environment[name] ?? "").trim();
}
