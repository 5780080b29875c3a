// The default deployment of azd up.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
