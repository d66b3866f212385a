package model

import "math"

// Effect is what another value of one answer changes of the totals.
type Effect struct {
	Monthly float64 // USD a month, expected
	Pods    float64 // of the services, at the least
}

// Effects compares the values that the answer at a path may take with the answers
// as they are. A value that the other answers rule out has no effect to show.
func Effects(a Answers, path string) map[string]Effect {
	now := totals(Resolve(a))
	effects := map[string]Effect{}
	for _, choice := range Choices(path) {
		changed := a
		if choice.Unavailable != "" || Set(&changed, path, choice.Value) != nil || len(Check(changed)) > 0 {
			continue
		}
		then := totals(Resolve(changed))
		effects[choice.Value] = Effect{
			Monthly: math.Round(then.Monthly - now.Monthly),
			Pods:    then.Pods - now.Pods,
		}
	}
	return effects
}

func totals(b Blueprint) Effect {
	var sum Effect
	for _, line := range b.Cost {
		sum.Monthly += line.Expected.Value
	}
	for _, service := range b.Deployables {
		sum.Pods += service.Sizing.MinReplicas.Value
	}
	return sum
}
