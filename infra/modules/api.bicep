metadata description = 'The API: a Functions app on Flex Consumption. It refuses a number of properties that other plans take; see docs/decisions.'

@description('Name of the app, and so its host.')
param name string

@description('Name of its plan. A Flex Consumption plan holds one app.')
param planName string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Resource id of its identity, which its registration trusts and which sends its telemetry.')
param identityId string

@description('Client id of its identity.')
param identityClientId string

@description('Resource id of the identity of the platform, which reads and writes the package and the files of the host.')
param hostIdentityId string

@description('Client id of the identity of the platform.')
param hostIdentityClientId string

@description('Name of the storage account of the Functions host.')
param hostStorageName string

@description('Blob endpoint of that account.')
param blobEndpoint string

@description('Container of the deployment package.')
param packageContainer string

@description('Connection string of Application Insights. Not a secret: it admits nobody while local authentication is off.')
param insightsConnection string

@description('Resource id of the workspace for platform logs.')
param workspaceId string

@description('Major version of Node.js.')
param nodeVersion string

@description('Memory of one instance, in MB.')
param instanceMemoryMB int

@description('Maximum number of instances.')
param maximumInstanceCount int

@description('Instances that are always on.')
param alwaysReady int

@description('Origins whose pages may call the API from the browser.')
param corsOrigins string[]

@description('Subnet for outgoing traffic, or empty.')
param subnetId string

@description('Reachable through a private endpoint only.')
param isPrivate bool

@description('Identifier URI of the API, as audience of tokens.')
param audience string

@allowed(['global', 'usgov', 'china'])
@description('Cloud of Entra and Graph.')
param cloud string

@description('Settings of features that are off by default: the files route, the shared cache.')
param optionalSettings object

@minValue(1)
@maxValue(4096)
@description('Memory for cached tokens, in MB.')
param tokenCacheMB int = 128

@minValue(1)
@maxValue(1000)
@description('Maximum number of concurrent exchanges with Entra.')
param exchangeConcurrency int = 50

@minValue(100)
@maxValue(230000)
@description('Time-out of a request, in milliseconds.')
param requestTimeoutMs int = 10000

var settings = {
  // Both settings: with the endpoint alone the host can fail at its start (https://github.com/Azure/azure-functions-host/issues/11787),
  // and the name alone means the global cloud.
  AzureWebJobsStorage__accountName: hostStorageName
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: hostIdentityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnection
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
  WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
  API_AUDIENCES: audience
  CLOUD: cloud
  TOKEN_CACHE_MB: string(tokenCacheMB)
  EXCHANGE_CONCURRENCY: string(exchangeConcurrency)
  REQUEST_TIMEOUT_MS: string(requestTimeoutMs)
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'api' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
      '${hostIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientCertEnabled: false
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: hostIdentityId
          }
        }
      }
      runtime: {
        name: 'node'
        version: nodeVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady == 0 ? [] : [{ name: 'http', instanceCount: alwaysReady }]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      cors: {
        // A wildcard would admit every page of the internet.
        allowedOrigins: empty(filter(corsOrigins, origin => contains(origin, '*')))
          ? corsOrigins
          : fail('CORS_ORIGINS: name each origin, such as https://portal.contoso.com. * is refused.')
        supportCredentials: false
      }
    }
  }
}

// Configuration is written one after the other, since concurrent writes overwrite each other.
resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noBasicAuthentication 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
  dependsOn: [
    noFtp
  ]
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: site
  name: 'appsettings'
  properties: union(settings, optionalSettings)
  dependsOn: [
    noBasicAuthentication
  ]
}

// Categories are named because the others log users' addresses, names and queries.
#disable-next-line use-recent-api-versions // The only version with named categories.
resource platformLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: site
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
      {
        category: 'AppServiceAuthenticationLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

output id string = site.id
output name string = site.name
