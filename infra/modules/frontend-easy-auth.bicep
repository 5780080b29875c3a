metadata description = 'Easy Auth of the frontend: signs users in and asks for a token for the API. Its credential is the managed identity.'

@description('Name of the app.')
param siteName string

@description('Client id of its registration.')
param clientId string

@description('Issuer of the tokens: version 2, one tenant.')
param issuer string

@description('Scope of the API. An access token is for one resource, so a scope of Graph cannot be added.')
param apiScope string

@allowed(['NoProxy', 'Standard', 'Custom'])
@description('Headers in which a proxy passes on the host and scheme that the browser used.')
param forwardProxy string

@description('Header for the host, with Custom.')
param forwardProxyHostHeader string

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
      unauthenticatedClientAction: 'RedirectToLoginPage'
      redirectToProvider: 'azureactivedirectory'
      excludedPaths: ['/health', '/signed-out', '/api/errors', '/assets/*']
    }
    httpSettings: {
      requireHttps: true
      routes: {
        apiPrefix: '/.auth'
      }
      forwardProxy: forwardProxy == 'Custom'
        ? { convention: 'Custom', customHostHeaderName: forwardProxyHostHeader, customProtoHeaderName: 'X-Forwarded-Proto' }
        : { convention: forwardProxy }
    }
    login: {
      tokenStore: {
        enabled: true
        tokenRefreshExtensionHours: 72
      }
      cookieExpiration: {
        convention: 'FixedTime'
        timeToExpiration: '08:00:00'
      }
      nonce: {
        validateNonce: true
        nonceExpirationInterval: '00:05:00'
      }
      preserveUrlFragmentsForLogins: false
      allowedExternalRedirectUrls: []
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          // A name that Easy Auth knows: it uses the identity whose client id the setting holds. Without a credential it
          // would get id tokens only.
          clientSecretSettingName: 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'
          openIdIssuer: issuer
        }
        login: {
          // One entry: two do not merge, and naming any scope replaces the default ones.
          loginParameters: ['scope=openid profile email offline_access ${apiScope}']
        }
        validation: {
          allowedAudiences: [clientId]
          defaultAuthorizationPolicy: {
            allowedApplications: [clientId]
          }
        }
      }
    }
  }
}
