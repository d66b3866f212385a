package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

type provider struct {
	Provider    schema            `json:"provider"`
	Resources   map[string]schema `json:"resource_schemas"`
	DataSources map[string]schema `json:"data_source_schemas"`
}

type schema struct {
	Version int64 `json:"version"`
	Block   block `json:"block"`
}

type block struct {
	Attributes map[string]attribute   `json:"attributes"`
	Blocks     map[string]nestedBlock `json:"block_types"`
}

type attribute struct {
	Type                         attributeType
	Required, Optional, Computed bool
}

type nestedBlock struct {
	Nesting  string `json:"nesting_mode"`
	Block    block  `json:"block"`
	MinItems int64  `json:"min_items"`
	MaxItems int64  `json:"max_items"`
}

// attributeType is a type in Terraform's notation: "string", ["list", "string"], ["object", {…}].
type attributeType struct{ tftypes.Type }

func (t *attributeType) UnmarshalJSON(content []byte) error {
	var name string
	if json.Unmarshal(content, &name) == nil {
		return t.primitive(name)
	}
	var parts [2]json.RawMessage
	if err := json.Unmarshal(content, &parts); err != nil {
		return err
	}
	if err := json.Unmarshal(parts[0], &name); err != nil {
		return err
	}
	if name == "object" {
		return t.object(parts[1])
	}
	var element attributeType
	if err := json.Unmarshal(parts[1], &element); err != nil {
		return err
	}
	switch name {
	case "list":
		t.Type = tftypes.List{ElementType: element.Type}
	case "set":
		t.Type = tftypes.Set{ElementType: element.Type}
	case "map":
		t.Type = tftypes.Map{ElementType: element.Type}
	default:
		return fmt.Errorf("unknown type %q", name)
	}
	return nil
}

func (t *attributeType) primitive(name string) error {
	known := map[string]tftypes.Type{
		"string": tftypes.String, "number": tftypes.Number, "bool": tftypes.Bool, "dynamic": tftypes.DynamicPseudoType,
	}
	t.Type = known[name]
	if t.Type == nil {
		return fmt.Errorf("unknown type %q", name)
	}
	return nil
}

func (t *attributeType) object(content []byte) error {
	var fields map[string]attributeType
	if err := json.Unmarshal(content, &fields); err != nil {
		return err
	}
	types := map[string]tftypes.Type{}
	for name, field := range fields {
		types[name] = field.Type
	}
	t.Type = tftypes.Object{AttributeTypes: types}
	return nil
}

func (s schema) protocol() *tfprotov5.Schema {
	return &tfprotov5.Schema{Version: s.Version, Block: s.Block.protocol()}
}

func (s schema) valueType() tftypes.Type { return s.protocol().ValueType() }

var nestings = map[string]tfprotov5.SchemaNestedBlockNestingMode{
	"single": tfprotov5.SchemaNestedBlockNestingModeSingle,
	"list":   tfprotov5.SchemaNestedBlockNestingModeList,
	"set":    tfprotov5.SchemaNestedBlockNestingModeSet,
	"map":    tfprotov5.SchemaNestedBlockNestingModeMap,
}

func (b block) protocol() *tfprotov5.SchemaBlock {
	out := &tfprotov5.SchemaBlock{}
	for _, name := range slices.Sorted(maps.Keys(b.Attributes)) {
		a := b.Attributes[name]
		out.Attributes = append(out.Attributes, &tfprotov5.SchemaAttribute{
			Name: name, Type: a.Type.Type, Required: a.Required, Optional: a.Optional, Computed: a.Computed,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(b.Blocks)) {
		n := b.Blocks[name]
		out.BlockTypes = append(out.BlockTypes, &tfprotov5.SchemaNestedBlock{
			TypeName: name, Block: n.Block.protocol(), Nesting: nestings[n.Nesting], MinItems: n.MinItems, MaxItems: n.MaxItems,
		})
	}
	return out
}
