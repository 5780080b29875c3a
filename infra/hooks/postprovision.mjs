// @ts-check
import { chmod, readFile, writeFile } from "node:fs/promises";
import { graphOrigin, runHook, tryAz } from "./azure-cli.mjs";

const LOCAL_SETTINGS = "local.settings.json";
const env = process.env;

/** Writes settings for this machine and names what an administrator still has to do, after everything was created. */
await runHook(async (say) => {
  if (!env.API_CLIENT_ID || !env.FRONTEND_CLIENT_ID) return askAdministrator(say);
  await writeLocalSettings(say);
  nameMissingConsent(say);
});

/** @param {(line: string) => void} say */
function askAdministrator(say) {
  const values = {
    environmentName: env.AZURE_ENV_NAME,
    apiName: env.API_NAME,
    frontendName: env.FRONTEND_NAME,
    frontendHost: new URL(env.FRONTEND_URL ?? "").host,
    apiPrincipalId: env.API_PRINCIPAL_ID,
    frontendPrincipalId: env.FRONTEND_PRINCIPAL_ID,
    ...chosen(),
  };
  say("The identities are there, the apps are not: their registrations are missing. Ask an administrator to run:");
  say("");
  say(`  az deployment group create --resource-group ${env.AZURE_RESOURCE_GROUP} --template-file infra/entra.bicep \\`);
  say(
    `    --parameters ${Object.entries(values)
      .map(([name, value]) => `${name}=${value}`)
      .join(" ")} \\`,
  );
  say("    --query properties.outputs");
  say("");
  say(
    "Any resource group of the tenant will do. The permissions are those of infra/graph-scopes.json and infra/other-scopes.json. Then, with what it prints:",
  );
  say("");
  say("  azd env set API_CLIENT_ID <apiClientId>");
  say("  azd env set FRONTEND_CLIENT_ID <frontendClientId>");
  say("  azd up");
}

/** Returns the values of this environment for parameters that the registrations share. */
function chosen() {
  const list = (/** @type {string | undefined} */ text = "") =>
    text === "" ? undefined : `'${JSON.stringify(text.split(",").map((entry) => entry.trim()))}'`;
  const values = {
    storageOnBehalfOf: env.STORAGE_ACCOUNT_URL ? "true" : undefined,
    extraClientIds: list(env.EXTRA_CLIENT_IDS),
    extraRedirectUris: list(env.EXTRA_REDIRECT_URIS),
    requireUserAssignment: env.REQUIRE_USER_ASSIGNMENT === "true" ? "true" : undefined,
    serviceManagementReference: env.SERVICE_MANAGEMENT_REFERENCE || undefined,
    grantAdminConsent: env.GRANT_ADMIN_CONSENT === "false" ? "false" : undefined,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/**
 * Writes settings for the local stack against this tenant. Keeps other settings of the file, and writes no secret.
 *
 * @param {(line: string) => void} say
 */
async function writeLocalSettings(say) {
  const current = JSON.parse(await readFile(LOCAL_SETTINGS, "utf8").catch(() => "{}"));
  const values = {
    FUNCTIONS_WORKER_RUNTIME: "node",
    WEBSITE_AUTH_CLIENT_ID: env.API_CLIENT_ID,
    WEBSITE_AUTH_OPENID_ISSUER: `${env.LOGIN_URL}/${env.AZURE_TENANT_ID}/v2.0`,
    WEBSITE_AUTH_AAD_ALLOWED_TENANTS: env.AZURE_TENANT_ID,
    API_AUDIENCES: env.API_IDENTIFIER_URI,
    CLOUD: env.CLOUD,
    FRONTEND_CLIENT_ID: env.FRONTEND_CLIENT_ID,
    API_SCOPE: `${env.API_IDENTIFIER_URI}/user_impersonation`,
  };
  const settings = { IsEncrypted: false, ...current, Values: { ...current.Values, ...values } };
  await writeFile(LOCAL_SETTINGS, `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 });
  // The mode above applies to a new file only.
  await chmod(LOCAL_SETTINGS, 0o600);
  say(`Wrote ${LOCAL_SETTINGS} for the local stack against this tenant. It has no credential: see docs/deploy.md.`);
}

/** @param {(line: string) => void} say */
function nameMissingConsent(say) {
  const wanted = (env.GRAPH_SCOPE_URIS ?? "").split(" ").map((uri) => uri.split("/").at(-1) ?? "");
  const id = tryAz("ad", "sp", "show", "--id", env.API_CLIENT_ID ?? "", "--query", "id");
  const url = `${graphOrigin()}/v1.0/servicePrincipals/${id}/oauth2PermissionGrants`;
  const query = "value[?consentType=='AllPrincipals'].scope";
  const granted = id && tryAz("rest", "--method", "get", "--url", url, "--query", query);
  if (!granted)
    return say("Could not read which permissions are granted. Whether consent is missing shows at the first request.");
  const given = new Set(granted.join(" ").split(" "));
  const missing = wanted.filter((scope) => !given.has(scope));
  if (missing.length === 0) return say("Consent is complete.");
  say(
    `Consent is missing for: ${missing.join(", ")}. Every user is answered consent_required until an administrator grants it:`,
  );
  say(`  az ad app permission admin-consent --id ${env.API_CLIENT_ID}`);
  say(
    `  or: ${portalUrl()}#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/CallAnAPI/appId/${env.API_CLIENT_ID}`,
  );
}

/** Returns the portal's URL. Entra's own consent page would end in an error: the registration has no redirect URI. */
function portalUrl() {
  const portals = new Map([
    ["usgov", "https://portal.azure.us/"],
    ["china", "https://portal.azure.cn/"],
  ]);
  return portals.get(env.CLOUD ?? "") ?? "https://portal.azure.com/";
}
