// An administrator has not made the registrations yet.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param createEntraApps = false
