package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"codex-design/model"
)

// excluded are the answers that rule each other out, as valid designs show.
var excluded = []string{
	"datastores.broker=nats security.tenancy=row-level", "datastores.broker=rabbitmq security.tenancy=row-level",
	"datastores.broker=kafka security.tenancy=row-level", "security.authentication=none security.authorization=rbac",
	"security.authentication=none security.tenancy=row-level",
	"security.authentication=none audit log=yes", "security.authentication=none owners=yes", "security.authorization=none owners=yes",
	"security.tenancy=row-level read model=yes", "owners=yes read model=yes",
}

func TestEveryPairMeets(t *testing.T) {
	factors := factorsOf()
	rows, impossible := cover(factors)
	met := map[pair]bool{}
	for _, r := range rows {
		if problems := model.Check(r.answers(factors)); len(problems) > 0 {
			t.Errorf("%s: %v", r.describe(factors), problems)
		}
		for _, p := range r.pairs() {
			met[p] = true
		}
	}
	var apart []string
	for _, p := range impossible {
		apart = append(apart, factors[p.f].name+"="+factors[p.f].values[p.v].name+" "+factors[p.g].name+"="+factors[p.g].values[p.w].name)
	}
	if !slices.Equal(apart, excluded) {
		t.Errorf("these rule each other out:\n%q\nand these should:\n%q", apart, excluded)
	}
	if pairs := len(allPairs(factors)); len(met)+len(impossible) != pairs {
		t.Errorf("%d of %d pairs meet, and %d cannot", len(met), pairs, len(impossible))
	}
	if len(rows) > 30 {
		t.Errorf("%d designs: too many to hand to every consumer", len(rows))
	}
}

// TestEveryChoiceIsAFactor finds what an answers file can say and no design here does.
func TestEveryChoiceIsAFactor(t *testing.T) {
	said := map[string]bool{}
	for _, f := range factorsOf() {
		for _, v := range f.values {
			said[f.name+"="+v.name] = true
		}
	}
	for _, key := range model.Keys() {
		for _, choice := range key.Choices {
			name := key.Path + "=" + choice.Value
			alone := key.Path == "datastores.database"
			if choice.Unavailable == "" && !said[name] && !(alone && choice.Value == firstAvailable(key)) {
				t.Errorf("no design has %s", name)
			}
		}
	}
	for _, s := range switches {
		if available := model.Unavailable(s.path) == ""; said[s.name+"=yes"] != available {
			t.Errorf("%s: a factor: %v, can be generated: %v", s.path, said[s.name+"=yes"], available)
		}
	}
}

func firstAvailable(key model.Key) string {
	for _, choice := range key.Choices {
		if choice.Unavailable == "" {
			return choice.Value
		}
	}
	return ""
}

func TestTwoRunsWriteTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("makes every design twice")
	}
	first, second := filepath.Join(t.TempDir(), "1"), filepath.Join(t.TempDir(), "2")
	for _, out := range []string{first, second} {
		if err := write(out); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(first, "*", "codex-design.yaml"))
	if len(files) < 9 {
		t.Fatalf("%d designs", len(files))
	}
	for _, file := range files {
		name, _ := filepath.Rel(first, file)
		one, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if two, err := os.ReadFile(filepath.Join(second, name)); err != nil || !slices.Equal(one, two) {
			t.Errorf("%s differs: %v", name, err)
		}
		if _, problems := model.Read(one); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
	if write(first) == nil {
		t.Error("designs were written among others")
	}
}
