package ui

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
)

// dictate answers the line prompts with the given lines.
func dictate(t *testing.T, options Options, lines ...string) (Result, string, error) {
	t.Helper()
	var out bytes.Buffer
	options.Accessible, options.Out = true, &out
	options.In = strings.NewReader(strings.Join(lines, "\n") + "\n")
	result, err := Run(context.Background(), options)
	return result, out.String(), err
}

// spokenShop is the small shop of the robot, line by line.
var spokenShop = []string{
	"1", "shop", "", // start, name, description
	"",                                                 // architecture
	"", "", "", "", "", "", "", "", "", "", "", "", "", // scale and load
	"",                         // the last input
	"a catalog", "a order", "", // services
	"a product", "", "a order", "a line", "", // entities
	"a sku: string(32) required unique", "a price: decimal(12,2) required", "",
	"a placed_at: timestamp required index", "",
	"a order: ref(order) required", "a product: ref(catalog.product) required", "",
	"", "", // connections
	"", "", "", // datastores
	"", "", "", "", "", "", "", // security: what cannot be answered yet is not asked
	"", "", // delivery
}

func TestLinePromptsGiveTheSameAnswersAsTheWindow(t *testing.T) {
	options := testOptions(t)
	result, said, err := dictate(t, options, append(spokenShop, "f", "w")...)
	if err != nil || !result.Committed {
		t.Fatalf("%v\n%s", err, said)
	}
	if got, want := string(model.Format(result.Answers)), start(t, testOptions(t)).shop().answers(); got != want {
		t.Fatalf("the prompts give\n%s\nthe window gives\n%s", got, want)
	}
	if exists, _ := afero.Exists(options.Place("", "").Fs, generate.AnswersPath); !exists {
		t.Fatal("nothing was written")
	}
	if strings.Contains(said, "\x1b") {
		t.Fatal("the prompts hold an escape")
	}
}

func TestLinePromptsReopenASavedFile(t *testing.T) {
	document, _ := model.Read([]byte(shopFile))
	options := testOptions(t)
	options.Document, options.Path, options.Source = document, "shop/codex-design.yaml", []byte(shopFile)
	_, said, err := dictate(t, options, "t", "store", ":undo", ":back", ":quit")
	if !errors.Is(err, ErrInterrupted) || !strings.Contains(said, "Review. Into shop") || !strings.Contains(said, "Undone.") {
		t.Fatalf("%v\n%s", err, said)
	}
}

func TestLinePromptsSayWhatIsWrong(t *testing.T) {
	for answer, want := range map[string]string{
		"1\nNot A Name\n\n:quit": "To mend: name",
		"1\nshop\n\n2\n:quit":    "That does not do",
		"1\nshop\n\nquantum\n":   "none of the choices",
		"1\nshop\n\n1\n9\n":      "there is no 9",
	} {
		_, said, err := dictate(t, testOptions(t), answer)
		if !errors.Is(err, ErrInterrupted) || !strings.Contains(said, want) {
			t.Errorf("after %q: %v, and %q is not in\n%s", answer, err, want, said)
		}
	}
}

func TestLinePromptsChangeLists(t *testing.T) {
	document, _ := model.Read([]byte(shopFile))
	options := testOptions(t)
	options.Document, options.Path = document, "shop/codex-design.yaml"
	lines := append([]string{"t"}, make([]string, 2+1+14)...)
	lines = append(lines, "r 1 goods", "c 2", "n 2", "d 3", "u 2", "e 9", "x 1", "e 1", "", "", "yes", "", "", "", ":quit")
	result, said, _ := dictate(t, options, lines...)
	names := []string{}
	for _, s := range result.Answers.Services {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, " "); got != "order-2 goods" || !result.Answers.Services[1].Cache && !result.Answers.Services[0].Cache {
		t.Fatalf("services are %q\n%s", got, said)
	}
}
