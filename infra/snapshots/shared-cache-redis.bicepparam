// All instances share a cache in an Azure Managed Redis.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param sharedCache = 'redis'
