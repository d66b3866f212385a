package cli

import (
	"github.com/spf13/cobra"

	"codex-design/model"
)

func schemaCommand(streams Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the answers file",
		Long: `Print the JSON Schema of codex-design.yaml, with which editors complete and
check it while you type.`,
		Example: `  codex-design schema > codex-design.schema.json

  # first line of codex-design.yaml, for editors with a YAML language server:
  # yaml-language-server: $schema=codex-design.schema.json`,
		Args: arguments(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := streams.Out.Write(model.JSONSchema())
			return err
		},
	}
}
