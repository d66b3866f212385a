package generate

import (
	"testing"

	"codex-design/model"
)

func TestMarkdownTextIsReadAsWords(t *testing.T) {
	for text, want := range map[string]string{
		"Products and prices":        "Products and prices",
		"a | b":                      `a \| b`,
		"<script>alert(1)</script>":  "&lt;script&gt;alert(1)&lt;/script&gt;",
		"*bold* _it_ `code` [a](b)":  "\\*bold\\* \\_it\\_ \\`code\\` \\[a\\](b)",
		"two\nlines\tand   blanks  ": "two lines and blanks",
		`back\slash & more`:          `back\\slash &amp; more`,
	} {
		if got := markdownText(text); got != want {
			t.Errorf("markdownText(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestAboutFallsBackToTheTitle(t *testing.T) {
	service := ServiceView{ServicePlan: model.ServicePlan{Title: "Order line"}}
	if got := service.About(); got != "Order line" {
		t.Errorf("About() = %q", got)
	}
	service.Description = "Lines | of orders"
	if got := service.About(); got != `Lines \| of orders` {
		t.Errorf("About() = %q", got)
	}
}

// localSystem has one deployable for each pool size.
func localSystem(pools ...float64) *SystemView {
	system := &SystemView{}
	for _, pool := range pools {
		service := &ServiceView{}
		service.Sizing.PoolSize = model.Quantity{Value: pool}
		system.Deployables = append(system.Deployables, service)
	}
	return system
}

func TestLocalPostgresHoldsEveryPoolAndMigration(t *testing.T) {
	system := localSystem(8, 20)
	if got, want := system.LocalConnections(), 8+1+20+1+localSpareConnections; got != want {
		t.Errorf("LocalConnections() = %d, want %d", got, want)
	}
	if got := system.LocalPostgresMiB(); got != 768 {
		t.Errorf("LocalPostgresMiB() = %d, want 512 and 4 for each of 40 connections in steps of 256", got)
	}
}

func TestLocalRedisIsNoLargerThanTheRealOne(t *testing.T) {
	for maxMemory, want := range map[float64]int{64: 64, 256: 256, 30000: 256} {
		system := &SystemView{}
		system.Cache = &model.CachePlan{MaxMemory: model.Quantity{Value: maxMemory}}
		if got := system.LocalRedisMiB(); got != want {
			t.Errorf("LocalRedisMiB() = %d for %g, want %d", got, maxMemory, want)
		}
		if system.LocalRedisLimitMiB() <= system.LocalRedisMiB() {
			t.Errorf("a limit of %d MiB leaves no room above %d", system.LocalRedisLimitMiB(), system.LocalRedisMiB())
		}
	}
}

func TestCPUsAreCores(t *testing.T) {
	for millicores, want := range map[float64]string{500: "0.5", 1000: "1", 1250: "1.25", 100: "0.1"} {
		service := ServiceView{}
		service.Sizing.CPULimit = model.Quantity{Value: millicores}
		if got := service.CPUs(); got != want {
			t.Errorf("CPUs() = %q for %g, want %q", got, millicores, want)
		}
	}
}
