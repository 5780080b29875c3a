// The storage account is private; all instances share a cache in its tables; files are relayed.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param networkMode = 'storage'
param sharedCache = 'table'
param storageAccountUrl = 'https://contoso.blob.core.windows.net'
param storageContainer = 'documents'
