// All instances share a cache in the tables of the storage account.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param sharedCache = 'table'
