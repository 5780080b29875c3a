metadata description = 'The registration that users sign in to. It refers to nothing of the API, so that the API can refer to it.'

extension microsoftGraphV1

@description('Key of the registration. It never changes, and stays reserved for 30 days after deletion unless purged.')
param uniqueName string

@description('Name that users and administrators see.')
param displayName string

@description('Redirect URIs.')
param redirectUris string[]

@description('Delegated permissions of Microsoft Graph that need consent.')
param graphScopes string[]

@description('The same permissions with their ids, as Microsoft Graph lists them.')
param graphPermissions object[]

@description('Only assigned users may sign in to the frontend. Other clients of the API are not covered.')
param requireUserAssignment bool

@description('Service management reference, or empty.')
param serviceManagementReference string

@description('Issuer of the tokens of the identity.')
param issuer string

@description('Principal id of the identity that signs in as this application.')
param identityPrincipalId string

@description('Audience of the tokens of the identity.')
param tokenExchangeAudience string

// A name unknown to Graph stops the deployment here: the filter finds nothing, so there is no index 0.
var graphAccess = {
  resourceAppId: '00000003-0000-0000-c000-000000000000'
  resourceAccess: map(graphScopes, name => {
    id: filter(graphPermissions, permission => permission.value == name)[0].id
    type: 'Scope'
  })
}

resource frontendApplication 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: displayName
  signInAudience: 'AzureADMyOrg'
  serviceManagementReference: empty(serviceManagementReference) ? null : serviceManagementReference
  web: {
    redirectUris: redirectUris
    implicitGrantSettings: {
      // Easy Auth signs in with the hybrid flow: code and id token.
      enableIdTokenIssuance: true
      enableAccessTokenIssuance: false
    }
  }
  requiredResourceAccess: [graphAccess]
}

resource frontendServicePrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: frontendApplication.appId
  appRoleAssignmentRequired: requireUserAssignment
  // This tag makes the portal list it as an enterprise application.
  tags: ['WindowsAzureActiveDirectoryIntegratedApp']
}

resource credential 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${frontendApplication.uniqueName}/managed-identity'
  description: 'The managed identity of the frontend, and nothing else.'
  issuer: issuer
  subject: identityPrincipalId
  audiences: [tokenExchangeAudience]
}

output clientId string = frontendApplication.appId
output servicePrincipalId string = frontendServicePrincipal.id
