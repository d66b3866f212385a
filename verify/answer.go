package verify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Finding is something that a consumer has against a file; File is as the
// consumer writes it, empty where it names none.
type Finding struct {
	File string
	Message
}

// reader understands an answer. An error means that it cannot be understood.
type reader func(Answer) ([]Finding, error)

// lines finds what patterns match in everything that was printed. Their groups
// file, line, column, rule and text say what is what; a pattern without text
// takes the whole match.
func lines(patterns ...string) reader {
	return linesFrom(0, patterns...)
}

// linesFrom is lines for a consumer that counts lines and columns from
// 1-offset.
func linesFrom(offset int, patterns ...string) reader {
	var compiled []*regexp.Regexp
	for _, pattern := range patterns {
		compiled = append(compiled, regexp.MustCompile("(?m)"+pattern))
	}
	return func(answer Answer) ([]Finding, error) {
		printed := strings.ReplaceAll(answer.Out+"\n"+answer.ErrOut, "\r\n", "\n")
		var findings []Finding
		for _, pattern := range compiled {
			for _, match := range pattern.FindAllStringSubmatch(printed, -1) {
				findings = append(findings, fromMatch(pattern, match, offset))
			}
		}
		return findings, nil
	}
}

func fromMatch(pattern *regexp.Regexp, match []string, offset int) Finding {
	group := func(name string) string {
		if i := pattern.SubexpIndex(name); i >= 0 {
			return strings.TrimSpace(match[i])
		}
		return ""
	}
	number := func(name string) int {
		n, err := strconv.Atoi(group(name))
		if err != nil {
			return 0
		}
		return n + offset
	}
	text := cmp.Or(group("text"), strings.TrimSpace(match[0]))
	if rule := group("rule"); rule != "" {
		text = rule + ": " + text
	}
	return Finding{group("file"), Message{number("line"), number("column"), text}}
}

// listed reads the names of files that all have the same fault.
func listed(pattern, fault string) reader {
	read := lines(pattern)
	return func(answer Answer) ([]Finding, error) {
		findings, err := read(answer)
		for i := range findings {
			findings[i].Text = fault
		}
		return findings, err
	}
}

// whole takes everything that was printed with an exit code other than 0 for one
// message about the call's file; noise are patterns of lines that say nothing,
// and a line number is looked for by the pattern place.
func whole(place string, noise ...string) reader {
	at := regexp.MustCompile(cmp.Or(place, `(?i)\bline (?P<line>\d+)`))
	var skipped []*regexp.Regexp
	for _, pattern := range noise {
		skipped = append(skipped, regexp.MustCompile("(?m)"+pattern))
	}
	return func(answer Answer) ([]Finding, error) {
		if answer.Code == 0 {
			return nil, nil
		}
		text := answer.ErrOut + "\n" + answer.Out
		for _, pattern := range skipped {
			text = pattern.ReplaceAllString(text, "")
		}
		text = strings.TrimSpace(text)
		if text == "" {
			return nil, nil
		}
		message := Message{Text: tail(text)}
		if match := at.FindStringSubmatch(text); match != nil {
			message.Line, _ = strconv.Atoi(match[at.SubexpIndex("line")])
		}
		return []Finding{{Message: message}}, nil
	}
}

// either reads with the first reader that finds something.
func either(readers ...reader) reader {
	return func(answer Answer) ([]Finding, error) {
		for _, read := range readers {
			findings, err := read(answer)
			if err != nil || len(findings) > 0 {
				return findings, err
			}
		}
		return nil, nil
	}
}

// document reads one JSON document from the output, of whatever exit code.
func document[T any](findings func(T) []Finding) reader {
	return func(answer Answer) ([]Finding, error) {
		var value T
		if err := json.Unmarshal([]byte(answer.Out), &value); err != nil {
			return nil, err
		}
		return findings(value), nil
	}
}

// sarif reads the format of that name.
var sarif = document(func(log sarifLog) []Finding {
	var findings []Finding
	for _, run := range log.Runs {
		for _, result := range run.Results {
			finding := Finding{Message: Message{Text: result.Rule + ": " + result.Message.Text}}
			if len(result.Locations) > 0 {
				place := result.Locations[0].Physical
				finding.File = place.Artifact.URI
				finding.Line, finding.Column = place.Region.Line, place.Region.Column
			}
			findings = append(findings, finding)
		}
	}
	return findings
})

type sarifLog struct {
	Runs []struct {
		Results []struct {
			Rule      string                `json:"ruleId"`
			Message   struct{ Text string } `json:"message"`
			Locations []struct {
				Physical struct {
					Artifact struct{ URI string } `json:"artifactLocation"`
					Region   struct {
						Line   int `json:"startLine"`
						Column int `json:"startColumn"`
					} `json:"region"`
				} `json:"physicalLocation"`
			} `json:"locations"`
		} `json:"results"`
	} `json:"runs"`
}

// terraformDiagnostics reads what `terraform validate -json` prints.
var terraformDiagnostics = document(func(answer terraformAnswer) []Finding {
	var findings []Finding
	for _, d := range answer.Diagnostics {
		text := strings.TrimSpace(d.Summary + ": " + d.Detail)
		findings = append(findings, Finding{d.Range.Filename, Message{d.Range.Start.Line, d.Range.Start.Column, text}})
	}
	return findings
})

type terraformAnswer struct {
	Diagnostics []struct {
		Summary, Detail string
		Range           struct {
			Filename string
			Start    struct{ Line, Column int }
		}
	}
}

// failing is the best grade that kube-score itself counts as a failure.
const failing = 1

// scores reads what `kube-score --output-format json` prints. It names objects,
// not files.
var scores = document(func(objects []scoredObject) []Finding {
	var findings []Finding
	for _, object := range objects {
		for _, check := range object.Checks {
			if check.Skipped || check.Grade > failing {
				continue
			}
			text := fmt.Sprintf("%s: %s", object.Name, check.Check.ID)
			for _, comment := range check.Comments {
				text += ": " + strings.TrimSpace(comment.Path+" "+comment.Summary)
			}
			findings = append(findings, Finding{Message: Message{Text: text}})
		}
	}
	return findings
})

type scoredObject struct {
	Name   string `json:"object_name"`
	Checks []struct {
		Check    struct{ ID string }
		Grade    int
		Skipped  bool
		Comments []struct{ Path, Summary string }
	}
}

// checkovResults reads what `checkov --output json` prints: an object for each kind
// of file, alone or in a list, or only counts where it looked at nothing.
func checkovResults(answer Answer) ([]Finding, error) {
	var kinds []checkovKind
	if err := json.Unmarshal([]byte(answer.Out), &kinds); err != nil {
		var one checkovKind
		if err := json.Unmarshal([]byte(answer.Out), &one); err != nil {
			return nil, err
		}
		kinds = []checkovKind{one}
	}
	var findings []Finding
	for _, kind := range kinds {
		for _, failed := range kind.Results.Failed {
			message := Message{Text: fmt.Sprintf("%s: %s (%s)", failed.ID, failed.Name, failed.Resource)}
			if len(failed.Lines) > 0 {
				message.Line = max(failed.Lines[0], 1)
			}
			findings = append(findings, Finding{failed.File, message})
		}
		for _, file := range kind.Results.Unread {
			findings = append(findings, Finding{file, Message{Text: "it cannot be parsed"}})
		}
	}
	return findings, nil
}

type checkovKind struct {
	Results struct {
		Failed []struct {
			ID       string `json:"check_id"`
			Name     string `json:"check_name"`
			File     string `json:"file_path"`
			Resource string `json:"resource"`
			Lines    []int  `json:"file_line_range"`
		} `json:"failed_checks"`
		Unread []string `json:"parsing_errors"`
	} `json:"results"`
}
