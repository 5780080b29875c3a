metadata description = 'The frontend: an App Service app on Linux. It signs users in and passes their tokens on; it has no rights of its own in Azure.'

@description('Name of the app, and so its host.')
param name string

@description('Name of its plan.')
param planName string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Size of its plan.')
param sku string

@description('Resource id of its identity.')
param identityId string

@description('Client id of its identity.')
param identityClientId string

@description('Resource id of the workspace for logs.')
param workspaceId string

@description('Major version of Node.js.')
param nodeVersion string

@description('Subnet for outgoing traffic, or empty.')
param subnetId string

@description('Origin of the API.')
param backendUrl string

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'linux'
  sku: {
    name: sku
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'frontend' })
  kind: 'app,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    clientCertEnabled: false
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      linuxFxVersion: 'NODE|${nodeVersion}-lts'
      // Not `npm start`: npm does not pass the stop signal on.
      appCommandLine: 'node main.mjs'
      alwaysOn: true
      healthCheckPath: '/health'
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      remoteDebuggingEnabled: false
      webSocketsEnabled: false
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
  properties: {
    BACKEND_URL: backendUrl
    OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: identityClientId
    SCM_DO_BUILD_DURING_DEPLOYMENT: 'false'
    WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant().tenantId
  }
  dependsOn: [
    noBasicAuthentication
  ]
}

// Each slot has its own identity, so a swap must not move the setting that names it.
resource slotSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: site
  name: 'slotConfigNames'
  properties: {
    appSettingNames: ['OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID']
  }
  dependsOn: [
    appSettings
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
        category: 'AppServiceConsoleLogs'
        enabled: true
      }
      {
        category: 'AppServicePlatformLogs'
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

output name string = site.name
