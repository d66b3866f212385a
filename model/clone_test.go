package model

import (
	"reflect"
	"testing"
)

func TestCloneSharesNothing(t *testing.T) {
	original := Examples()[0].Answers
	original.Load.PeakRPS = ptr(600.0)
	copied, again := original.Clone(), original.Clone()
	if !reflect.DeepEqual(copied, original) {
		t.Fatalf("the copy is another design:\n%+v\n%+v", copied, original)
	}
	*copied.Load.PeakRPS = 1
	copied.Services[0].Cache = !copied.Services[0].Cache
	copied.Services[0].Entities[0].Fields[0].Name = "other"
	if !reflect.DeepEqual(again, original) {
		t.Error("changing the copy changed the original")
	}
}

// TestSetLeavesOtherCopiesAlone guards the file that answers came from: what it
// says is compared with the changed answers when it is saved.
func TestSetLeavesOtherCopiesAlone(t *testing.T) {
	document, problems := Read(Examples()[0].Source)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	answers := document.Answers
	name := answers.Services[0].Name
	if err := Set(&answers, "services."+name+".description", "changed"); err != nil {
		t.Fatal(err)
	}
	if document.Answers.Services[0].Description == "changed" {
		t.Error("setting an answer changed the document that it was read from")
	}
	saved, err := document.Save(answers)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Read(saved); again == nil || !reflect.DeepEqual(again.Answers, answers) {
		t.Error("the changed answer was not saved")
	}
}
