// The registrations, as an administrator deploys them.
using '../entra.bicep'

param environmentName = 'demo'
param cloudName = 'AzureCloud'
param apiName = 'func-api-demo'
param frontendName = 'app-frontend-demo'
param frontendHost = 'app-frontend-demo.azurewebsites.net'
param apiPrincipalId = '44445555-eeee-6666-ffff-777788889999'
param frontendPrincipalId = '55556666-ffff-7777-aaaa-888899990000'
param storageOnBehalfOf = true
param requireUserAssignment = true
param extraClientIds = ['33334444-dddd-5555-eeee-6666ffff7777']
