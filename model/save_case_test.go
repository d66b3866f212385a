package model

import (
	"strings"
	"testing"
)

const handWritten = `# A shop.
version: 1
name: "shop"   # ours
services:

  # The goods.
  - name: catalog   # first
    cache: true     # hot
    entities:
      # one thing
      - name: product
        fields:
          # stock keeping unit
          - sku: string(32) required   # printed
          - 'title': 'string(200)'
      # - name: old
    # calls: [nobody]

  # The buyers.
  - {name: buyer, entities: [{name: buyer, fields: [{email: email required}]}]}
# the end
`

var saveCases = []struct {
	name   string
	change func(a *Answers)
	old    string // this part of handWritten …
	new    string // … becomes this
}{
	{"a quoted text", func(a *Answers) { a.Name = "store" }, `"shop"   # ours`, `"store"   # ours`},
	{"a new key", func(a *Answers) { a.Description = "All: of it" }, "# ours\n", "# ours\ndescription: \"All: of it\"\n"},
	{"a new section", func(a *Answers) { a.Datastores.Cache = "none" }, "buyer, fields: [{email: email required}]}]}\n",
		"buyer, fields: [{email: email required}]}]}\n\ndatastores:\n  database: postgresql\n  cache: none\n  broker: none\n"},
	{"a key that says nothing any more", func(a *Answers) { a.Services[0].Cache = false }, "    cache: true     # hot\n", ""},
	{"a field's modifier", func(a *Answers) { a.Services[0].Entities[0].Fields[0].Unique = true },
		"string(32) required   # printed", "string(32) required unique   # printed"},
	{"a renamed field", func(a *Answers) {
		f := &a.Services[0].Entities[0].Fields[1]
		f.Name, f.Was = "heading", "title"
	}, "'title': 'string(200)'", "heading: 'string(200) was(title)'"},
	{"a renamed service", func(a *Answers) { a.Services[0].Name, a.Services[0].Was = "goods", "catalog" },
		"name: catalog   # first\n", "name: goods   # first\n    was: catalog\n"},
	{"a new field", func(a *Answers) {
		fields := &a.Services[0].Entities[0].Fields
		*fields = append(*fields, Field{Name: "price", Type: Type{Kind: KindDecimal, Precision: 12, Scale: 2}})
	}, "'title': 'string(200)'\n", "'title': 'string(200)'\n          - price: decimal(12,2)\n"},
	{"a removed field", func(a *Answers) {
		e := &a.Services[0].Entities[0]
		e.Fields = e.Fields[1:]
	}, "          # stock keeping unit\n          - sku: string(32) required   # printed\n", ""},
	{"a removed service", func(a *Answers) { a.Services = a.Services[:1] },
		"\n  # The buyers.\n  - {name: buyer, entities: [{name: buyer, fields: [{email: email required}]}]}\n", ""},
	{"a call", func(a *Answers) { a.Services[0].Calls = []string{"buyer"} },
		"# hot\n", "# hot\n    calls: [buyer]\n"},
	{"a value in braces", func(a *Answers) { a.Services[1].Entities[0].Fields[0].Unique = true },
		"{email: email required}", "{email: email required unique}"},
	{"a key in braces", func(a *Answers) { a.Services[1].Cache = true }, "required}]}]}", "required}]}], cache: true}"},
}

func TestSaveEditsInPlace(t *testing.T) {
	for _, c := range saveCases {
		t.Run(c.name, func(t *testing.T) {
			doc := mustRead(t, handWritten)
			changed := mustRead(t, handWritten).Answers
			c.change(&changed)
			saved, err := doc.Save(changed)
			if err != nil {
				t.Fatal(err)
			}
			if want := replaceOnce(t, handWritten, c.old, c.new); string(saved) != want {
				t.Errorf("got:\n%s\nwant:\n%s", saved, want)
			}
		})
	}
}

func TestSaveMovesCommentsWithTheirService(t *testing.T) {
	doc := mustRead(t, handWritten)
	changed := mustRead(t, handWritten).Answers
	s := changed.Services
	s[0], s[1] = s[1], s[0]
	saved, err := doc.Save(changed)
	if err != nil {
		t.Fatal(err)
	}
	want := `# A shop.
version: 1
name: "shop"   # ours
services:
  # The buyers.
  - {name: buyer, entities: [{name: buyer, fields: [{email: email required}]}]}

  # The goods.
  - name: catalog   # first
    cache: true     # hot
    entities:
      # one thing
      - name: product
        fields:
          # stock keeping unit
          - sku: string(32) required   # printed
          - 'title': 'string(200)'
      # - name: old
    # calls: [nobody]
# the end
`
	if string(saved) != want {
		t.Errorf("got:\n%s\nwant:\n%s", saved, want)
	}
}

func TestSaveTakesOffByteOrderMarkAndCarriageReturns(t *testing.T) {
	doc := mustRead(t, "\ufeffversion: 1\r\nname: shop # ours\r\nservices:\r\n- name: a\r\n  entities: [{name: b, fields: [{c: text}]}]\r\n")
	changed := doc.Answers
	changed.Name = "store"
	saved, err := doc.Save(changed)
	want := "version: 1\nname: store # ours\nservices:\n- name: a\n  entities: [{name: b, fields: [{c: text}]}]\n"
	if err != nil || string(saved) != want {
		t.Errorf("%v\n%q", err, saved)
	}
}

func TestSaveRefusesAFileWithProblems(t *testing.T) {
	doc, problems := Read([]byte("version: 1\nname: shop\nservices: []\n"))
	if len(problems) == 0 {
		t.Fatal("a file without services has no problem")
	}
	if _, err := doc.Save(Defaults()); err == nil {
		t.Error("a file with problems was saved")
	}
}

func replaceOnce(t *testing.T, text, old, new string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q stands %d times in the file", old, strings.Count(text, old))
	}
	return strings.Replace(text, old, new, 1)
}
