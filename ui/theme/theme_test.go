package theme

import "testing"

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		asked       string
		noColor     bool
		environment map[string]string
		want        string
	}{
		{Auto, false, nil, Dark},
		{Auto, false, map[string]string{"COLORFGBG": "0;15"}, Light},
		{Auto, false, map[string]string{"COLORFGBG": "15;0"}, Dark},
		{Auto, false, map[string]string{"COLORFGBG": "0;default;7"}, Light},
		{Light, false, map[string]string{"COLORFGBG": "15;0"}, Light},
		{Dark, false, map[string]string{"COLORFGBG": "0;15"}, Dark},
		{Light, true, nil, Plain},
		{Light, false, map[string]string{"NO_COLOR": "1"}, Plain},
		{Light, false, map[string]string{"TERM": "dumb"}, Plain},
	} {
		if got := Choose(test.asked, test.noColor, func(name string) string { return test.environment[name] }); got != test.want {
			t.Errorf("%+v gives %s", test, got)
		}
	}
}
