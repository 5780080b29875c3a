metadata description = 'Alert rules over the log, one for each query that an operator should be woken by.'

@description('Unique part of every name in this deployment.')
param token string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Resource id of the workspace.')
param workspaceId string

@description('Address that alerts go to. Empty: they show in the portal only.')
param email string

var rules = [
  {
    name: 'failed-exchanges'
    description: 'The API cannot exchange tokens: a wrong credential, or Entra gives no answer.'
    query: loadTextContent('../queries/failed-exchanges.kql')
    severity: 1
    threshold: 5
  }
  {
    name: 'consent-missing'
    description: 'Users are turned away because consent to a permission of the API is missing.'
    query: loadTextContent('../queries/consent-missing.kql')
    severity: 2
    threshold: 0
  }
  {
    name: 'throttling'
    description: 'Entra or Graph asks to wait, or the API itself is busy.'
    query: loadTextContent('../queries/throttling.kql')
    severity: 2
    threshold: 20
  }
  {
    name: 'latency'
    description: 'One of twenty requests takes longer than two seconds.'
    query: loadTextContent('../queries/latency.kql')
    severity: 3
    threshold: 0
  }
]

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'operators'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: 'alert-${rule.name}-${token}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.name
      description: rule.description
      severity: rule.severity
      enabled: true
      autoMitigate: true
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      // At the first deployment the tables are still empty, and validation would fail.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: empty(email) ? [] : [operators.id]
      }
    }
  }
]
