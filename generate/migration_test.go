package generate

import (
	"strings"
	"testing"

	"codex-design/model"
)

func TestMigrationsAreNamedAfterWhatTheyDo(t *testing.T) {
	schema := func(lines ...string) []model.Table {
		entity := model.Entity{Name: "product"}
		for _, line := range lines {
			field, err := model.ParseField(line)
			if err != nil {
				t.Fatal(err)
			}
			entity.Fields = append(entity.Fields, field)
		}
		answers := model.Defaults()
		answers.Services = []model.Service{{Name: "stock", Entities: []model.Entity{entity}}}
		return model.Resolve(answers).Services[0].Schema
	}
	for _, c := range []struct {
		old, new string
		want     string
	}{
		{"a: int", "a: int; weight: int", "002_add_products_weight"},
		{"a: int", "a: int; weight: int min(0); height: int; made_on: date index",
			"002_add_products_weight_height_made_on 003_add_index_products_made_on_created_at_idx 004_validate_products_weight_check"},
		{"title: string(9) required", "name: string(9) required was(title)",
			"002_add_products_name 003_bring_products_name 004_validate_products_name_check_not_null 005_forbid_nulls_in_products_name"},
		{"a: int", "a: int required min(1) fill(1)",
			"002_add_products_a_check_forbid_nulls_in_products_a 003_bring_products_a 004_validate_products_a_check_not_null 005_forbid_nulls_in_products_a"},
		{"a: decimal(4,2)", "a: decimal(6,4)",
			"002_make_room_for_products_a_as_numeric_6_4 003_bring_products_a 004_change_type_of_products_a_from_numeric_4_2_to_numeric_6_4"},
		{"a: int", "a: int; quite_a_long_name_of_a_field: int; another_long_name_of_a_field: int; b: int",
			"002_add_products_quite_a_long_name_of_a_field_and_more"},
	} {
		history := ServiceHistory{Migrations: make([]Migration, 1), Schema: schema(strings.Split(c.old, "; ")...)}
		var names []string
		for _, file := range history.nextMigrations(history.change(schema(strings.Split(c.new, "; ")...), false)) {
			names = append(names, strings.TrimSuffix(file.Name, ".sql"))
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s → %s:\n got %s\nwant %s", c.old, c.new, got, c.want)
		}
	}
	contracted := ServiceHistory{Migrations: make([]Migration, 1), Schema: schema("a: int", "note: text")}
	files := contracted.nextMigrations(contracted.change(schema("a: int"), true))
	if last := files[len(files)-1].Name; last != "003_drop_products_note.sql" {
		t.Errorf("a contraction is called %s", last)
	}
}
