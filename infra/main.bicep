metadata description = 'Both apps in a resource group of their own: what azd up deploys. Lists are text with commas, because azd passes text.'

targetScope = 'subscription'

@minLength(1)
@maxLength(32)
@description('Name of this environment. Part of every name, so that several environments can share a tenant.')
param environmentName string

@minLength(1)
@description('Region of all resources. It must offer Flex Consumption: az functionapp list-flexconsumption-locations.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Name of the resource group to create. Empty: rg- and the name of the environment.')
param resourceGroupName string = ''

@description('Create both app registrations. Off: an administrator deploys entra.bicep and gives you the two client ids.')
param createEntraApps bool = true

@description('Grant the delegated permissions for all users of the tenant. Needs the role Cloud Application Administrator.')
param grantAdminConsent bool = true

@description('Client id of the API registration. Only when createEntraApps is off.')
param apiClientId string = ''

@description('Client id of the frontend registration. Only when createEntraApps is off.')
param frontendClientId string = ''

@description('Client ids of more clients that may call the API, separated by commas.')
param extraClientIds string = ''

@description('More redirect URIs of the frontend, separated by commas, for own domains: https://<host>/.auth/login/aad/callback.')
param extraRedirectUris string = ''

@description('Only users who are assigned to the frontend may sign in there. Other clients of the API are not covered.')
param requireUserAssignment bool = false

@description('Service management reference of both registrations. Some tenants demand one.')
param serviceManagementReference string = ''

@description('Origins whose pages may call the API from the browser, separated by commas, never *. The frontend calls from its server and needs none.')
param corsOrigins string = ''

@description('Blob endpoint of an account whose files users read as themselves. Empty: that route is off.')
param storageAccountUrl string = ''

@description('Container of the files that users read.')
param storageContainer string = ''

@description('Address of that account in links, if callers reach it at another one, such as a custom domain. Empty: the endpoint.')
param storagePublicUrl string = ''

@allowed(['NoProxy', 'Standard', 'Custom'])
@description('Headers in which a proxy before the frontend passes on the host and scheme that the browser used. Standard: X-Forwarded-Host and -Proto, as Front Door sends. Custom: another header for the host, as Application Gateway sends.')
param forwardProxy string = 'NoProxy'

@description('Header for the host, if forwardProxy is Custom.')
param forwardProxyHostHeader string = 'X-Original-Host'

@allowed(['none', 'table', 'redis'])
@description('Cache of tokens that all instances of the API share. table: in the storage account. redis: an Azure Managed Redis, which costs money while idle.')
param sharedCache string = 'none'

@allowed(['22', '24'])
@description('Major version of Node.js for both apps.')
param nodeVersion string = '22'

@allowed(['none', 'storage', 'full'])
@description('none: public endpoints. storage: the storage account is private. full: the API is private too.')
param networkMode string = 'none'

@allowed([512, 2048, 4096])
@description('Memory of one instance of the API, in MB.')
param instanceMemoryMB int = 2048

@minValue(40)
@maxValue(1000)
@description('Maximum number of instances of the API.')
param maximumInstanceCount int = 100

@minValue(0)
@maxValue(20)
@description('Instances of the API that are always on. They cost money while idle; 0 means cold starts.')
param alwaysReady int = 0

@allowed(['B1', 'B2', 'B3', 'S1', 'P0v3', 'P1v3'])
@description('Size of the frontend plan.')
param frontendSku string = 'B1'

@minValue(30)
@maxValue(730)
@description('Days that logs are kept.')
param logRetentionDays int = 30

@minValue(1)
@description('Maximum log data per day, in GB. Anything beyond it is dropped until the next day.')
param logDailyQuotaGb int = 1

@description('Create alert rules, and a test of /api/health from several regions where the API is public.')
param alerts bool = false

@description('Address that alerts and budget warnings go to.')
param alertEmail string = ''

@minValue(0)
@description('Monthly budget of the resource group, in the currency of the subscription. 0: none.')
param budget int = 0

@description('First day of the budget, yyyy-MM-01. Kept from the first deployment; empty means this month.')
param budgetStartDate string = ''

@description('Name of the Azure cloud. Leave at its default; only snapshots of the deployment set it.')
param cloudName string = environment().name

@description('Tags of all resources.')
param tags object = {}

var groupTags = union(tags, { 'azd-env-name': environmentName })

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
  location: location
  tags: groupTags
}

module resources 'resources.bicep' = {
  name: 'on-behalf-of'
  scope: group
  params: {
    environmentName: environmentName
    location: location
    createEntraApps: createEntraApps
    grantAdminConsent: grantAdminConsent
    apiClientId: apiClientId
    frontendClientId: frontendClientId
    extraClientIds: empty(extraClientIds) ? [] : map(split(extraClientIds, ','), entry => trim(entry))
    extraRedirectUris: empty(extraRedirectUris) ? [] : map(split(extraRedirectUris, ','), entry => trim(entry))
    requireUserAssignment: requireUserAssignment
    serviceManagementReference: serviceManagementReference
    corsOrigins: empty(corsOrigins) ? [] : map(split(corsOrigins, ','), entry => trim(entry))
    storageAccountUrl: storageAccountUrl
    storageContainer: storageContainer
    storagePublicUrl: storagePublicUrl
    forwardProxy: forwardProxy
    forwardProxyHostHeader: forwardProxyHostHeader
    sharedCache: sharedCache
    nodeVersion: nodeVersion
    networkMode: networkMode
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReady
    frontendSku: frontendSku
    logRetentionDays: logRetentionDays
    logDailyQuotaGb: logDailyQuotaGb
    alerts: alerts
    alertEmail: alertEmail
    budget: budget
    budgetStartDate: budgetStartDate
    cloudName: cloudName
    tags: groupTags
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId
output API_URL string = resources.outputs.apiUrl
output FRONTEND_URL string = resources.outputs.frontendUrl
output API_CLIENT_ID string = resources.outputs.apiClientId
output FRONTEND_CLIENT_ID string = resources.outputs.frontendClientId
output API_IDENTIFIER_URI string = resources.outputs.apiIdentifierUri
output API_NAME string = resources.outputs.apiName
output FRONTEND_NAME string = resources.outputs.frontendName
output API_PRINCIPAL_ID string = resources.outputs.apiPrincipalId
output FRONTEND_PRINCIPAL_ID string = resources.outputs.frontendPrincipalId
output GRAPH_SCOPE_URIS string = resources.outputs.graphScopeUris
output LOGIN_URL string = resources.outputs.loginUrl
output CLOUD string = resources.outputs.cloud
output NETWORK_MODE string = networkMode
output BUDGET_START_DATE string = resources.outputs.budgetStartDate
