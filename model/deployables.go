package model

// deployablesOf lists what runs as one: each service by itself.
func deployablesOf(b Blueprint) []ServicePlan {
	return b.Services
}
