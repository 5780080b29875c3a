// @ts-check
import { az, graphOrigin, HookError, runHook, tryAz } from "./azure-cli.mjs";

/**
 * Resource providers that the deployment needs. No template names Microsoft.App, but Flex Consumption runs on it;
 * without it the deployment ends in an internal error.
 */
const PROVIDERS = [
  "Microsoft.App",
  "Microsoft.Insights",
  "Microsoft.ManagedIdentity",
  "Microsoft.OperationalInsights",
  "Microsoft.Storage",
  "Microsoft.Web",
];

/** Template ids, the same in every tenant, of Entra's built-in roles that may consent for all users. */
const CONSENT_ROLES = new Set([
  "62e90394-69f5-4237-9190-012177145e10", // Global Administrator
  "158c047a-c907-4556-b7ef-446551a6b5f7", // Cloud Application Administrator
  "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", // Application Administrator
  "e8611ab8-c189-46e8-94e1-60213ab1f814", // Privileged Role Administrator
]);

const OLDEST_NODE = [20, 19];

/** Checks, before anything is created, what would otherwise fail later or half-way. */
await runHook((say) => {
  checkNode();
  checkLogin();
  checkOrigins();
  registerProviders(say);
  checkRegion();
  warnAboutAzureRoles(say);
  warnAboutConsent(say);
  say("Checks before provisioning passed.");
});

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new HookError(`Node ${process.versions.node} is too old. Install Node ${OLDEST_NODE.join(".")} or newer.`);
}

/** Checks that azd and the Azure CLI, which sign in separately, use the same subscription: the hooks work with the CLI. */
function checkLogin() {
  const account = tryAz("account", "show");
  if (!account) {
    az("--version");
    throw new HookError("The Azure CLI is not signed in. Run: az login");
  }
  const { AZURE_SUBSCRIPTION_ID: subscription, AZURE_TENANT_ID: tenant } = process.env;
  if (tenant && account.tenantId !== tenant) {
    throw new HookError(
      `The Azure CLI is signed in to tenant ${account.tenantId}, azd to ${tenant}. Run: az login --tenant ${tenant}`,
    );
  }
  if (subscription && account.id !== subscription) {
    throw new HookError(
      `The Azure CLI works in subscription ${account.id}, azd in ${subscription}. Run: az account set --subscription ${subscription}`,
    );
  }
}

function checkOrigins() {
  if (!(process.env.CORS_ORIGINS ?? "").includes("*")) return;
  throw new HookError(
    "CORS_ORIGINS must not hold *: every page of the internet could call the API. Name each origin: azd env set CORS_ORIGINS https://portal.contoso.com",
  );
}

/** @param {(line: string) => void} say */
function registerProviders(say) {
  const listed = tryAz("provider", "list", "--query", "[?registrationState=='Registered'].namespace") ?? [];
  const registered = new Set(listed.map((/** @type {string} */ name) => name.toLowerCase()));
  const wanted = process.env.SHARED_CACHE === "redis" ? [...PROVIDERS, "Microsoft.Cache"] : PROVIDERS;
  for (const provider of wanted.filter((name) => !registered.has(name.toLowerCase()))) {
    say(`Registering ${provider}, which takes a few minutes…`);
    az("provider", "register", "--namespace", provider, "--wait");
  }
}

function checkRegion() {
  const region = normalize(process.env.AZURE_LOCATION ?? "");
  const version = process.env.APP_NODE_VERSION || "22";
  const regions = tryAz("functionapp", "list-flexconsumption-locations", "--query", "[].name");
  if (regions && !regions.map(normalize).includes(region)) {
    throw new HookError(
      `Flex Consumption is not offered in ${region}. See: az functionapp list-flexconsumption-locations. Then: azd env set AZURE_LOCATION <region>`,
    );
  }
  const args = ["--location", region, "--runtime", "node", "--query", "[].version"];
  const versions = tryAz("functionapp", "list-flexconsumption-runtimes", ...args);
  if (versions && !versions.map(String).includes(version)) {
    throw new HookError(
      `Flex Consumption in ${region} has no Node ${version}, but ${versions.join(", ")}. Then: azd env set APP_NODE_VERSION <version>`,
    );
  }
}

/** @param {string} region */
function normalize(region) {
  return region.toLowerCase().replaceAll(" ", "");
}

/**
 * Warns only, since rights can come from groups and custom roles that this list does not show.
 *
 * @param {(line: string) => void} say
 */
function warnAboutAzureRoles(say) {
  const me = tryAz("ad", "signed-in-user", "show", "--query", "id");
  const subscription = process.env.AZURE_SUBSCRIPTION_ID;
  if (!me || !subscription) return;
  const scope = ["--scope", `/subscriptions/${subscription}`, "--include-inherited", "--include-groups"];
  const found = tryAz("role", "assignment", "list", "--assignee", me, ...scope, "--query", "[].roleDefinitionName");
  const roles = new Set(found ?? ["Owner"]);
  const mayAssign = roles.has("User Access Administrator") || roles.has("Role Based Access Control Administrator");
  if (roles.has("Owner") || (roles.has("Contributor") && mayAssign)) return;
  say(
    "Warning: you seem to lack rights in the subscription. Needed: Owner, or Contributor and Role Based Access Control Administrator.",
  );
}

/** @param {(line: string) => void} say */
function warnAboutConsent(say) {
  const { CREATE_ENTRA_APPS, GRANT_ADMIN_CONSENT } = process.env;
  if (CREATE_ENTRA_APPS === "false" || GRANT_ADMIN_CONSENT === "false") return;
  const url = `${graphOrigin()}/v1.0/me/transitiveMemberOf/microsoft.graph.directoryRole`;
  const roles = tryAz("rest", "--method", "get", "--url", url, "--query", "value[].roleTemplateId");
  if (!roles || roles.some((/** @type {string} */ id) => CONSENT_ROLES.has(id))) return;
  say("Warning: you seem to lack the role to consent for all users (Cloud Application Administrator).");
  say("  Leave consent to an administrator:          azd env set GRANT_ADMIN_CONSENT false");
  say("  Leave both registrations to an administrator: azd env set CREATE_ENTRA_APPS false");
}
