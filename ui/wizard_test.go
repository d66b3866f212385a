package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/spf13/afero"

	"codex-design/generate"
	"codex-design/model"
)

const shopFile = `# our shop
version: 1
name: shop
architecture: microservices
scale: small

services:
  - name: catalog # the goods
    entities:
      - name: product
        fields:
          - sku: string(32) required unique
          - price: decimal(12,2) required
  - name: order
    entities:
      - name: order
        fields:
          - placed_at: timestamp required index
      - name: line
        fields:
          - order: ref(order) required
          - product: ref(catalog.product) required
    calls: [catalog]

datastores:
  database: postgresql
  cache: redis
  broker: none

security:
  authentication: none
  authorization: none
  secrets: files
  tenancy: none

delivery:
  gateway: none
  pipeline: none
`

// saved opens the wizard on a saved file.
func saved(t testing.TB, text string) *robot {
	t.Helper()
	document, problems := model.Read([]byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	options := testOptions(t)
	options.Document, options.Path, options.Source = document, "shop/codex-design.yaml", []byte(text)
	return start(t, options)
}

func TestWholeRunWritesASystem(t *testing.T) {
	r := start(t, testOptions(t)).shop()
	r.sees("create").press("c").at("commit").sees("Press enter to write").press("enter")
	r.sees("Done").sees("cd shop").sees("codex-design undo").sees("codex-design shop/codex-design.yaml --yes --out shop")
	text, err := afero.ReadFile(r.target, generate.AnswersPath)
	if err != nil || string(text) != r.answers() {
		t.Fatalf("the answers file holds %q, %v; want %q", text, err, r.answers())
	}
	if r.press("enter"); !r.Quit || !r.m.result.Committed {
		t.Fatal("the done page does not leave")
	}
}

func TestWizardAndFileGiveTheSameBytes(t *testing.T) {
	r := start(t, testOptions(t)).shop()
	document, problems := model.Read([]byte(strings.NewReplacer("# our shop\n", "", " # the goods", "", "    calls: [catalog]\n", "").Replace(shopFile)))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, want := r.answers(), string(model.Format(document.Answers)); got != want {
		t.Fatalf("the wizard gives\n%s\nthe file gives\n%s", got, want)
	}
}

func TestReopeningShowsTheReviewAndNothingToWrite(t *testing.T) {
	first := start(t, testOptions(t)).shop().press("c", "enter")
	text, _ := afero.ReadFile(first.target, generate.AnswersPath)
	document, _ := model.Read(text)
	options := testOptions(t)
	options.Place = func(string, string) Place { return Place{Fs: first.target, Name: "shop"} }
	options.Document, options.Path, options.Source = document, "shop/codex-design.yaml", text
	r := start(t, options).at("review").sees("unchanged")
	if counts := r.m.works.plan.plan.Counts(); counts[generate.Unchanged] != len(r.m.works.plan.plan.Changes) {
		t.Fatalf("the plan says %v", counts)
	}
	r.press("ctrl+c")
	if !r.Quit {
		t.Fatal("leaving asks although nothing was changed")
	}
}

func TestValidationBlocksForwardAndNeverBack(t *testing.T) {
	r := start(t, testOptions(t)).press("enter", "Not A Name", "ctrl+n").at("project").sees("Mend this first").sees("✗")
	r.press("ctrl+p").seesNot("Project 1/")
	r.press("enter").at("project")
}

func TestGoingBackKeepsTheAnswers(t *testing.T) {
	r := start(t, testOptions(t)).shop()
	before := r.answers()
	for range len(steps) {
		r.press("ctrl+p")
	}
	r.sees("Go on with shop").press("enter")
	for range reviewStep {
		r.press("ctrl+n")
	}
	r.at("review")
	if r.answers() != before {
		t.Fatalf("answers changed from\n%s\nto\n%s", before, r.answers())
	}
}

func TestRailJumpsToAnyStep(t *testing.T) {
	r := start(t, testOptions(t)).press("enter", "shop", "ctrl+g", "down", "down", "down", "enter").at("services")
	r.press("ctrl+g", "esc").at("services")
	r.press("ctrl+g", "end").press("down", "down", "down", "down", "down", "down", "down", "down", "enter")
	r.sees("Problems and findings").sees("services is empty")
}

func TestRenamingASavedThingStatesItsFormerName(t *testing.T) {
	r := saved(t, shopFile).at("review")
	r.m.goTo(stepIndex("services"))
	r.press("r", "ctrl+u", "goods", "enter").sees("was catalog")
	a := r.m.design.answers
	if a.Services[0].Was != "catalog" || a.Services[1].Calls[0] != "goods" {
		t.Fatalf("renamed service: was %q, calls %v", a.Services[0].Was, a.Services[1].Calls)
	}
	if ref := a.Services[1].Entities[1].Fields[1].Type; ref.Service != "goods" {
		t.Fatalf("the reference still says %q", ref.Service)
	}
	r.press("r", "ctrl+u", "catalog", "enter").seesNot("was")
	if r.answers() != string(model.Format(r.m.design.base.answers)) {
		t.Fatal("renaming back does not give the saved design")
	}
}

func TestRenamingSomethingNewStatesNothing(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("services"))
	r.press("a", "stock", "enter", "esc", "r", "ctrl+u", "store", "enter")
	if s := r.m.design.answers.Services[2]; s.Name != "store" || s.Was != "" {
		t.Fatalf("got %q, was %q", s.Name, s.Was)
	}
}

func TestRenamingAnEntityAndAField(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("entities"))
	r.press("down", "r", "ctrl+u", "item", "enter").sees("was prod")
	if ref := r.m.design.answers.Services[1].Entities[1].Fields[1].Type; ref.Entity != "item" {
		t.Fatalf("the reference still says %q", ref.Entity)
	}
	r.m.goTo(stepIndex("fields"))
	r.press("down", "down", "enter", "ctrl+u", "amount: decimal(12,2) required", "enter")
	if f := r.m.design.answers.Services[0].Entities[0].Fields[1]; f.Was != "price" {
		t.Fatalf("the field is %q", f)
	}
}

func TestListKeys(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("services"))
	names := func() string {
		var list []string
		for _, s := range r.m.design.answers.Services {
			list = append(list, s.Name)
		}
		return strings.Join(list, " ")
	}
	check := func(want string) {
		t.Helper()
		if got := names(); got != want {
			t.Fatalf("services are %q, want %q", got, want)
		}
	}
	r.press("J")
	check("order catalog")
	r.press("K")
	check("catalog order")
	r.press("d")
	check("order")
	r.sees("u brings it back").press("u")
	check("catalog order")
	r.press("ctrl+y")
	check("order")
	r.press("ctrl+z", "c", "ctrl+u", "copy", "enter")
	check("catalog copy order")
	if s := r.m.design.answers.Services[1]; len(s.Entities) != 1 || s.Was != "" {
		t.Fatalf("the copy is %+v", s)
	}
}

func TestUndoTakesAWholeWordBack(t *testing.T) {
	r := start(t, testOptions(t)).press("enter", "shop", "enter", "sells things")
	r.press("ctrl+z")
	if a := r.m.design.answers; a.Description != "" || a.Name != "shop" {
		t.Fatalf("after undo: %q, %q", a.Name, a.Description)
	}
	r.press("ctrl+z")
	if name := r.m.design.answers.Name; name != "" {
		t.Fatalf("after the second undo: %q", name)
	}
	r.press("ctrl+z").sees("Nothing to undo").press("ctrl+y", "ctrl+y")
	if a := r.m.design.answers; a.Description != "sells things" || a.Name != "shop" {
		t.Fatalf("after redo: %q, %q", a.Name, a.Description)
	}
}

func TestPasteOfSeveralLinesAddsSeveralFields(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("fields"))
	r.press("a").paste("- title: string(200) required\n- weight: float\r\n\nbroken line\n")
	r.sees("a field is written").sees("broken line")
	r.press("esc")
	fields := r.m.design.answers.Services[0].Entities[0].Fields
	if len(fields) != 4 || fields[3].Name != "weight" {
		t.Fatalf("fields are %v", fields)
	}
}

func TestPasteIntoAnAnswerStaysOneLine(t *testing.T) {
	r := start(t, testOptions(t)).press("enter", "down").paste("sells\r\nthings")
	if got := r.m.design.answers.Description; got != "sells things" {
		t.Fatalf("got %q", got)
	}
	r.at("project")
}

func TestKeyBurstsAreSeveralKeys(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("fields"))
	r.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("jjj")})
	if got := r.m.page().(*listPage).scroll.Cursor; got != 3 {
		t.Fatalf("three quick j moved the cursor by %d", got)
	}
	r.Send(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune("anote: text")})
	r.press("enter")
	if got := fieldAt(&r.m.design.answers, spot{1, 0, 1, -1}).String(); got != "note: text" {
		t.Fatalf("got %q", got)
	}
}

func TestFieldFormAndLineChangeTheSame(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("fields"))
	r.press("down", "f").sees("As one line").press("down", "ctrl+u", "code", "down")
	form := r.m.page().(*listPage).form
	form.to("services[0].entities[0].fields[0].length")
	r.press("ctrl+u", "64")
	form.to("services[0].entities[0].fields[0].unique")
	r.press("space")
	if got := fieldAt(&r.m.design.answers, spot{0, 0, 0, -1}).String(); got != "code: string(64) required was(sku)" {
		t.Fatalf("got %q", got)
	}
	r.press("esc").sees("code: string(64) required was(sku)")
}

func TestChoiceThatCannotBeGeneratedYetSaysWhy(t *testing.T) {
	r := start(t, testOptions(t)).press("enter", "shop", "enter", "enter").at("architecture").sees("not yet")
	r.press("down", "space").sees("not generated yet").at("architecture")
	if got := r.m.design.answers.Architecture; got != model.Microservices {
		t.Fatalf("took %q", got)
	}
}

func TestIssuerIsAskedForWithTokensAlone(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("security"))
	form := r.m.page().(*formPage).form
	if r.press("up", "up", "space"); r.m.design.answers.Security.Authentication != "oidc" {
		t.Fatalf("chose %q", r.m.design.answers.Security.Authentication)
	}
	form.to("security.oidc.issuer")
	r.press("https://id.shop.example").sees("URL of the identity provider").at("security")
	form.to("security.oidc.audience")
	r.press("shop-api")
	if got, want := r.m.design.answers.Security.OIDC, (model.OIDC{Issuer: "https://id.shop.example", Audience: "shop-api"}); got != want {
		t.Fatalf("got %v", got)
	}
	form.to("security.authentication")
	if r.press("down", "space"); slices.ContainsFunc(form.questions, func(q question) bool { return q.key == "security.oidc.issuer" }) {
		t.Fatal("asks for the issuer of keys")
	}
}

func TestScaleFillsInTheLoad(t *testing.T) {
	r := start(t, testOptions(t)).press("enter", "shop")
	r.m.goTo(stepIndex("scale"))
	form := r.m.page().(*formPage).form
	form.to("load.peak_rps")
	preset := *model.Preset(model.Small).PeakRPS
	if got := form.field().Value(); got != numberText(&preset) {
		t.Fatalf("pre-filled with %q, want %v", got, preset)
	}
	r.press("ctrl+u", "600")
	if got := r.m.design.answers.Load.PeakRPS; got == nil || *got != 600 {
		t.Fatalf("got %v", got)
	}
	r.press("ctrl+u", "ten", "enter").sees("not a number")
	form.to("load.peak_rps")
	r.press("ctrl+u", numberText(&preset))
	if got := r.m.design.answers.Load.PeakRPS; got != nil {
		t.Fatalf("the preset was saved as %v", *got)
	}
}

func TestDraftSurvivesACrash(t *testing.T) {
	options := testOptions(t)
	r := start(t, options).press("enter", "shop", "enter", "half a sent")
	before := r.m.design.answers
	again := start(t, options).sees("The draft that was left").press("enter").at("project").sees("shop").sees("draft kept")
	if got := again.m.design.answers; got.Description != before.Description || got.Name != before.Name {
		t.Fatalf("resumed %q, %q", got.Name, got.Description)
	}
	again.press("ctrl+c").sees("Leave?").press("d")
	if !again.Quit {
		t.Fatal("did not leave")
	}
	start(t, options).seesNot("The draft that was left")
}

func TestDraftIsNotReplacedUnasked(t *testing.T) {
	options := testOptions(t)
	start(t, options).press("enter", "shop")
	r := start(t, options).press("down", "enter").at("project").press("z").sees("A draft was left")
	start(t, options).sees("shop · no services")
	r.press("d", "oo").at("project").seesNot("A draft was left")
	start(t, options).sees("zoo · no services")
}

func TestDraftGoesAfterTheCommit(t *testing.T) {
	options := testOptions(t)
	start(t, options).shop().press("c", "enter").sees("Done")
	start(t, options).seesNot("The draft that was left")
}

func TestLeavingAsksOnlyWithUnsavedWork(t *testing.T) {
	if r := start(t, testOptions(t)).press("ctrl+c"); !r.Quit {
		t.Fatal("the start page asks")
	}
	r := start(t, testOptions(t)).press("enter", "shop", "ctrl+c").sees("Leave?")
	if r.press("esc").at("project"); r.Quit {
		t.Fatal("esc left")
	}
	if r.press("ctrl+c", "enter"); !r.Quit {
		t.Fatal("enter did not leave")
	}
}

func TestHelpListsTheKeysOfHere(t *testing.T) {
	r := saved(t, shopFile).press("?").sees("Keys").sees("filter").press("esc")
	r.m.goTo(stepIndex("services"))
	r.press("?").sees("rename").press("esc")
	r.m.goTo(0)
	r.press("?")
	if got := r.m.design.answers.Name; got != "shop?" {
		t.Fatalf("a question mark in a text gave %q", got)
	}
	r.press("backspace", "f1").sees("Keys")
}

func TestFilterFindsFiles(t *testing.T) {
	r := saved(t, shopFile).press("/", "capaci").sees("architecture/capacity.md").press("enter", "enter")
	r.sees("capacity.md").press("esc", "/", "esc").sees("services/")
}

func TestViewsOfAFile(t *testing.T) {
	r := saved(t, shopFile)
	r.m.preview.tree.Reveal("architecture/capacity.md")
	r.press("home", "/", "readme.md", "enter").sees("rendered").press("v").sees("raw").press("v").sees("diff").sees("1 + # Shop")
}

func TestEditedFileIsKeptAndReported(t *testing.T) {
	r := start(t, testOptions(t)).shop().press("c", "enter")
	if err := afero.WriteFile(r.target, "README.md", []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.press("esc").at("review")
	r.m.goTo(stepIndex("scale"))
	r.press("ctrl+g", "end").m.goTo(reviewStep)
	r.Send(nil)
	r.press("c").sees("left as they are").press("enter")
	if text, _ := afero.ReadFile(r.target, "README.md"); string(text) != "mine\n" {
		t.Fatalf("the edit was lost: %q", text)
	}
}

func TestLateResultsAreDropped(t *testing.T) {
	r := saved(t, shopFile)
	shown := r.m.preview.shown
	r.Send(fileMade{want: fileKey{path: "other"}})
	r.Send(computed{gen: r.m.gen - 1, problems: []model.Problem{{Message: "old"}}})
	if r.m.preview.shown != shown || len(r.m.works.done.problems) > 0 {
		t.Fatal("a late result was taken")
	}
}

func TestOpenAFileFromTheStartPage(t *testing.T) {
	options := testOptions(t)
	if err := afero.WriteFile(options.Files, "my/codex-design.yaml", []byte(shopFile), 0o644); err != nil {
		t.Fatal(err)
	}
	r := start(t, options).press("down", "enter", "nothing.yaml", "enter").sees("There is no file nothing.yaml")
	r.press("ctrl+u", "my/codex-design.yaml", "enter").at("review").sees("shop")
}

func TestSavingKeepsComments(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(0)
	r.press("down", "Sells things.")
	r.m.goTo(reviewStep)
	r.press("c", "enter").sees("Done")
	text, _ := afero.ReadFile(r.target, generate.AnswersPath)
	if !strings.Contains(string(text), "# our shop") || !strings.Contains(string(text), "# the goods") || !strings.Contains(string(text), "Sells things.") {
		t.Fatalf("got\n%s", text)
	}
}

func TestEveryAnswerHasAStep(t *testing.T) {
	for _, key := range model.Keys() {
		path := strings.ReplaceAll(key.Path, "[]", "[0]")
		if !slices.ContainsFunc(steps, func(s step) bool { return s.owns != nil && s.owns.MatchString(path) }) {
			t.Errorf("no step owns %s", path)
		}
	}
}

func TestFindingStandsAtTheRowThatCausesIt(t *testing.T) {
	text := strings.Replace(shopFile, "    entities:\n      - name: product", "    calls: [order]\n    entities:\n      - name: product", 1)
	r := saved(t, text)
	if len(r.m.works.done.system.Findings) == 0 {
		t.Fatal("two services that call each other are no finding")
	}
	r.m.goTo(stepIndex("connections"))
	r.sees("▲ order").press("]")
	for _, finding := range r.m.works.done.system.Findings {
		if strings.HasPrefix(finding.Path, "services") {
			r.sees(strings.Join(strings.Fields(finding.Message)[:3], " "))
		}
	}
}

func TestChoicesSayWhatTheyChangeOfTheBill(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("datastores"))
	r.press("down", "down", "down").sees(" USD")
	r.m.goTo(stepIndex("scale"))
	r.press("down").sees(" USD").sees("pods")
}

func TestArchitecturesAreComparedSideBySide(t *testing.T) {
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("architecture"))
	r.press("down")
	shapes := map[model.Architecture]model.Shape{}
	for _, shape := range model.Shapes(r.m.design.answers) {
		shapes[shape.Architecture] = shape
	}
	services, host := shapes[model.Microservices], shapes[model.Monolith]
	rows := []string{"microservices  monolith", fmt.Sprintf("deployed   %-13d  %d ", services.Deployables, host.Deployables),
		fmt.Sprintf("USD/month  %-13s  %.0f–%.0f ", fmt.Sprintf("%.0f–%.0f", services.Low, services.High), host.Low, host.High), "in process"}
	for _, size := range [][2]int{{120, 40}, {80, 24}} {
		r.Send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for _, row := range rows {
			r.sees(row)
		}
	}
	r.Send(tea.WindowSizeMsg{Width: 40, Height: 24})
	r.seesNot("microservices  monolith")
}
