metadata description = 'A test of the health route from several regions, and an alert when two of them get no answer. For a public API only.'

@description('Unique part of every name in this deployment.')
param resourceToken string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Resource id of Application Insights.')
param insightsId string

@description('URL to test.')
param url string

@description('Resource id of the action group that the alert goes to, or empty.')
param actionGroupId string

// West Europe, North Europe, Central US, Southeast Asia, East US.
var regions = ['emea-nl-ams-azr', 'emea-gb-db3-azr', 'us-fl-mia-edge', 'apac-sg-sin-azr', 'us-va-ash-azr']

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'health-${resourceToken}'
  location: location
  // The portal shows a test at the component that its tag names.
  tags: union(tags, { 'hidden-link:${insightsId}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: 'health-${resourceToken}'
    Name: 'health'
    Description: 'The API answers without a token at its health route.'
    Enabled: true
    Kind: 'standard'
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: map(regions, region => { Id: region })
    Request: {
      RequestUrl: url
      HttpVerb: 'GET'
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 7
    }
  }
}

resource alert 'Microsoft.Insights/metricAlerts@2026-01-01' = {
  name: 'alert-health-${resourceToken}'
  location: 'global'
  tags: tags
  properties: {
    description: 'The API gives no answer at its health route.'
    severity: 1
    enabled: true
    autoMitigate: true
    scopes: [test.id, insightsId]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: test.id
      componentId: insightsId
      failedLocationCount: 2
    }
    actions: empty(actionGroupId) ? [] : [{ actionGroupId: actionGroupId }]
  }
}
