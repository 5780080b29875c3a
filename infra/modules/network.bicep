metadata description = 'A network for private traffic: one subnet for each app that sends, one for the endpoints that receive.'

@description('Name of the network.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

resource network 'Microsoft.Network/virtualNetworks@2026-03-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: ['10.0.0.0/16']
    }
    // Subnets are part of the network: a second deployment deletes those that the network does not list.
    subnets: [
      {
        name: 'api'
        properties: {
          addressPrefix: '10.0.0.0/24'
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'frontend'
        properties: {
          addressPrefix: '10.0.1.0/24'
          delegations: [
            {
              name: 'app-service'
              properties: {
                serviceName: 'Microsoft.Web/serverFarms'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.0.2.0/24'
        }
      }
    ]
  }
}

output id string = network.id
output apiSubnetId string = '${network.id}/subnets/api'
output frontendSubnetId string = '${network.id}/subnets/frontend'
output endpointSubnetId string = '${network.id}/subnets/endpoints'
