package generate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"codex-design/model"
)

// SchemaPlan is what becomes of the database of one service.
type SchemaPlan struct {
	Service    string   `json:"service"`
	Migrations []string `json:"migrations,omitempty"` // paths of the new ones
	Losses     []string `json:"losses,omitempty"`     // what they lose for good
	Retired    []string `json:"retired,omitempty"`    // what a contraction does, once the release before no longer runs
}

// planHistory works out the history once the artifacts are written, and what of
// the way there needs a yes.
func (p *Plan) planHistory(design Design, artifacts []Artifact) {
	p.next.History = History{Services: map[string]ServiceHistory{}}
	written := migrationsOf(artifacts)
	for i := range design.System.Services {
		service := &design.System.Services[i]
		past, ok := p.prior.History.of(service)
		contract, changes := past.contract(service)
		next := ServiceHistory{Schema: service.Schema, Migrations: written[service.Name], Contract: &contract}
		if ok {
			p.addContract(service.Name, past, contract, changes)
			change := past.change(service.Schema, design.Consent.Contract)
			next.Schema = change.Schema
			p.addSchema(service.Name, past, change, design.Consent)
		}
		if len(next.Migrations) > 0 {
			p.next.History.Services[service.Name] = next
		}
	}
	p.endContracts(design.System)
	if !design.Consent.Breaking {
		p.blockBreaking()
	}
}

func (p *Plan) addSchema(service string, past ServiceHistory, change model.SchemaChange, consent Consent) {
	plan := SchemaPlan{Service: service, Losses: change.Losses(), Retired: change.Retired}
	for _, migration := range past.nextMigrations(change) {
		plan.Migrations = append(plan.Migrations, fmt.Sprintf("services/%s/migrations/%s", service, migration.Name))
	}
	for _, reason := range change.Blocked {
		p.ask(AskContract, service+": "+reason)
	}
	if len(plan.Losses) > 0 && !consent.DataLoss {
		p.ask(AskDataLoss, service+": this loses "+strings.Join(plan.Losses, ", "))
	}
	if len(plan.Migrations)+len(plan.Retired)+len(change.Blocked) > 0 {
		p.Schemas = append(p.Schemas, plan)
	}
}

// migrationsOf are the migrations among artifacts, by service.
func migrationsOf(artifacts []Artifact) map[string][]Migration {
	migrations := map[string][]Migration{}
	for _, artifact := range artifacts {
		if artifact.Owner == Appended {
			service, name := migrationOf(artifact.Path)
			migrations[service] = append(migrations[service], Migration{name, artifact.Content})
		}
	}
	return migrations
}

// ContractPlan is what becomes of what others rely on of one service.
type ContractPlan struct {
	Service string                 `json:"service"`
	From    string                 `json:"from"` // version of the API
	To      string                 `json:"to"`   // empty where the service is gone
	Changes []model.ContractChange `json:"changes"`
}

// Head says what becomes of the version.
func (c ContractPlan) Head() string {
	if c.To == "" {
		return fmt.Sprintf("%s: API %s ends", c.Service, c.From)
	}
	return fmt.Sprintf("%s: API %s becomes %s", c.Service, c.From, c.To)
}

// Lines says it all, a line for each change behind the line of the versions.
func (c ContractPlan) Lines() []string {
	lines := []string{c.Head()}
	for _, change := range c.Changes {
		word := "compatible"
		if change.Breaking {
			word = "breaking"
		}
		line := fmt.Sprintf("%s: %s: %s", c.Service, word, change)
		if len(change.Consumers) > 0 {
			line += " (used by " + strings.Join(change.Consumers, ", ") + ")"
		}
		lines = append(lines, line)
	}
	return lines
}

func (p *Plan) addContract(service string, past ServiceHistory, contract model.Contract, changes []model.ContractChange) {
	if len(changes) > 0 {
		p.Contracts = append(p.Contracts, ContractPlan{Service: service, From: past.Contract.Version, To: contract.Version, Changes: changes})
	}
}

// endContracts adds the services that are no more.
func (p *Plan) endContracts(system *SystemView) {
	kept := map[string]bool{}
	for i := range system.Services {
		kept[p.prior.History.nameOf(&system.Services[i])] = true
	}
	for _, name := range slices.Sorted(maps.Keys(p.prior.History.Services)) {
		if past := p.prior.History.Services[name].Contract; !kept[name] && past != nil {
			gone := model.ContractChange{Rule: "service-gone", Subject: "the service", Text: "is gone", Breaking: true, Consumers: past.Callers}
			p.Contracts = append(p.Contracts, ContractPlan{Service: name, From: past.Version, Changes: []model.ContractChange{gone}})
		}
	}
}

// blockBreaking asks for a yes where somebody would be broken.
func (p *Plan) blockBreaking() {
	for _, contract := range p.Contracts {
		if breaking := model.BreakingChanges(contract.Changes); len(breaking) > 0 {
			p.ask(AskBreaking, contract.Service+": "+sayBreaking(breaking))
		}
	}
}

// sayBreaking names one change, or the first of several.
func sayBreaking(changes []model.ContractChange) string {
	text := changes[0].String()
	switch more := len(changes) - 1; more {
	case 0:
		return text + ", which breaks those who rely on it"
	case 1:
		return text + " and 1 change more break those who rely on them"
	default:
		return fmt.Sprintf("%s and %d changes more break those who rely on them", text, more)
	}
}
