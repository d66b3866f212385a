package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
	"codex-design/ui/components"
)

func serviceQuestions(_ *design, at spot) []question {
	key := serviceKey(at)
	service := func(a *model.Answers) *model.Service { return &a.Services[at.service] }
	name := about(key + ".name")
	name.get = func(a *model.Answers) string { return service(a).Name }
	name.set = func(d *design, text string) error {
		renameService(&d.answers, d.base, at, strings.TrimSpace(text))
		return nil
	}
	return []question{
		name,
		textOf(key+".description", "optional", func(a *model.Answers) *string { return &service(a).Description }),
		yesNo(key+".cache", func(a *model.Answers) *bool { return &service(a).Cache }),
		optionalNumber(key+".share", "even", func(a *model.Answers) **float64 { return &service(a).Share }),
		yesNo(key+".cqrs", func(a *model.Answers) *bool { return &service(a).CQRS }),
	}
}

func entityQuestions(_ *design, at spot) []question {
	key := entityKey(at)
	entity := func(a *model.Answers) *model.Entity { return &a.Services[at.service].Entities[at.entity] }
	name := about(key + ".name")
	name.get = func(a *model.Answers) string { return entity(a).Name }
	name.set = func(d *design, text string) error {
		renameEntity(&d.answers, d.base, at, strings.TrimSpace(text))
		return nil
	}
	return []question{
		name,
		textOf(key+".description", "optional", func(a *model.Answers) *string { return &entity(a).Description }),
		yesNo(key+".owned", func(a *model.Answers) *bool { return &entity(a).Owned }),
	}
}

// fieldQuestions asks for the parts of a field; the first question is the whole
// as one line, and both change the same field.
func fieldQuestions(d *design, at spot) []question {
	field := fieldAt(&d.answers, at)
	questions := []question{
		{
			key: fieldKey(at), title: "As one line", help: "name: type modifiers, as it stands in the answers file.",
			get: func(a *model.Answers) string { return fieldAt(a, at).String() },
			set: func(d *design, text string) error { return changeField(d, at, text) },
		},
		fieldPart(at, "name", "Name", "snake_case. A rename keeps the data.",
			func(f *model.Field) string { return f.Name },
			func(f *model.Field, text string) error { f.Name = strings.TrimSpace(text); return nil }),
		kindQuestion(at),
	}
	questions = append(questions, typeQuestions(d, at, field.Type.Kind)...)
	for _, choice := range model.FieldModifiers(field.Type.Kind) {
		if part, ok := modifierQuestions[choice.Label]; ok && (choice.Label != "fill" || field.Required) {
			q := part(at)
			q.help = choice.Detail + "."
			questions = append(questions, q)
		}
	}
	return questions
}

// fieldPart asks for one part of a field.
func fieldPart(at spot, part, title, help string, get func(*model.Field) string, set func(*model.Field, string) error) question {
	return question{
		key: fieldKey(at) + "." + part, title: title, help: help,
		get: func(a *model.Answers) string { return get(fieldAt(a, at)) },
		set: func(d *design, text string) error {
			changed := cloneField(*fieldAt(&d.answers, at))
			if err := set(&changed, text); err != nil {
				return err
			}
			setField(&d.answers, d.base, at, changed)
			return nil
		},
	}
}

func kindQuestion(at spot) question {
	q := fieldPart(at, "type", "Type", "",
		func(f *model.Field) string { return string(f.Type.Kind) },
		func(f *model.Field, text string) error {
			for _, choice := range model.FieldKinds() {
				if choice.Label == strings.TrimSpace(text) && choice.Label != string(f.Type.Kind) {
					of, err := model.ParseType(choice.Value)
					f.Type = of
					return err
				}
			}
			return nil
		})
	q.kind = components.Choice
	for _, choice := range model.FieldKinds() {
		q.options = append(q.options, components.Option{Value: choice.Label, Help: choice.Detail})
	}
	return q
}

// typeQuestions asks for the arguments of a type.
func typeQuestions(d *design, at spot, kind model.Kind) []question {
	switch kind {
	case model.KindString:
		return []question{wholePart(at, "length", "Length", "Most characters.", func(f *model.Field) *int { return &f.Type.Length })}
	case model.KindDecimal:
		return []question{
			wholePart(at, "precision", "Digits", "In all.", func(f *model.Field) *int { return &f.Type.Precision }),
			wholePart(at, "scale", "Decimals", "Of them after the point.", func(f *model.Field) *int { return &f.Type.Scale }),
		}
	case model.KindEnum:
		return []question{fieldPart(at, "values", "Values", "Separated by commas.",
			func(f *model.Field) string { return strings.Join(f.Type.Values, ", ") },
			func(f *model.Field, text string) error { f.Type.Values = components.SplitList(text); return nil })}
	case model.KindRef:
		return []question{targetQuestion(d, at)}
	}
	return nil
}

func wholePart(at spot, part, title, help string, number func(*model.Field) *int) question {
	return fieldPart(at, part, title, help,
		func(f *model.Field) string { return strconv.Itoa(*number(f)) },
		func(f *model.Field, text string) error {
			value, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				return fmt.Errorf("%q is not a whole number", text)
			}
			*number(f) = value
			return nil
		})
}

// targetQuestion offers every entity of the design: those of the same service by
// their bare name.
func targetQuestion(d *design, at spot) question {
	q := fieldPart(at, "target", "Refers to", "Same service: a foreign key. Another service's: an id.",
		func(f *model.Field) string { return strings.TrimPrefix(f.Type.Service+"."+f.Type.Entity, ".") },
		func(f *model.Field, text string) error {
			service, entity, found := strings.Cut(strings.TrimSpace(text), ".")
			if !found {
				service, entity = "", service
			}
			f.Type.Service, f.Type.Entity = service, entity
			return nil
		})
	q.kind = components.Choice
	for i, service := range d.answers.Services {
		for _, entity := range service.Entities {
			value := service.Name + "." + entity.Name
			if i == at.service {
				value = entity.Name
			}
			q.options = append(q.options, components.Option{Value: value, Help: entity.Description})
		}
	}
	current := q.get(&d.answers)
	if !slices.ContainsFunc(q.options, func(o components.Option) bool { return o.Value == current }) {
		q.options = append(q.options, components.Option{Value: current, Help: "there is no such entity yet"})
	}
	return q
}

// modifierQuestions asks for the modifiers of a field, by the word of the grammar.
var modifierQuestions = map[string]func(at spot) question{
	"required": flagPart("required", "Required", func(f *model.Field) *bool { return &f.Required }),
	"unique":   flagPart("unique", "Unique", func(f *model.Field) *bool { return &f.Unique }),
	"index":    flagPart("index", "Index", func(f *model.Field) *bool { return &f.Index }),
	"private":  flagPart("private", "Private", func(f *model.Field) *bool { return &f.Private }),
	"default":  valuePart("default", "Default", func(f *model.Field) **string { return &f.Default }),
	"fill":     valuePart("fill", "Fill", func(f *model.Field) **string { return &f.Fill }),
	"min":      valuePart("min", "Minimum", func(f *model.Field) **string { return &f.Min }),
	"max":      valuePart("max", "Maximum", func(f *model.Field) **string { return &f.Max }),
	"pattern": func(at spot) question {
		q := fieldPart(at, "pattern", "Pattern", "",
			func(f *model.Field) string { return f.Pattern },
			func(f *model.Field, text string) error { f.Pattern = text; return nil })
		q.placeholder = "none"
		return q
	},
}

func flagPart(part, title string, flag func(*model.Field) *bool) func(spot) question {
	return func(at spot) question {
		q := fieldPart(at, part, title, "",
			func(f *model.Field) string { return strconv.FormatBool(*flag(f)) },
			func(f *model.Field, text string) error {
				value, err := parseYesNo(text)
				*flag(f) = value
				return err
			})
		q.kind = components.Toggle
		return q
	}
}

func valuePart(part, title string, value func(*model.Field) **string) func(spot) question {
	return func(at spot) question {
		q := fieldPart(at, part, title, "",
			func(f *model.Field) string {
				if *value(f) == nil {
					return ""
				}
				return **value(f)
			},
			func(f *model.Field, text string) error {
				*value(f) = nil
				if text != "" {
					*value(f) = &text
				}
				return nil
			})
		q.placeholder = "none"
		return q
	}
}
