// Everything is private, including the shared cache.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param networkMode = 'full'
param sharedCache = 'redis'
param alerts = true
