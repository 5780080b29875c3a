import { textAt, unquote } from "./bicep.ts";
import { absent, must, not, ofType } from "./checks.ts";
import { bodiesOf, type Infra } from "./infra.ts";
import type { Body } from "./schema.ts";
import { each, type Rule } from "./structure-rules.ts";

/** Roles that reach data only. */
const DATA_ROLES = new Set([
  "3913510d-42f4-4e42-8a64-420c390055eb", // Monitoring Metrics Publisher
  "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", // Storage Blob Data Owner
]);

/** Who reaches data, and what may not be in any file. */
export const DATA_RULES = {
  "nothing stands for everything": (infra) =>
    each(infra, (file) => [...file.text.matchAll(/'\*'|'\.\*'/g)].map(([text]) => `${file.path}: ${text}`)),
  "there is no secret": (infra) =>
    each(infra, (file) =>
      [
        ...file.text.matchAll(
          /passwordCredentials|keyCredentials|\blist(?:Keys|AccountSas|ServiceSas|Secrets)\b|AccountKey=|@secure|MICROSOFT_PROVIDER_AUTHENTICATION_SECRET|CLIENT_CERTIFICATE_PEM/gi,
        ),
      ].map(([text]) => `${file.path}: ${text}`),
    ),
  "the storage account takes no key": (infra) =>
    storage(infra, {
      allowSharedKeyAccess: "false",
      defaultToOAuthAuthentication: "true",
      isLocalUserEnabled: "false",
    }),
  "the storage account shows nothing to strangers": (infra) =>
    storage(infra, { allowBlobPublicAccess: "false", allowCrossTenantReplication: "false" }).concat(
      ofType(infra, "Microsoft.Storage/storageAccounts/blobServices/containers").flatMap((one) =>
        not(one, "properties.publicAccess", "'None'"),
      ),
    ),
  "the storage account takes HTTPS and TLS 1.2 only": (infra) =>
    storage(infra, { supportsHttpsTrafficOnly: "true", minimumTlsVersion: "'TLS1_2'" }),
  "the storage account says who reaches it": (infra) =>
    storage(infra, {
      publicNetworkAccess: "isPrivate ? 'Disabled' : 'Enabled'",
      "networkAcls.defaultAction": "isPrivate ? 'Deny' : 'Allow'",
      "networkAcls.bypass": "'None'",
    }),
  "deleted packages can be restored": must(
    (infra) => ofType(infra, "Microsoft.Storage/storageAccounts/blobServices"),
    "properties.deleteRetentionPolicy.enabled",
    "true",
  ),
  "telemetry takes no key": must(
    (infra) => ofType(infra, "Microsoft.Insights/components"),
    "properties.DisableLocalAuth",
    "true",
  ),
  "logs take no key": must(
    (infra) => ofType(infra, "Microsoft.OperationalInsights/workspaces"),
    "properties.features.disableLocalAuth",
    "true",
  ),
  "logs end: in days and in gigabytes": (infra) =>
    ofType(infra, "Microsoft.OperationalInsights/workspaces").flatMap((one) => [
      ...not(one, "properties.retentionInDays", "retentionDays"),
      ...not(one, "properties.workspaceCapping.dailyQuotaGb", "dailyQuotaGb"),
    ]),
  "roles reach data only, on one resource": (infra) =>
    ofType(infra, "Microsoft.Authorization/roleAssignments").flatMap((role) => {
      const used =
        /'Microsoft\.Authorization\/roleDefinitions', (\w+)\)/.exec(
          textAt(role.body, "properties.roleDefinitionId") ?? "",
        )?.[1] ?? "";
      const id = unquote(role.file.variables.get(used)?.text ?? "");
      return [
        ...(DATA_ROLES.has(id) ? [] : [`${role.file.path}: ${role.name} is no known data role`]),
        ...not(role, "scope", ...role.file.resources.map(({ name }) => name)),
        ...not(role, "properties.principalType", "'ServicePrincipal'"),
        ...(textAt(role.body, "name")?.startsWith("guid(")
          ? []
          : [`${role.file.path}: ${role.name} has no lasting name`]),
      ];
    }),
  "everything that can be tagged is": (infra) =>
    bodiesOf(infra.files)
      .filter(({ isExisting, type }) => !isExisting && !type.startsWith("Microsoft.Graph/"))
      .flatMap((body) => (taggable(infra, body) ? absent(body, "tags") : [])),
} satisfies Record<string, Rule>;

function storage(infra: Infra, wanted: Record<string, string>): string[] {
  const accounts = ofType(infra, "Microsoft.Storage/storageAccounts");
  return accounts.flatMap((account) =>
    Object.entries(wanted).flatMap(([name, value]) => not(account, `properties.${name}`, value)),
  );
}

function taggable(infra: Infra, body: Body): boolean {
  return (infra.schema.resources[body.type] ?? []).some((type) => infra.schema.types[type]?.tags);
}
