metadata description = 'Everything in Microsoft Entra ID: both registrations with their service principals, trust in the identities, consent. Called by resources.bicep, or deployed alone by an administrator: it reads nothing of the resource group it runs in.'

extension microsoftGraphV1

@minLength(1)
@maxLength(32)
@description('Name of the environment, for display names.')
param environmentName string

@description('Name of the API app. Key of its registration, and part of its identifier URI.')
param apiName string

@description('Name of the frontend app. Key of its registration.')
param frontendName string

@description('Host name of the frontend, for its redirect URI.')
param frontendHost string

@description('Principal id of the identity of the API. Exchanges are made with it instead of a secret.')
param apiPrincipalId string

@description('Principal id of the identity of the frontend. Users are signed in with it instead of a secret.')
param frontendPrincipalId string

@description('Client ids of more clients that may call the API.')
param extraClientIds string[] = []

@description('More redirect URIs of the frontend, for own domains.')
param extraRedirectUris string[] = []

@description('The API also calls Azure Storage on behalf of the user.')
param storageOnBehalfOf bool = false

@description('Only users who are assigned to the frontend may sign in there. Other clients of the API are not covered.')
param requireUserAssignment bool = false

@description('Service management reference of both registrations. Some tenants demand one.')
param serviceManagementReference string = ''

@description('Name of the Azure cloud. Leave at its default; only snapshots of the deployment set it.')
param cloudName string = environment().name

@description('Grant the delegated permissions for all users of the tenant. Needs the role Cloud Application Administrator.')
param grantAdminConsent bool = true

var cloud = loadJsonContent('clouds.json')[cloudName]
var issuer = '${cloud.login}/${tenant().tenantId}/v2.0'
// Delegated permissions of Microsoft Graph that the API uses.
var graphScopes = loadJsonContent('graph-scopes.json')
// Delegated permissions of other services: scopes by the service's app id.
var otherScopes = items(loadJsonContent('other-scopes.json'))
var signInScopes = ['openid', 'profile', 'email', 'offline_access']

// The same in every tenant.
var graphAppId = '00000003-0000-0000-c000-000000000000'
var storageAppId = 'e406a681-f3d4-42a8-90b6-c2b029497af1'

resource graph 'Microsoft.Graph/servicePrincipals@v1.0' existing = {
  appId: graphAppId
}

resource azureStorage 'Microsoft.Graph/servicePrincipals@v1.0' existing = if (storageOnBehalfOf) {
  appId: storageAppId
}

resource services 'Microsoft.Graph/servicePrincipals@v1.0' existing = [for service in otherScopes: {
  appId: service.key
}]

var storageAccess = {
  resourceAppId: storageAppId
  resourceAccess: [
    {
      // user_impersonation
      id: '03e0da56-190b-40ad-a80c-ea378c433f7f'
      type: 'Scope'
    }
  ]
}

module frontendRegistration 'modules/frontend-registration.bicep' = {
  name: 'frontend-registration'
  params: {
    uniqueName: frontendName
    displayName: 'Frontend (${environmentName})'
    redirectUris: union(['https://${frontendHost}/.auth/login/aad/callback'], extraRedirectUris)
    graphScopes: signInScopes
    graphPermissions: filter(graph.oauth2PermissionScopes, permission => contains(signInScopes, permission.value))
    requireUserAssignment: requireUserAssignment
    serviceManagementReference: serviceManagementReference
    issuer: issuer
    identityPrincipalId: frontendPrincipalId
    tokenExchangeAudience: cloud.tokenExchange
  }
}

module apiRegistration 'modules/api-registration.bicep' = {
  name: 'api-registration'
  params: {
    uniqueName: apiName
    displayName: 'API on behalf of the user (${environmentName})'
    identifierUri: 'api://${tenant().tenantId}/${apiName}'
    graphScopes: graphScopes
    graphPermissions: filter(graph.oauth2PermissionScopes, permission => contains(graphScopes, permission.value))
    otherAccess: storageOnBehalfOf ? [storageAccess] : []
    services: [for (service, index) in otherScopes: {
      appId: service.key
      scopes: map(service.value, scope => last(split(scope, '/')))
      permissions: services[index].oauth2PermissionScopes
    }]
    clientIds: union([frontendRegistration.outputs.clientId], extraClientIds)
    serviceManagementReference: serviceManagementReference
    issuer: issuer
    identityPrincipalId: apiPrincipalId
    tokenExchangeAudience: cloud.tokenExchange
  }
}

module consent 'modules/consent.bicep' = if (grantAdminConsent) {
  name: 'consent'
  params: {
    graphId: graph.id
    storageId: storageOnBehalfOf ? azureStorage!.id : ''
    apiId: apiRegistration.outputs.servicePrincipalId
    frontendId: frontendRegistration.outputs.servicePrincipalId
    graphScopes: graphScopes
    services: [for (service, index) in otherScopes: {
      id: services[index].id
      scopes: map(service.value, scope => last(split(scope, '/')))
    }]
    signInScopes: signInScopes
  }
}

output apiClientId string = apiRegistration.outputs.clientId
output frontendClientId string = frontendRegistration.outputs.clientId
