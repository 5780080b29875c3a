metadata description = 'Consent for all users of the tenant: what the API may do on their behalf, and what the frontend may know when they sign in.'

extension microsoftGraphV1

@description('Object id of the service principal of Microsoft Graph.')
param graphId string

@description('Object id of the service principal of Azure Storage, or empty.')
param storageId string

@description('Object id of the service principal of the API.')
param apiId string

@description('Object id of the service principal of the frontend.')
param frontendId string

@description('Delegated permissions of Microsoft Graph for the API.')
param graphScopes string[]

@description('More services that the API calls: object id of the service principal, and scopes, of each.')
param services object[]

@description('Delegated permissions of Microsoft Graph for the frontend.')
param signInScopes string[]

resource apiToGraph 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = {
  clientId: apiId
  consentType: 'AllPrincipals'
  resourceId: graphId
  scope: join(graphScopes, ' ')
}

resource apiToStorage 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = if (!empty(storageId)) {
  clientId: apiId
  consentType: 'AllPrincipals'
  resourceId: storageId
  scope: 'user_impersonation'
}

resource apiToServices 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = [for service in services: {
  clientId: apiId
  consentType: 'AllPrincipals'
  resourceId: service.id
  scope: join(service.scopes, ' ')
}]

resource frontendToGraph 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = {
  clientId: frontendId
  consentType: 'AllPrincipals'
  resourceId: graphId
  scope: join(signInScopes, ' ')
}
