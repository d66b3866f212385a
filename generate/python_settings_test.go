package generate

import (
	"strings"
	"testing"

	"codex-design/model"
)

func TestAllowedOriginsReachTheSettings(t *testing.T) {
	for _, c := range []struct {
		origins []string
		want    string
	}{
		{nil, ""},
		{[]string{"https://a.example"}, `    cors_origins: tuple[str, ...] = ("https://a.example",)`},
		{[]string{"https://a.example", "https://b.example"}, `    cors_origins: tuple[str, ...] = ("https://a.example", "https://b.example")`},
	} {
		service := &ServiceView{System: &SystemView{Blueprint: model.Blueprint{Security: model.Security{CORS: c.origins}}}}
		lines := service.SettingLines()
		if c.want == "" && strings.Contains(lines, "cors_origins") || !strings.Contains(lines, c.want) {
			t.Errorf("%v:\n%s", c.origins, lines)
		}
	}
}
