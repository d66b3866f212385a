package model

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func shopAnswers(t *testing.T) Answers {
	t.Helper()
	return Examples()[0].Answers.Clone()
}

func compared(old, new Answers) string {
	var lines []string
	for _, change := range CompareAnswers(old, new) {
		lines = append(lines, change.String())
	}
	return strings.Join(lines, "\n")
}

func TestCompareAnswersNamesWhatDiffers(t *testing.T) {
	field := func(text string) Field {
		f, err := ParseField(text)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for want, change := range map[string]func(a *Answers){
		"": func(*Answers) {},
		"services.catalog.entities.product.fields.price: decimal(12,2) required min(0) → decimal(14,4) required": func(a *Answers) {
			a.Services[0].Entities[1].Fields[3] = field("price: decimal(14,4) required")
		},
		"load.peak_rps: 600 (taken out)":       func(a *Answers) { a.Load.PeakRPS = nil },
		"datastores.cache: redis → none":       func(a *Answers) { a.Datastores.Cache = "none" },
		"services.catalog.cache: true → false": func(a *Answers) { a.Services[0].Cache = false },
		"services.goods.name: catalog → goods": func(a *Answers) { a.Services[0].Name, a.Services[0].Was = "goods", "catalog" },
		"services.catalog.entities.product.fields.cost: price: decimal(12,2) required min(0) → cost: decimal(12,2) required min(0)": func(a *Answers) {
			a.Services[0].Entities[1].Fields[3] = field("cost: decimal(12,2) required min(0) was(price)")
		},
		"services.catalog.entities.product.fields.note: text (new)":                                                  func(a *Answers) { f := &a.Services[0].Entities[1].Fields; *f = append(*f, field("note: text")) },
		"services.catalog.entities.product.fields.sku: string(32) required unique pattern(^[A-Z0-9-]+$) (taken out)": func(a *Answers) { f := &a.Services[0].Entities[1].Fields; *f = slices.Delete(*f, 0, 1) },
		"services.catalog.entities: in another order":                                                                func(a *Answers) { e := a.Services[0].Entities; e[0], e[1] = e[1], e[0] },
		"services.catalog.entities.shelf: an entity of row (new)": func(a *Answers) {
			e := &a.Services[0].Entities
			*e = append(*e, Entity{Name: "shelf", Fields: []Field{field("row: int")}})
		},
	} {
		old := shopAnswers(t)
		new := old.Clone()
		change(&new)
		if got := compared(old, new); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if back := new.Without(CompareAnswers(old, new)...); string(Format(back)) != string(Format(old)) {
			t.Errorf("%s: taking it back gives\n%s", want, Format(back))
		}
	}
}

// TestEveryChangeCanBeTakenBack changes answers at random: without all of the
// changes they are what they were, and without one of them they differ from both
// where there are several.
func TestEveryChangeCanBeTakenBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for round := range 300 {
		old := shopAnswers(t)
		new := old.Clone()
		for n := range 1 + random.IntN(6) {
			changeAnswers(random, &new, n)
		}
		changes := CompareAnswers(old, new)
		if back := new.Without(changes...); string(Format(back)) != string(Format(old)) {
			t.Fatalf("round %d: without\n%s\nthe answers are\n%s", round, compared(old, new), Format(back))
		}
		if same := string(Format(new)) == string(Format(old)); same != (len(changes) == 0) {
			t.Fatalf("round %d: %d changes, the same: %v", round, len(changes), same)
		}
	}
}

func changeAnswers(random *rand.Rand, a *Answers, n int) {
	service := &a.Services[random.IntN(len(a.Services))]
	if len(service.Entities) == 0 {
		return
	}
	entity := &service.Entities[random.IntN(len(service.Entities))]
	switch random.IntN(8) {
	case 0:
		service.Cache = !service.Cache
	case 1:
		entity.Fields = append(entity.Fields, Field{Name: fmt.Sprintf("more_%d", n), Type: Type{Kind: KindText}})
	case 2:
		if len(entity.Fields) > 0 {
			at := random.IntN(len(entity.Fields))
			entity.Fields = slices.Delete(entity.Fields, at, at+1)
		}
	case 3:
		random.Shuffle(len(entity.Fields), func(i, j int) { entity.Fields[i], entity.Fields[j] = entity.Fields[j], entity.Fields[i] })
	case 4:
		if service.Was == "" && !strings.HasPrefix(service.Name, "s-") {
			service.Name, service.Was = fmt.Sprintf("s-%d", n), service.Name
		}
	case 5:
		at := random.IntN(len(service.Entities))
		service.Entities = slices.Delete(service.Entities, at, at+1)
	case 6:
		a.Services = append(a.Services, Service{Name: fmt.Sprintf("new-%d", n)})
	case 7:
		if len(entity.Fields) > 0 {
			f := &entity.Fields[random.IntN(len(entity.Fields))]
			f.Required = !f.Required
		}
	}
}
