metadata description = 'An Azure Managed Redis for the shared cache of tokens: TLS, Entra only, no keys. It holds nothing that a restart may not lose.'

@description('Name of the cache, and so its host.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Reachable through a private endpoint only.')
param isPrivate bool

@description('Principal id of the identity that reads and writes.')
param userPrincipalId string

resource cluster 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Balanced_B0'
  }
  properties: {
    minimumTlsVersion: '1.2'
    // One node: while it is down, every instance makes its own exchanges.
    highAvailability: 'Disabled'
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
  }
}

resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: cluster
  name: 'default'
  properties: {
    accessKeysAuthentication: 'Disabled'
    clientProtocol: 'Encrypted'
    // One address for all keys, so a plain client is enough.
    clusteringPolicy: 'EnterpriseCluster'
    // Every entry expires; when memory is short, the least recently used are evicted.
    evictionPolicy: 'VolatileLRU'
    port: 10000
  }
}

resource access 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'api'
  properties: {
    // No other policy exists.
    accessPolicyName: 'default'
    user: {
      objectId: userPrincipalId
    }
  }
}

output id string = cluster.id
output url string = 'rediss://${cluster.properties.hostName}:10000'
