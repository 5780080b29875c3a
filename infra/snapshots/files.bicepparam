// The files route is on: users read files of an account as themselves.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param storageAccountUrl = 'https://contoso.blob.core.windows.net'
param storageContainer = 'documents'
param storagePublicUrl = 'https://files.contoso.com'
