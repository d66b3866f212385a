package ui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
	"codex-design/ui/components"
)

// design is what the wizard edits, with what decides how a rename is stated.
type design struct {
	answers model.Answers
	base    baseline
}

// question is one answer that is asked for. Its text is what a user types, in
// the window and at the line prompts alike.
type question struct {
	key         string // the answer's path, as in model.Problem.Path
	title, help string
	kind        components.Kind
	options     []components.Option
	placeholder string
	note        string
	why         string // why it cannot be answered yet
	get         func(a *model.Answers) string
	set         func(d *design, text string) error
}

// about is the question of the answer at a path, as the model describes it.
func about(key string) question {
	q := question{key: key, why: model.Unavailable(key)}
	if described, ok := model.KeyAt(key); ok {
		q.title, q.help, q.note = described.Title, described.Help, described.Unit
	}
	for _, c := range model.Choices(key) {
		q.kind = components.Choice
		q.options = append(q.options, components.Option{Value: c.Value, Help: c.Detail, Why: c.Unavailable})
	}
	return q
}

// textOf asks for a string of the answers: a line, or one of the model's choices.
func textOf[T ~string](key, placeholder string, at func(*model.Answers) *T) question {
	q := about(key)
	q.placeholder = placeholder
	q.get = func(a *model.Answers) string { return string(*at(a)) }
	q.set = func(d *design, text string) error {
		*at(&d.answers) = T(strings.TrimSpace(text))
		return nil
	}
	return q
}

// yesNo asks for a bool of the answers.
func yesNo(key string, at func(*model.Answers) *bool) question {
	q := about(key)
	q.kind = components.Toggle
	q.get = func(a *model.Answers) string { return strconv.FormatBool(*at(a)) }
	q.set = func(d *design, text string) error {
		value, err := parseYesNo(text)
		if err == nil {
			*at(&d.answers) = value
		}
		return err
	}
	return q
}

func parseYesNo(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "y":
		return true, nil
	case "false", "no", "n", "":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither yes nor no", text)
}

// listOf asks for a list of strings, separated by commas.
func listOf(key string, at func(*model.Answers) *[]string) question {
	q := about(key)
	q.placeholder = "none"
	q.get = func(a *model.Answers) string { return strings.Join(*at(a), ", ") }
	q.set = func(d *design, text string) error {
		*at(&d.answers) = components.SplitList(text)
		return nil
	}
	return q
}

// optionalNumber asks for a number that may be left out.
func optionalNumber(key, placeholder string, at func(*model.Answers) **float64) question {
	q := about(key)
	q.placeholder = placeholder
	q.get = func(a *model.Answers) string { return numberText(*at(a)) }
	q.set = func(d *design, text string) error {
		value, err := parseNumber(text)
		if err == nil {
			*at(&d.answers) = value
		}
		return err
	}
	return q
}

func numberText(value *float64) string {
	if value == nil {
		return ""
	}
	return strconv.FormatFloat(*value, 'f', -1, 64)
}

func parseNumber(text string) (*float64, error) {
	text = strings.NewReplacer(" ", "", "_", "").Replace(text)
	if text == "" {
		return nil, nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || value != value || value > 1e15 || value < -1e15 {
		return nil, fmt.Errorf("%q is not a number: write it like 250 or 0.9", text)
	}
	return &value, nil
}

func projectQuestions(*design, spot) []question {
	return []question{
		textOf("name", "shop", func(a *model.Answers) *string { return &a.Name }),
		textOf("description", "optional", func(a *model.Answers) *string { return &a.Description }),
	}
}

func architectureQuestions(*design, spot) []question {
	return []question{
		textOf("architecture", "", func(a *model.Answers) *model.Architecture { return &a.Architecture }),
	}
}

func datastoreQuestions(*design, spot) []question {
	return []question{
		textOf("datastores.database", "", func(a *model.Answers) *string { return &a.Datastores.Database }),
		textOf("datastores.cache", "", func(a *model.Answers) *string { return &a.Datastores.Cache }),
		textOf("datastores.broker", "", func(a *model.Answers) *string { return &a.Datastores.Broker }),
	}
}

func securityQuestions(d *design, _ spot) []question {
	asked := []question{textOf("security.authentication", "", func(a *model.Answers) *string { return &a.Security.Authentication })}
	if d.answers.Security.Authentication == "oidc" {
		asked = append(asked,
			textOf("security.oidc.issuer", "https://id.example.com", func(a *model.Answers) *string { return &a.Security.OIDC.Issuer }),
			textOf("security.oidc.audience", d.answers.Name, func(a *model.Answers) *string { return &a.Security.OIDC.Audience }))
	}
	return append(asked,
		textOf("security.authorization", "", func(a *model.Answers) *string { return &a.Security.Authorization }),
		listOf("security.cors", func(a *model.Answers) *[]string { return &a.Security.CORS }),
		rateLimitQuestion(),
		textOf("security.secrets", "", func(a *model.Answers) *string { return &a.Security.Secrets }),
		textOf("security.tenancy", "", func(a *model.Answers) *string { return &a.Security.Tenancy }),
		yesNo("security.audit", func(a *model.Answers) *bool { return &a.Security.Audit }),
	)
}

func rateLimitQuestion() question {
	q := about("security.rate_limit.per_client_rps")
	q.placeholder = "no limit"
	q.get = func(a *model.Answers) string {
		if a.Security.RateLimit.PerClientRPS == 0 {
			return ""
		}
		return numberText(&a.Security.RateLimit.PerClientRPS)
	}
	q.set = func(d *design, text string) error {
		value, err := parseNumber(text)
		if err != nil {
			return err
		}
		if value == nil {
			value = new(float64)
		}
		d.answers.Security.RateLimit.PerClientRPS = *value
		return nil
	}
	return q
}

func deliveryQuestions(*design, spot) []question {
	return []question{
		textOf("delivery.gateway", "", func(a *model.Answers) *string { return &a.Delivery.Gateway }),
		textOf("delivery.pipeline", "", func(a *model.Answers) *string { return &a.Delivery.Pipeline }),
	}
}

// loadInput is one input of the sizing; exactly one accessor is set.
type loadInput struct {
	key    string
	number func(*model.Load) **float64
	whole  func(*model.Load) **int
}

var loadInputs = []loadInput{
	{"load.daily_users", func(l *model.Load) **float64 { return &l.DailyUsers }, nil},
	{"load.requests_per_user_day", func(l *model.Load) **float64 { return &l.RequestsPerUser }, nil},
	{"load.peak_factor", func(l *model.Load) **float64 { return &l.PeakFactor }, nil},
	{"load.peak_rps", func(l *model.Load) **float64 { return &l.PeakRPS }, nil},
	{"load.read_share", func(l *model.Load) **float64 { return &l.ReadShare }, nil},
	{"load.data_gib", func(l *model.Load) **float64 { return &l.DataGiB }, nil},
	{"load.availability_slo", func(l *model.Load) **float64 { return &l.AvailabilitySLO }, nil},
	{"load.latency_p99_ms", func(l *model.Load) **float64 { return &l.LatencyP99Millis }, nil},
	{"load.zones", nil, func(l *model.Load) **int { return &l.Zones }},
	{"load.rto_minutes", func(l *model.Load) **float64 { return &l.RTOMinutes }, nil},
	{"load.rpo_minutes", func(l *model.Load) **float64 { return &l.RPOMinutes }, nil},
	{"load.trace_sample_percent", func(l *model.Load) **float64 { return &l.TraceSamplePercent }, nil},
	{"load.log_days", nil, func(l *model.Load) **int { return &l.LogDays }},
}

// read is the input's value, nil when the scale decides.
func (i loadInput) read(l *model.Load) *float64 {
	if i.number != nil {
		return *i.number(l)
	}
	if whole := *i.whole(l); whole != nil {
		value := float64(*whole)
		return &value
	}
	return nil
}

func (i loadInput) write(l *model.Load, value *float64) error {
	if i.number != nil {
		*i.number(l) = value
		return nil
	}
	if value == nil {
		*i.whole(l) = nil
		return nil
	}
	whole := int(*value)
	if float64(whole) != *value {
		return fmt.Errorf("%s is not a whole number", numberText(value))
	}
	*i.whole(l) = &whole
	return nil
}

func scaleQuestions(d *design, _ spot) []question {
	questions := []question{textOf("scale", "", func(a *model.Answers) *model.Scale { return &a.Scale })}
	preset := presetOf(d.answers.Scale)
	for _, input := range loadInputs {
		questions = append(questions, loadQuestion(input, input.read(&preset), input.read(&d.answers.Load)))
	}
	return questions
}

// presetOf is the scale's preset, without numbers for a scale that is none.
func presetOf(scale model.Scale) model.Load {
	if !slices.Contains([]model.Scale{model.Small, model.Medium, model.Large}, scale) {
		return model.Load{}
	}
	return model.Preset(scale)
}

// loadQuestion asks for an input that the scale has filled in. Its own value is
// kept only where it differs from the preset.
func loadQuestion(input loadInput, preset, given *float64) question {
	q := about(input.key)
	q.placeholder = numberText(preset)
	if given != nil {
		q.note = joinNonEmpty(q.note, "preset "+numberText(preset))
	}
	q.get = func(a *model.Answers) string {
		if given := input.read(&a.Load); given != nil {
			return numberText(given)
		}
		return numberText(preset)
	}
	q.set = func(d *design, text string) error {
		value, err := parseNumber(text)
		if err != nil {
			return err
		}
		if value != nil && preset != nil && *value == *preset {
			value = nil
		}
		return input.write(&d.answers.Load, value)
	}
	return q
}
