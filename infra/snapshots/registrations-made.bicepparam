// An administrator has made the registrations.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param createEntraApps = false
param apiClientId = '00001111-aaaa-2222-bbbb-3333cccc4444'
param frontendClientId = '22223333-cccc-4444-dddd-5555eeee6666'
param extraClientIds = '33334444-dddd-5555-eeee-6666ffff7777'
param corsOrigins = 'https://portal.contoso.com'
