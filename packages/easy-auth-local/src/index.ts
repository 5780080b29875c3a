export type {
  AppConfiguration,
  Configuration,
  Ports,
  RegistrationConfiguration,
  ServiceConfiguration,
} from "./configuration/configuration.ts";
export { ConfigurationError, readConfiguration } from "./configuration/read-configuration.ts";
export type { Account, Refusal } from "./directory/account.ts";
export { ACCOUNTS } from "./directory/accounts.ts";
export {
  API,
  AUTHORITY_ORIGIN,
  type Directory,
  FRONTEND,
  GRAPH_ORIGIN,
  MICROSOFT_GRAPH,
  OTHER_TENANT_ID,
  type Registration,
  TENANT_ID,
} from "./directory/directory.ts";
export type { AuthSettings } from "./easy-auth/auth-settings.ts";
export type { Fault, FaultRule, Service } from "./faults/fault.ts";
export type { HostLog } from "./functions-host/host-log.ts";
export { MISCONFIGURATIONS, type MisconfigurationName } from "./stack/misconfigurations.ts";
export { FREE_PORTS, type Stack, type StackOptions, startStack } from "./stack/stack.ts";
export { startTenantStack, type TenantStack, type TenantStackOptions } from "./stack/tenant-stack.ts";
export { SAMPLE_FILES, type StoredFile } from "./storage/sample-files.ts";
