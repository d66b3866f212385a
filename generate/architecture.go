package generate

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"codex-design/model"
)

// originText says where a number comes from that was not computed: an answer, the
// scale, or the generator.
func originText(q model.Quantity) string {
	switch {
	case isConstant(q):
		return "a constant of the generator"
	case q.Formula == "given" && q.Source != "":
		return q.Source
	default:
		return q.Formula
	}
}

// Derived is a number of blueprint.yaml followed by a comment that says where it comes from:
// 6  # pods = max(minimum + 1, 2 * zones); minimum=3, zones=3.
func (s *SystemView) Derived(q model.Quantity) string {
	comment := originText(q)
	switch {
	case len(q.Inputs) > 0 && !isConstant(q):
		comment = strings.TrimSpace(q.Unit+" = "+q.Formula) + "; " + inputText(q.Inputs)
	case q.Unit != "":
		comment = q.Unit + ", " + comment
	}
	return preciseText(q.Value) + "  # " + comment
}

// isConstant says whether the formula is nothing but the name of its one input.
func isConstant(q model.Quantity) bool {
	return len(q.Inputs) == 1 && q.Inputs[0].Name == q.Formula
}

// Figure is a number with its unit, for a reader: 2,000 rps.
func (s *SystemView) Figure(q model.Quantity) string {
	unit := q.Unit
	if q.Value == 1 && countUnits[unit] {
		unit = strings.TrimSuffix(unit, "s")
	}
	return strings.TrimSpace(s.Amount(q) + " " + unit)
}

// The units that name things and so have a singular.
var countUnits = map[string]bool{
	"connections": true, "days": true, "pods": true, "requests": true, "standbys": true, "users": true, "zones": true,
}

// Amount is a number without its unit, with as many digits as a reader can use.
func (s *SystemView) Amount(q model.Quantity) string {
	return grouped(readableText(q.Value))
}

// Percent is a share of one as a percentage.
func (s *SystemView) Percent(q model.Quantity) string {
	return readableText(q.Value*100) + " %"
}

// Because is where a number comes from, as a cell of a Markdown table.
func (s *SystemView) Because(q model.Quantity) string {
	if len(q.Inputs) == 0 || isConstant(q) {
		return tableCell(originText(q))
	}
	return "`" + tableCell(q.Formula) + "` with " + tableCell(inputText(q.Inputs))
}

// Row is a row of a Markdown table: what a number is, the number, and where it comes from.
func (s *SystemView) Row(label string, q model.Quantity) string {
	return "| " + label + " | " + s.Figure(q) + " | " + s.Because(q) + " |"
}

// Cell is a text that cannot break out of a cell of a Markdown table.
func (s *SystemView) Cell(text string) string { return tableCell(text) }

// Scalar is a text as YAML writes it.
func (s *SystemView) Scalar(text string) string { return yamlScalar(text) }

// Flow is a list of texts as YAML writes it on one line.
func (s *SystemView) Flow(texts []string) string {
	return "[" + yamlFlowItems(stringsFlow(texts)) + "]"
}

func inputText(inputs []model.Input) string {
	texts := make([]string, len(inputs))
	for i, input := range inputs {
		texts[i] = input.Name + "=" + preciseText(input.Value)
	}
	return strings.Join(texts, ", ")
}

// preciseText writes a number so that its formula can be checked by hand: to a
// thousandth, and with six digits below one.
func preciseText(value float64) string {
	if math.Abs(value) >= 1 {
		return yamlNumber(math.Round(value*1000) / 1000)
	}
	return significant(value, 6)
}

// readableText writes a number to a hundredth, large ones to less and small ones to three digits.
func readableText(value float64) string {
	switch size := math.Abs(value); {
	case size >= 1000:
		return yamlNumber(math.Round(value))
	case size >= 100:
		return yamlNumber(math.Round(value*10) / 10)
	case size >= 1:
		return yamlNumber(math.Round(value*100) / 100)
	default:
		return significant(value, 3)
	}
}

func significant(value float64, digits int) string {
	short, err := strconv.ParseFloat(strconv.FormatFloat(value, 'g', digits, 64), 64)
	if err != nil {
		return yamlNumber(value)
	}
	return yamlNumber(short)
}

// grouped puts commas between the thousands of a number's whole part.
func grouped(number string) string {
	whole, fraction, _ := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		return whole + "." + fraction
	}
	return whole
}

func tableCell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

// Key is a cost line's item as the key that it has in blueprint.yaml.
func (s *SystemView) Key(item string) string { return model.Snake(item) }

// CostTotal adds up the low, expected and high figures of the monthly estimate, in USD.
func (s *SystemView) CostTotal() [3]string {
	var low, expected, high float64
	for _, line := range s.Cost {
		low, expected, high = low+line.Low.Value, expected+line.Expected.Value, high+line.High.Value
	}
	return [3]string{wholeText(low), wholeText(expected), wholeText(high)}
}

func wholeText(value float64) string {
	return grouped(strconv.FormatFloat(math.Round(value), 'f', 0, 64))
}

// Busiest are the services with the most requests at peak, the busiest first.
func (s *SystemView) Busiest() []*ServiceView {
	services := make([]*ServiceView, len(s.Services))
	for i := range s.Services {
		services[i] = &s.Services[i]
	}
	slices.SortStableFunc(services, func(a, b *ServiceView) int {
		switch {
		case a.Sizing.RPS.Value > b.Sizing.RPS.Value:
			return -1
		case a.Sizing.RPS.Value < b.Sizing.RPS.Value:
			return 1
		}
		return 0
	})
	return services
}

// CachedServices are the services that keep records in the cache.
func (s *SystemView) CachedServices() []string {
	var names []string
	for i := range s.Services {
		if s.Services[i].Cached {
			names = append(names, s.Services[i].Name)
		}
	}
	return names
}

// RedisServices are the services that use it: for records, or to count requests.
func (s *SystemView) RedisServices() []string {
	var names []string
	for i := range s.Services {
		if s.Services[i].UsesRedis {
			names = append(names, s.Services[i].Name)
		}
	}
	return names
}

// ForeignReferences are the references that no foreign key guards, because
// another service owns the record.
func (s *SystemView) ForeignReferences() []string {
	var texts []string
	for i := range s.Services {
		for j := range s.Services[i].Entities {
			entity := &s.Services[i].Entities[j]
			for _, reference := range entity.References {
				if !reference.Local {
					texts = append(texts, "`"+s.Services[i].Name+"."+entity.Name+"."+reference.Field+"` → `"+reference.Service+"."+reference.Entity+"`")
				}
			}
		}
	}
	return texts
}

// PrivateFields are the fields that are accepted and never returned.
func (s *SystemView) PrivateFields() []string {
	var texts []string
	for i := range s.Services {
		for j := range s.Services[i].Entities {
			entity := &s.Services[i].Entities[j]
			for _, field := range entity.Fields {
				if field.Private {
					texts = append(texts, "`"+s.Services[i].Name+"."+entity.Name+"."+field.JSON+"`")
				}
			}
		}
	}
	return texts
}

// FieldText is a field in the grammar of the answers, without its name.
func (s *SystemView) FieldText(field model.FieldPlan) string {
	_, text, _ := strings.Cut(field.String(), ": ")
	return text
}

// ColumnText is a column's type and modifiers.
func (s *SystemView) ColumnText(column model.Column) string {
	return column.Definition()
}

// SortNames are the orders in which a list can be read.
func (e *EntityView) SortNames() []string {
	names := make([]string, len(e.Sorts))
	for i, sort := range e.Sorts {
		names[i] = sort.Name
	}
	return names
}

// FilterNames are the query parameters that narrow a list.
func (e *EntityView) FilterNames() []string {
	names := make([]string, len(e.Filters))
	for i, filter := range e.Filters {
		names[i] = filter.Parameter
	}
	return names
}

// CallerEdges are the calls of one service.
type CallerEdges struct {
	From  string
	Edges []model.Edge
}

// EdgesByCaller is the call graph, grouped by caller in the order of the answers.
func (s *SystemView) EdgesByCaller() []CallerEdges {
	var callers []CallerEdges
	for i := range s.Services {
		caller := CallerEdges{From: s.Services[i].Name}
		for _, edge := range s.Edges {
			if edge.From == caller.From {
				caller.Edges = append(caller.Edges, edge)
			}
		}
		if len(caller.Edges) > 0 {
			callers = append(callers, caller)
		}
	}
	return callers
}

// Connections are what a service holds at its greatest number of pods during a rollout.
func (s *ServiceView) Connections() int {
	return s.Sizing.PoolSize.Int() * (s.Sizing.MaxReplicas.Int() + s.Sizing.Surge.Int())
}

// ErrorShare is the percentage of requests that may fail.
func (s *SystemView) ErrorShare() string {
	return readableText(100 - s.Load.AvailabilitySLO.Value)
}
