metadata description = 'The registration of the API: one scope, no redirect URI, nobody signs in to it. Known clients need no consent for the scope.'

extension microsoftGraphV1

@description('Key of the registration. Never changes, and stays taken for 30 days after deletion unless purged.')
param uniqueName string

@description('Name that users and administrators see.')
param displayName string

@description('What clients ask for. With the tenant id in it: policies on identifier URIs allow that form.')
param identifierUri string

@description('Delegated permissions of Microsoft Graph that it asks consent for.')
param graphScopes string[]

@description('Those permissions as Graph describes them, for their ids.')
param graphPermissions object[]

@description('Permissions of other services.')
param otherAccess object[]

@description('Clients that may ask for the scope without consent.')
param clientIds string[]

@description('Service management reference, or empty.')
param serviceManagementReference string

@description('Issuer of the tokens of the identity.')
param issuer string

@description('Principal id of the identity that exchanges as this application.')
param identityPrincipalId string

@description('Audience of the tokens of the identity.')
param tokenExchangeAudience string

// Never changes: Entra refuses to remove a scope that is enabled.
var scopeId = guid(uniqueName, 'user_impersonation')

// A name that Graph does not know ends the deployment here, at index 0 of nothing.
var graphAccess = {
  resourceAppId: '00000003-0000-0000-c000-000000000000'
  resourceAccess: map(graphScopes, name => {
    id: filter(graphPermissions, permission => permission.value == name)[0].id
    type: 'Scope'
  })
}

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
    // Where no administrator consents, users can consent to client and API at once.
    knownClientApplications: clientIds
  }
  requiredResourceAccess: concat([graphAccess], otherAccess)
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
  // What the portal lists as an enterprise application.
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
