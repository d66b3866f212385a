package generate

import (
	"io/fs"
	"slices"
	"strings"
	"testing"

	"codex-design/model"
	"codex-design/templates"
)

func TestSystemsGetTheMessagingOfTheirBroker(t *testing.T) {
	adapters := func(names ...string) (files []string) {
		for _, name := range names {
			files = append(files, "libs/kit/src/kit/messaging/"+name+".py", "libs/kit/src/kit/testing/brokers/"+name+".py")
		}
		return files
	}
	shared := []string{
		"libs/kit/src/kit/command.py",
		"libs/kit/src/kit/messaging/__init__.py",
		"libs/kit/src/kit/messaging/outbox.py",
		"libs/kit/src/kit/testing/brokers/__init__.py",
		"libs/kit/src/kit/testing/brokers/__main__.py",
		"libs/kit/tests/migrations/002_create_outbox.sql",
		"libs/kit/tests/migrations/003_create_applied.sql",
		"libs/kit/tests/postbox/__init__.py",
		"libs/kit/tests/test_messaging.py",
	}
	kinds := []string{"nats", "rabbitmq", "kafka"}
	none := append(adapters(kinds...), shared...)
	for _, kind := range append(kinds, "none") {
		t.Run(kind, func(t *testing.T) {
			system := shop()
			wanted, unwanted := []string(nil), none
			if system.Broker = nil; kind != "none" {
				system.Broker = &model.BrokerPlan{Kind: kind}
				others := slices.DeleteFunc(slices.Clone(kinds), func(other string) bool { return other == kind })
				wanted, unwanted = append(adapters(kind), shared...), adapters(others...)
			}
			files := kitFiles(t, system)
			for _, file := range wanted {
				if !slices.Contains(files, file) {
					t.Errorf("%s is not there", file)
				}
			}
			for _, file := range unwanted {
				if slices.Contains(files, file) {
					t.Errorf("%s is there", file)
				}
			}
			for _, file := range files {
				if kind == "none" && strings.Contains(file, "messaging") {
					t.Errorf("%s is there", file)
				}
			}
		})
	}
}

// kitFiles lists what a system has of the kit.
func kitFiles(t *testing.T, system *SystemView) (files []string) {
	t.Helper()
	err := fs.WalkDir(templates.FS, "libs/kit", func(path string, entry fs.DirEntry, err error) error {
		if asked := ruleFor(path).asked; err == nil && !entry.IsDir() && (asked == nil || asked(system)) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
