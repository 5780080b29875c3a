metadata description = 'Who is told of alerts.'

@description('Name of the group.')
param name string

@description('Tags.')
param tags object

@description('Address that alerts go to.')
param email string

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'operators'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

output id string = operators.id
