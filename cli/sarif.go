package cli

import (
	"path/filepath"

	"codex-design/model"
)

// The part of SARIF 2.1.0 (OASIS) that code scanning reads.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifMessage    `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
	}
)

var sarifLevels = map[model.Severity]string{
	model.SeverityError:   "error",
	model.SeverityWarning: "warning",
	model.SeverityInfo:    "note",
}

// ruleAnswers is the id under which unusable answers are reported.
const ruleAnswers = "ANSWERS"

func (c checked) sarif() sarifLog {
	results := []sarifResult{}
	for _, problem := range c.Problems {
		results = append(results, c.sarifResult(ruleAnswers, "error", problem.Message, problem.Hint, problem.Line, problem.Column))
	}
	for _, finding := range c.Findings {
		results = append(results, c.sarifResult(finding.Rule, sarifLevels[finding.Severity], finding.Message, finding.Hint, finding.Line, finding.Column))
	}
	rules := []sarifRule{}
	seen := map[string]bool{}
	for _, result := range results {
		if !seen[result.RuleID] {
			seen[result.RuleID] = true
			rules = append(rules, sarifRule{result.RuleID})
		}
	}
	driver := sarifDriver{Name: "codex-design", Version: Version, Rules: rules}
	return sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{{Tool: sarifTool{driver}, Results: results}},
	}
}

func (c checked) sarifResult(rule, level, message, hint string, line, column int) sarifResult {
	if hint != "" {
		message += ". " + hint
	}
	place := sarifPhysical{ArtifactLocation: sarifArtifact{filepath.ToSlash(c.File)}}
	if line > 0 {
		place.Region = &sarifRegion{line, column}
	}
	return sarifResult{RuleID: rule, Level: level, Message: sarifMessage{message}, Locations: []sarifLocation{{place}}}
}
