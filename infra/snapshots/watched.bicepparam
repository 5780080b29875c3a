// Alerts, a budget, and a proxy before the frontend.
using '../main.bicep'

param environmentName = 'demo'
param location = 'westeurope'
param cloudName = 'AzureCloud'
param alerts = true
param alertEmail = 'operators@contoso.com'
param budget = 100
param budgetStartDate = '2026-11-01'
param forwardProxy = 'Custom'
