package generate

import (
	"slices"
	"strings"

	"codex-design/model"
)

// History is what earlier generations left behind and a new one must respect.
// With the same answers, the same history gives the same bytes. The zero value
// stands for a tree that was never generated.
type History struct {
	Services map[string]ServiceHistory // by DNS name
	Contract bool                      // take away what only the release before needs; it is no longer running
}

// ServiceHistory is the schema that a service's migrations add up to.
type ServiceHistory struct {
	Schema     []model.Table
	Migrations []Migration     // in order
	Contract   *model.Contract // nil where none was recorded
}

// Migration is one migration file as it was written; it is never rewritten.
type Migration struct {
	Name    string // of the file: 001_create_tables.sql
	Content []byte
}

// of finds a service's history under its name or, after a rename, its former one.
func (h History) of(s *ServiceView) (ServiceHistory, bool) {
	past, ok := h.Services[h.nameOf(s)]
	return past, ok
}

// nameOf is the name under which a service is on record. What it was counts only
// while nobody else is called so, or where that one had yet another name before.
func (h History) nameOf(s *ServiceView) string {
	name := s
	for range len(s.System.Services) {
		if _, known := h.Services[name.Was]; name.Was == "" || !known {
			return s.Name
		}
		before := name.Was
		if name = s.System.service(before); name == nil {
			return s.Was
		}
	}
	return s.Name // in a circle
}

func (s *SystemView) service(name string) *ServiceView {
	for i := range s.Services {
		if s.Services[i].Name == name {
			return &s.Services[i]
		}
	}
	return nil
}

// contract is a service's contract behind its history, and what changes by it.
func (h ServiceHistory) contract(s *ServiceView) (model.Contract, []model.ContractChange) {
	contract := model.ContractOf(s.System.Blueprint, s.ServicePlan)
	if h.Contract == nil {
		return contract, nil
	}
	changes := model.CompareContracts(*h.Contract, contract)
	contract.Version = model.NextVersion(h.Contract.Version, changes)
	return contract, changes
}

// after is the system as its templates see it behind a history: the version of a
// service's schema is the number of its newest migration, and that of its API
// follows what changes in it.
func (s *SystemView) after(history History) *SystemView {
	if len(history.Services) == 0 {
		return s
	}
	system := NewSystemView(s.Blueprint)
	for i := range system.Services {
		service := &system.Services[i]
		past, ok := history.of(service)
		if !ok || len(past.Migrations) == 0 {
			continue
		}
		all := slices.Concat(past.Migrations, past.nextMigrations(past.change(service.Schema, history.Contract)))
		newest := all[len(all)-1]
		service.SchemaVersion, _, _ = strings.Cut(newest.Name, "_")
		contract, _ := past.contract(service)
		service.APIVersion = contract.Version
	}
	return system
}
