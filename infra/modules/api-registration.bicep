metadata description = 'The registration of the API: one scope, no redirect URI, nobody signs in to it. Known clients need no consent for the scope.'

extension microsoftGraphV1

@description('Key of the registration. It never changes, and stays reserved for 30 days after deletion unless purged.')
param uniqueName string

@description('Name that users and administrators see.')
param displayName string

@description('Identifier URI. It contains the tenant id, since policies on identifier URIs allow that form.')
param identifierUri string

@description('Delegated permissions of Microsoft Graph that need consent.')
param graphScopes string[]

@description('The same permissions with their ids, as Microsoft Graph lists them.')
param graphPermissions object[]

@description('Permissions of other services.')
param otherAccess object[]

@description('More services: app id, scopes, and all permissions of each as it lists them.')
param services object[]

@description('Clients that get the scope without consent.')
param clientIds string[]

@description('Service management reference, or empty.')
param serviceManagementReference string

@description('Issuer of the tokens of the identity.')
param issuer string

@description('Principal id of the identity that exchanges as this application.')
param identityPrincipalId string

@description('Audience of the tokens of the identity.')
param tokenExchangeAudience string

// This id never changes: Entra refuses to remove an enabled scope.
var scopeId = guid(uniqueName, 'user_impersonation')

// A name unknown to Graph stops the deployment here: the filter finds nothing, so there is no index 0.
var graphAccess = {
  resourceAppId: '00000003-0000-0000-c000-000000000000'
  resourceAccess: map(graphScopes, name => {
    id: filter(graphPermissions, permission => permission.value == name)[0].id
    type: 'Scope'
  })
}

var servicesAccess = map(services, service => {
  resourceAppId: service.appId
  resourceAccess: map(service.scopes, name => {
    id: filter(service.permissions, permission => permission.value == name)[0].id
    type: 'Scope'
  })
})

resource apiApplication 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  serviceManagementReference: empty(serviceManagementReference) ? null : serviceManagementReference
  identifierUris: [identifierUri]
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: scopeId
        value: 'user_impersonation'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Call the API as the user'
        adminConsentDescription: 'Lets the app call this API on behalf of the signed-in user.'
        userConsentDisplayName: 'Call the API as you'
        userConsentDescription: 'Lets the app call this API on your behalf.'
      }
    ]
    preAuthorizedApplications: map(clientIds, clientId => {
      appId: clientId
      delegatedPermissionIds: [scopeId]
    })
    // Without an administrator's consent, users can consent to client and API at once.
    knownClientApplications: clientIds
  }
  requiredResourceAccess: concat([graphAccess], otherAccess, servicesAccess)
  // Tells endpoints that ask for an authentication context which ones the sign-in satisfied.
  optionalClaims: {
    accessToken: [
      {
        name: 'acrs'
      }
    ]
  }
}

resource apiServicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: apiApplication.appId
  // This tag makes the portal list it as an enterprise application.
  tags: ['WindowsAzureActiveDirectoryIntegratedApp']
}

resource credential 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${apiApplication.uniqueName}/managed-identity'
  description: 'The managed identity of the API, and nothing else.'
  issuer: issuer
  subject: identityPrincipalId
  audiences: [tokenExchangeAudience]
}

output clientId string = apiApplication.appId
output servicePrincipalId string = apiServicePrincipal.id
