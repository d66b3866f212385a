// Command terraform-provider stands in for a Terraform provider: it serves the recorded schema of the
// real one over the plugin protocol, so that the real terraform checks names, types, required
// arguments, blocks and references, and plans. It has no API behind it: what a provider itself would
// check is not checked, and apply invents what the API would have answered.
//
// The schema is TF_SCHEMA_DIR/<type>.json, in the form of `terraform providers schema -json`; the type
// is told by the name under which the program was started: terraform-provider-<type>_v<version>.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tfprotov5/tf5server"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "terraform-provider:", err)
		os.Exit(1)
	}
}

func run() error {
	name, _, _ := strings.Cut(filepath.Base(os.Args[0]), "_")
	name = strings.TrimPrefix(name, "terraform-provider-")
	content, err := os.ReadFile(filepath.Join(os.Getenv("TF_SCHEMA_DIR"), name+".json"))
	if err != nil {
		return err
	}
	var recorded struct {
		Providers map[string]provider `json:"provider_schemas"`
	}
	if err := json.Unmarshal(content, &recorded); err != nil {
		return err
	}
	for address, p := range recorded.Providers {
		return tf5server.Serve(address, func() tfprotov5.ProviderServer { return &server{provider: p} })
	}
	return fmt.Errorf("no schema in %s.json", name)
}
