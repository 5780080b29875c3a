metadata description = 'Queries over the log: all are saved in the workspace, those that an operator should be woken by are alert rules too.'

@description('Unique part of every name in this deployment.')
param resourceToken string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the workspace.')
param workspaceName string

@description('Create the alert rules.')
param alerts bool

@description('Whether instances share a cache, whose failures need an alert.')
param hasSharedCache bool

@description('Resource id of the action group that alerts go to. Empty: they show in the portal only.')
param actionGroupId string

type query = {
  name: string
  title: string
  text: string
  // More rows than the threshold within a quarter of an hour raise the alert.
  alert: { severity: int, threshold: int }?
}

var queries query[] = [
  {
    name: 'by-correlation-id'
    title: 'One request, by its correlation id'
    text: loadTextContent('../queries/by-correlation-id.kql')
  }
  {
    name: 'failures-by-code'
    title: 'Failures by code'
    text: loadTextContent('../queries/failures-by-code.kql')
  }
  {
    name: 'sign-in-refused'
    title: 'Requests that Easy Auth refused'
    text: loadTextContent('../queries/sign-in-refused.kql')
  }
  {
    name: 'failed-exchanges'
    title: 'The API cannot exchange tokens: a wrong credential, or Entra gives no answer'
    text: loadTextContent('../queries/failed-exchanges.kql')
    alert: { severity: 1, threshold: 5 }
  }
  {
    name: 'consent-missing'
    title: 'Users are turned away because consent to a permission of the API is missing'
    text: loadTextContent('../queries/consent-missing.kql')
    alert: { severity: 2, threshold: 0 }
  }
  {
    name: 'throttling'
    title: 'Entra or Graph asks to wait, or the API itself is busy'
    text: loadTextContent('../queries/throttling.kql')
    alert: { severity: 2, threshold: 20 }
  }
  {
    name: 'latency'
    title: 'One of twenty requests takes longer than two seconds'
    text: loadTextContent('../queries/latency.kql')
    alert: { severity: 3, threshold: 0 }
  }
  {
    name: 'daily-cap'
    title: 'The daily cap of the workspace is reached: no logs until tomorrow'
    text: loadTextContent('../queries/daily-cap.kql')
    alert: { severity: 1, threshold: 0 }
  }
  {
    name: 'package-written'
    title: 'The deployment package of the API was written: expected at a deployment only'
    text: loadTextContent('../queries/package-written.kql')
    alert: { severity: 2, threshold: 0 }
  }
  {
    name: 'shared-cache'
    title: 'The shared cache fails: each instance exchanges for itself'
    text: loadTextContent('../queries/shared-cache.kql')
    alert: hasSharedCache ? { severity: 3, threshold: 0 } : null
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2026-03-01' existing = {
  name: workspaceName
}

// Saved one after the other, since concurrent writes to one workspace can conflict.
@batchSize(1)
resource saved 'Microsoft.OperationalInsights/workspaces/savedSearches@2026-03-01' = [
  for query in queries: {
    parent: workspace
    name: query.name
    // Without an ETag, a second deployment is refused because the query exists.
    etag: '*'
    properties: {
      category: 'API on behalf of the user'
      displayName: query.title
      query: query.text
    }
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for query in filter(queries, query => alerts && query.?alert != null): {
    name: 'alert-${query.name}-${resourceToken}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: query.name
      description: query.title
      severity: query.?alert.severity
      enabled: true
      autoMitigate: true
      scopes: [workspace.id]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      // At the first deployment the tables are still empty, and validation would fail.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: query.text
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: query.?alert.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: empty(actionGroupId) ? [] : [actionGroupId]
      }
    }
  }
]
