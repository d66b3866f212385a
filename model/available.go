package model

// What can be said in an answers file but not be generated yet. Deleting a row
// lifts its restriction everywhere: reading, --set and the wizard.
var notYet = map[string]map[string]string{
	"architecture": {
		"serverless": "functions on AWS Lambda are not generated yet",
	},
	"datastores.database": {
		"dynamodb": "it comes with the serverless architecture",
	},
	"datastores.broker": {
		"sqs": "it comes with the serverless architecture",
	},
}

// anyValue is the row of a key whose every value, but for the zero one, is refused.
const anyValue = "*"
