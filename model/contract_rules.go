package model

import (
	"fmt"
	"slices"
	"strings"
)

// contractRule is one row of what may become of a part of a contract. Its text
// says what did; it is empty where the rule has nothing to say. Of what is new
// there is no old, of what is gone no new.
type contractRule[T any] struct {
	name     string
	breaking bool
	text     func(old, new *T) string
}

func applyRules[T any](rules []contractRule[T], old, new *T, subject string, consumers []string) []ContractChange {
	var changes []ContractChange
	for _, rule := range rules {
		if text := rule.text(old, new); text != "" {
			changes = append(changes, ContractChange{Rule: rule.name, Subject: subject, Text: text, Breaking: rule.breaking, Consumers: consumers})
		}
	}
	return changes
}

// when makes a text of a condition on what is there before and after.
func when[T any](text string, condition func(old, new *T) bool) func(old, new *T) string {
	return func(old, new *T) string {
		if old != nil && new != nil && condition(old, new) {
			return text
		}
		return ""
	}
}

func isNew[T any](old, new *T) string {
	if old == nil {
		return "is new"
	}
	return ""
}

func isGone[T any](old, new *T) string {
	if new == nil {
		return "is gone"
	}
	return ""
}

var contractRules = []contractRule[Contract]{
	{"access-changed", true, func(old, new *Contract) string {
		if new.Access == "" || old.Access == new.Access {
			return ""
		}
		return "asks for " + strings.Join(strings.Fields(new.Access), " and ")
	}},
	{"access-opened", false, when("asks for no credentials any more", func(old, new *Contract) bool { return old.Access != "" && new.Access == "" })},
	{"tenant-asked-for", true, when("asks whose records are meant", func(old, new *Contract) bool { return !old.Tenants && new.Tenants })},
	{"tenant-not-asked-for", false, when("no longer asks whose records are meant", func(old, new *Contract) bool { return old.Tenants && !new.Tenants })},
}

var entityRules = []contractRule[ContractEntity]{
	{"entity-new", false, isNew[ContractEntity]},
	{"entity-gone", true, isGone[ContractEntity]},
	{"path-changed", true, func(old, new *ContractEntity) string {
		if old == nil || new == nil || old.Path == new.Path {
			return ""
		}
		return fmt.Sprintf("is at %s, not at %s", new.Path, old.Path)
	}},
	{"owned", true, when("belongs to who created it: other callers do not find it", func(old, new *ContractEntity) bool { return !old.Owned && new.Owned })},
	{"not-owned", false, when("belongs to nobody any more: every caller finds it", func(old, new *ContractEntity) bool { return old.Owned && !new.Owned })},
}

var parameterRules = []contractRule[ContractParameter]{
	{"parameter-new", false, isNew[ContractParameter]},
	{"parameter-gone", true, isGone[ContractParameter]},
	{"parameter-type", true, func(old, new *ContractParameter) string {
		if old == nil || new == nil || fitsInto(old.Type, new.Type) {
			return ""
		}
		return fmt.Sprintf("takes %s, not %s", new.Type, old.Type)
	}},
}

var eventRules = []contractRule[ContractEvent]{
	{"event-new", false, isNew[ContractEvent]},
	{"event-gone", true, isGone[ContractEvent]},
}

// requestRules are about what a service takes.
var requestRules = []contractRule[ContractField]{
	{"request-field-must-be-given", true, func(old, new *ContractField) string {
		switch {
		case old == nil && new.Required:
			return "is new and must be given"
		case old != nil && new != nil && !old.Required && new.Required:
			return "must be given"
		}
		return ""
	}},
	{"request-field-may-be-left-out", false, when("may be left out", func(old, new *ContractField) bool { return old.Required && !new.Required })},
	{"request-null-refused", true, when("may no longer be null", func(old, new *ContractField) bool { return old.Nullable && !new.Nullable && !new.Required })},
	{"request-type", true, func(old, new *ContractField) string {
		if old == nil || new == nil || fitsInto(old.Type, new.Type) {
			return ""
		}
		return fmt.Sprintf("takes %s, not %s", new.Type, old.Type)
	}},
	{"request-value-gone", true, func(old, new *ContractField) string {
		if old == nil || new == nil || len(new.Values) == 0 || len(old.Values) == 0 {
			return ""
		}
		return listed("no longer takes ", without(old.Values, new.Values))
	}},
	{"request-narrower", true, func(old, new *ContractField) string { return limitsText("takes less: ", old, new, false) }},
	{"request-wider", false, func(old, new *ContractField) string { return limitsText("takes more", old, new, true) }},
	{"request-default", false, func(old, new *ContractField) string {
		if old == nil || new == nil || new.Default == "" || old.Default == new.Default {
			return ""
		}
		return fmt.Sprintf("is %s where it is left out", new.Default)
	}},
}

// answerRules are about what a service gives, in answers and in events.
var answerRules = []contractRule[ContractField]{
	{"field-new", false, func(old, new *ContractField) string {
		if old == nil && !new.Required {
			return "is new"
		}
		return ""
	}},
	{"field-gone", true, isGone[ContractField]},
	{"field-renamed", true, func(old, new *ContractField) string {
		if old == nil || new == nil || old.Name == new.Name {
			return ""
		}
		return "is called " + new.Name
	}},
	{"answer-type", true, func(old, new *ContractField) string {
		if old == nil || new == nil || new.Private || old.Private || fitsInto(new.Type, old.Type) {
			return ""
		}
		return fmt.Sprintf("is given as %s, not as %s", new.Type, old.Type)
	}},
	{"answer-null", true, when("may be null", func(old, new *ContractField) bool {
		return !old.Nullable && new.Nullable && !old.Private && !new.Private
	})},
	{"answer-field-hidden", true, when("is no longer given", func(old, new *ContractField) bool { return !old.Private && new.Private })},
	{"answer-field-shown", false, when("is given", func(old, new *ContractField) bool { return old.Private && !new.Private })},
	{"answer-value-new", false, func(old, new *ContractField) string {
		if old == nil || new == nil || new.Private || len(old.Values) == 0 || len(new.Values) == 0 {
			return ""
		}
		return listed("may be ", without(new.Values, old.Values))
	}},
}

// fieldRules are about a field of an API, which takes and gives it.
var fieldRules = slices.Concat(requestRules, answerRules)

// wider lists the types that hold every value of another one, in JSON too.
var wider = map[string][]string{
	"int32": {"int64"}, "email": {"string"}, "url": {"string"}, "enum": {"string"}, "uuid": {"string"}, "date": {"string"}, "date-time": {"string"},
}

// fitsInto reports whether every value of one type is one of another.
func fitsInto(one, other string) bool { return one == other || slices.Contains(wider[one], other) }

func listed(text string, values []string) string {
	if len(values) == 0 {
		return ""
	}
	return text + strings.Join(values, ", ")
}

// limitsText says how the limits of what is taken differ; loosened asks for the
// change that refuses nothing that was taken before.
func limitsText(text string, old, new *ContractField, loosened bool) string {
	if old == nil || new == nil || old.Limits == new.Limits || old.Type != new.Type {
		return ""
	}
	before, after := "CHECK ("+old.Limits+")", "CHECK ("+new.Limits+")"
	if implied := impliesCheck(before, after); implied != loosened || loosened && impliesCheck(after, before) {
		return ""
	}
	known := checkClauses(before)
	var limits []string
	for _, clause := range checkClauses(after) {
		if loosened && !slices.ContainsFunc(known, func(k checkClause) bool { return k.equals(clause) }) ||
			!loosened && !slices.ContainsFunc(known, func(k checkClause) bool { return k.implies(clause) }) {
			limits = append(limits, clause.words())
		}
	}
	if loosened && len(limits) > 0 {
		text += ": "
	}
	return text + strings.Join(limits, ", ")
}

func (k checkClause) equals(other checkClause) bool {
	return k.subject == other.subject && k.operator == other.operator && slices.Equal(k.values, other.values)
}

// words are a limit as a person says it.
func (k checkClause) words() string {
	if len(k.values) == 0 {
		return k.subject
	}
	what := map[string]string{"char_length(value)": " characters", "digits": " digits before the point", "places": " digits behind the point"}[k.subject]
	value := strings.ReplaceAll(strings.Trim(k.values[0], "'"), "''", "'")
	return map[string]string{"<=": "at most ", ">=": "at least ", "~": "what matches "}[k.operator] + value + what
}
