import { at, must, type Policy, type Resource, resourcesOf, type Snapshot } from "./snapshots.ts";

const STORAGE = "Microsoft.Storage/storageAccounts";
const ROLES = "Microsoft.Authorization/roleAssignments";
const REDIS = "Microsoft.Cache/redisEnterprise";
const ENDPOINTS = "Microsoft.Network/privateEndpoints";

/** Roles that reach data only. */
const ROLE_NAMES: Readonly<Record<string, string>> = {
  "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
  "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
  "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
};

/** A value that is a key, or a wildcard in place of a name. */
const SECRETS =
  /passwordCredentials|keyCredentials|\blist(?:Keys|AccountSas|ServiceSas|Secrets)\(|AccountKey=|MICROSOFT_PROVIDER_AUTHENTICATION_SECRET|CLIENT_CERTIFICATE_PEM|"\*"/i;

const isPrivate = ({ outputs }: Snapshot) => ["storage", "full"].includes(String(outputs.NETWORK_MODE));

/** Policies on who reaches data, from where, and how long it is kept. */
export const DATA_POLICIES: Readonly<Record<string, Policy>> = {
  "the storage account takes no key": must(STORAGE, /./, {
    "properties.allowSharedKeyAccess": false,
    "properties.defaultToOAuthAuthentication": true,
    "properties.isLocalUserEnabled": false,
  }),
  "the storage account shows nothing to strangers": must(STORAGE, /./, {
    "properties.allowBlobPublicAccess": false,
    "properties.allowCrossTenantReplication": false,
  }),
  "the package is nobody's to read": must(`${STORAGE}/blobServices/containers`, /./, {
    "properties.publicAccess": "None",
  }),
  "the storage account takes HTTPS and TLS 1.2 only": must(STORAGE, /./, {
    "properties.supportsHttpsTrafficOnly": true,
    "properties.minimumTlsVersion": /^TLS1_[23]$/,
  }),
  "the storage account is private where that is asked for": must(STORAGE, /./, {
    "properties.publicNetworkAccess": (snapshot: Snapshot) => (isPrivate(snapshot) ? "Disabled" : "Enabled"),
    "properties.networkAcls.defaultAction": (snapshot: Snapshot) => (isPrivate(snapshot) ? "Deny" : "Allow"),
    "properties.networkAcls.bypass": "None",
  }),
  "what is private has an endpoint in the network": {
    rule: (snapshot) => {
      const { NETWORK_MODE } = snapshot.outputs;
      const has = (type: string) => resourcesOf(snapshot, type).length > 0;
      const wanted = [
        ...(isPrivate(snapshot) ? ["blob"] : []),
        ...(isPrivate(snapshot) && rightsOf(snapshot).some((right) => right.includes("Table")) ? ["table"] : []),
        ...(isPrivate(snapshot) && has(REDIS) ? ["redisEnterprise"] : []),
        ...(NETWORK_MODE === "full" ? ["sites"] : []),
      ];
      const found = resourcesOf(snapshot, ENDPOINTS).flatMap(groupsOf);
      return found.join() === wanted.join() ? [] : [`endpoints: ${found}`];
    },
    faults: [
      { scenario: "network-full", type: ENDPOINTS, name: /^pe-api/, path: "type", value: "spoiled" },
      { scenario: "network-storage", type: ENDPOINTS, name: /^pe-tables/, path: "type", value: "spoiled" },
    ],
  },
  "deleted packages can be restored": must(`${STORAGE}/blobServices`, /./, {
    "properties.deleteRetentionPolicy.enabled": true,
  }),
  "the shared cache takes no key, and TLS only": must(
    `${REDIS}/databases`,
    /./,
    { "properties.accessKeysAuthentication": "Disabled", "properties.clientProtocol": "Encrypted" },
    "shared-cache-redis",
  ),
  "the shared cache takes TLS 1.2, and is private where storage is": must(
    REDIS,
    /./,
    {
      "properties.minimumTlsVersion": "1.2",
      "properties.publicNetworkAccess": (snapshot: Snapshot) => (isPrivate(snapshot) ? "Disabled" : "Enabled"),
    },
    "shared-cache-redis",
  ),
  "the shared cache is the API's alone": must(
    `${REDIS}/databases/accessPolicyAssignments`,
    /./,
    { "properties.user.objectId": /\/id-api-\w+', '[\d-]+'\)\.principalId\]$/ },
    "shared-cache-redis",
  ),
  "telemetry and logs take no key": must("Microsoft.Insights/components", /./, { "properties.DisableLocalAuth": true }),
  "logs take no key, and end: in days and in gigabytes": must("Microsoft.OperationalInsights/workspaces", /./, {
    "properties.features.disableLocalAuth": true,
    "properties.retentionInDays": 30,
    "properties.workspaceCapping.dailyQuotaGb": 1,
  }),
  "rights are to data, on one resource: telemetry and cache for the API, blobs for the platform": {
    rule: (snapshot) => {
      const found = rightsOf(snapshot).toSorted();
      if (snapshot.scenario === "registrations") return found;
      const hasTables = ["network-storage", "shared-cache-table"].includes(snapshot.scenario);
      const wanted = [
        "id-api: Monitoring Metrics Publisher on components as ServicePrincipal",
        ...(hasTables ? ["id-api: Storage Table Data Contributor on storageAccounts as ServicePrincipal"] : []),
        "id-host: Storage Blob Data Owner on storageAccounts as ServicePrincipal",
      ];
      return found.join() === wanted.join() ? [] : found;
    },
    faults: [
      { scenario: "default", type: ROLES, name: /storageAccounts/, path: "properties.principalId", value: "/id-api-x" },
      { scenario: "default", type: ROLES, name: /storageAccounts/, path: "properties.principalType", value: "User" },
      { scenario: "default", type: ROLES, name: /storageAccounts/, path: "properties.roleDefinitionId", value: "x" },
      { scenario: "default", type: ROLES, name: /components/, path: "id", value: "/subscriptions/x" },
    ],
  },
  "there is no secret, and nothing stands for everything": {
    rule: ({ resources, outputs }) => SECRETS.exec(JSON.stringify({ resources, outputs })) ?? [],
    faults: [
      {
        scenario: "default",
        type: STORAGE,
        name: /./,
        path: "tags.key",
        value: "[listKeys('storageAccounts', '2025-01-01').keys[0].value]",
      },
    ],
  },
  "alerts reach the operators": {
    rule: (snapshot) => {
      const rules = ["scheduledQueryRules", "metricAlerts"].flatMap((type) =>
        resourcesOf(snapshot, `Microsoft.Insights/${type}`),
      );
      if (snapshot.scenario !== "watched") return [];
      const silent = rules.filter(({ properties }) => !JSON.stringify(at(properties, "actions")).includes("/ag-"));
      return rules.length === 7 ? silent.map(({ name }) => `${name} reaches nobody`) : [`${rules.length} alert rules`];
    },
    faults: [
      {
        scenario: "watched",
        type: "Microsoft.Insights/metricAlerts",
        name: /./,
        path: "properties.actions",
        value: [],
      },
    ],
  },
  "every resource with a location has a tag with the environment's name": {
    rule: ({ resources }) =>
      resources
        .filter((resource) => resource.location !== undefined && at(resource, "tags.azd-env-name") !== "demo")
        .map(({ name }) => `${name} has no tag`),
    faults: [{ scenario: "default", type: STORAGE, name: /./, path: "tags", value: undefined }],
  },
  "no resource uses a preview version of its API if there is another": {
    rule: ({ resources }) =>
      resources
        .filter(
          ({ apiVersion, type }) =>
            /preview/.test(String(apiVersion)) && type !== "Microsoft.Insights/diagnosticSettings",
        )
        .map(({ name, apiVersion }) => `${name}: ${apiVersion}`),
    faults: [{ scenario: "default", type: STORAGE, name: /./, path: "apiVersion", value: "2026-06-01-preview" }],
  },
};

function groupsOf({ properties }: Resource): readonly string[] {
  const connections = at(properties, "privateLinkServiceConnections") as readonly Resource[];
  return connections.flatMap((connection) => at(connection, "properties.groupIds") as readonly string[]);
}

/** Role assignments in words: who, what, on what kind of resource. */
function rightsOf(snapshot: Snapshot): readonly string[] {
  return resourcesOf(snapshot, ROLES).map(({ id = "", properties }) => {
    const { principalId, principalType, roleDefinitionId } = properties as Record<string, string>;
    const who = /\/(id-\w+)-\w+/.exec(principalId ?? "")?.[1];
    const role = ROLE_NAMES[roleDefinitionId?.split("/").at(-1) ?? ""];
    const target = /^\[extensionResourceId\('[^']*\/(\w+)\/[^/']+',/.exec(id)?.[1];
    return `${who}: ${role} on ${target} as ${principalType}`;
  });
}
