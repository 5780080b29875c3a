metadata description = 'Easy Auth of the API: bearer tokens only. No sign-in, so no redirect URI, no token store and no credential.'

@description('Name of the app.')
param siteName string

@description('Client id of its registration.')
param clientId string

@description('Its identifier URI. Tokens of version 2 carry the bare client id; both are allowed.')
param audience string

@description('Issuer of the tokens: version 2, one tenant.')
param issuer string

@minLength(1)
@description('Client ids of allowed clients. Easy Auth answers 403 to all others.')
param allowedClientIds string[]

resource site 'Microsoft.Web/sites@2025-03-01' existing = {
  name: siteName
}

resource easyAuth 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: ['/api/health', '/api/errors', '/api/openapi.json']
    }
    httpSettings: {
      requireHttps: true
      routes: {
        apiPrefix: '/.auth'
      }
      forwardProxy: {
        convention: 'NoProxy'
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: issuer
        }
        login: {
          disableWWWAuthenticate: false
        }
        validation: {
          allowedAudiences: [clientId, audience]
          defaultAuthorizationPolicy: {
            allowedApplications: allowedClientIds
          }
        }
      }
    }
  }
}
