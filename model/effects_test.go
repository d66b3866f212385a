package model

import "testing"

func TestEffectsCompareWithTheAnswersAsTheyAre(t *testing.T) {
	shop := Examples()[0].Answers
	cache := Effects(shop, "datastores.cache")
	if cache["redis"] != (Effect{}) {
		t.Errorf("the present value costs %v", cache["redis"])
	}
	if cache["none"].Monthly >= 0 {
		t.Errorf("no cache costs %v more a month; a cache is a server less", cache["none"].Monthly)
	}
	scale := Effects(shop, "scale")
	if scale["small"].Monthly >= scale["large"].Monthly || scale["small"].Pods >= 0 {
		t.Errorf("small changes %v, large %v", scale["small"], scale["large"])
	}
}

func TestEffectsLeaveOutWhatCannotBeChosen(t *testing.T) {
	if _, ok := Effects(Examples()[0].Answers, "datastores.database")["dynamodb"]; ok {
		t.Error("a database that the architecture rules out has an effect")
	}
}
