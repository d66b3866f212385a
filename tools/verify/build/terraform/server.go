package main

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov5"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// server answers what validate, plan, test and apply ask; terraform never calls the rest.
type server struct {
	tfprotov5.ProviderServer
	provider provider
}

var capabilities = &tfprotov5.ServerCapabilities{GetProviderSchemaOptional: true}

func (s *server) GetMetadata(context.Context, *tfprotov5.GetMetadataRequest) (*tfprotov5.GetMetadataResponse, error) {
	response := &tfprotov5.GetMetadataResponse{ServerCapabilities: capabilities}
	for name := range s.provider.Resources {
		response.Resources = append(response.Resources, tfprotov5.ResourceMetadata{TypeName: name})
	}
	for name := range s.provider.DataSources {
		response.DataSources = append(response.DataSources, tfprotov5.DataSourceMetadata{TypeName: name})
	}
	return response, nil
}

func (s *server) GetProviderSchema(context.Context, *tfprotov5.GetProviderSchemaRequest) (*tfprotov5.GetProviderSchemaResponse, error) {
	response := &tfprotov5.GetProviderSchemaResponse{
		ServerCapabilities: capabilities,
		Provider:           s.provider.Provider.protocol(),
		ResourceSchemas:    map[string]*tfprotov5.Schema{},
		DataSourceSchemas:  map[string]*tfprotov5.Schema{},
	}
	for name, schema := range s.provider.Resources {
		response.ResourceSchemas[name] = schema.protocol()
	}
	for name, schema := range s.provider.DataSources {
		response.DataSourceSchemas[name] = schema.protocol()
	}
	return response, nil
}

func (s *server) GetResourceIdentitySchemas(context.Context, *tfprotov5.GetResourceIdentitySchemasRequest) (*tfprotov5.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov5.GetResourceIdentitySchemasResponse{}, nil
}

func (s *server) PrepareProviderConfig(_ context.Context, request *tfprotov5.PrepareProviderConfigRequest) (*tfprotov5.PrepareProviderConfigResponse, error) {
	return &tfprotov5.PrepareProviderConfigResponse{PreparedConfig: request.Config}, nil
}

func (s *server) ConfigureProvider(context.Context, *tfprotov5.ConfigureProviderRequest) (*tfprotov5.ConfigureProviderResponse, error) {
	return &tfprotov5.ConfigureProviderResponse{}, nil
}

func (s *server) StopProvider(context.Context, *tfprotov5.StopProviderRequest) (*tfprotov5.StopProviderResponse, error) {
	return &tfprotov5.StopProviderResponse{}, nil
}

func (s *server) ValidateResourceTypeConfig(context.Context, *tfprotov5.ValidateResourceTypeConfigRequest) (*tfprotov5.ValidateResourceTypeConfigResponse, error) {
	return &tfprotov5.ValidateResourceTypeConfigResponse{}, nil
}

func (s *server) ValidateDataSourceConfig(context.Context, *tfprotov5.ValidateDataSourceConfigRequest) (*tfprotov5.ValidateDataSourceConfigResponse, error) {
	return &tfprotov5.ValidateDataSourceConfigResponse{}, nil
}

func (s *server) UpgradeResourceState(_ context.Context, request *tfprotov5.UpgradeResourceStateRequest) (*tfprotov5.UpgradeResourceStateResponse, error) {
	kind := s.provider.Resources[request.TypeName].valueType()
	state, err := request.RawState.Unmarshal(kind)
	if err != nil {
		return nil, err
	}
	upgraded, err := tfprotov5.NewDynamicValue(kind, state)
	return &tfprotov5.UpgradeResourceStateResponse{UpgradedState: &upgraded}, err
}

func (s *server) ReadResource(_ context.Context, request *tfprotov5.ReadResourceRequest) (*tfprotov5.ReadResourceResponse, error) {
	return &tfprotov5.ReadResourceResponse{NewState: request.CurrentState, Private: request.Private}, nil
}

func (s *server) ReadDataSource(_ context.Context, request *tfprotov5.ReadDataSourceRequest) (*tfprotov5.ReadDataSourceResponse, error) {
	state, err := s.provider.DataSources[request.TypeName].complete(request.Config, tftypes.Value.IsNull, invented)
	return &tfprotov5.ReadDataSourceResponse{State: state}, err
}

// PlanResourceChange leaves open what the API decides; a resource that exists keeps what it has.
func (s *server) PlanResourceChange(_ context.Context, request *tfprotov5.PlanResourceChangeRequest) (*tfprotov5.PlanResourceChangeResponse, error) {
	schema := s.provider.Resources[request.TypeName]
	prior, err := request.PriorState.Unmarshal(schema.valueType())
	if err != nil {
		return nil, err
	}
	if !prior.IsNull() {
		return &tfprotov5.PlanResourceChangeResponse{PlannedState: request.ProposedNewState}, nil
	}
	planned, err := schema.complete(request.ProposedNewState, tftypes.Value.IsNull, unknown)
	return &tfprotov5.PlanResourceChangeResponse{PlannedState: planned}, err
}

func (s *server) ApplyResourceChange(_ context.Context, request *tfprotov5.ApplyResourceChangeRequest) (*tfprotov5.ApplyResourceChangeResponse, error) {
	open := func(value tftypes.Value) bool { return !value.IsKnown() }
	state, err := s.provider.Resources[request.TypeName].complete(request.PlannedState, open, invented)
	return &tfprotov5.ApplyResourceChangeResponse{NewState: state}, err
}

// complete replaces those computed attributes of a resource that are still missing.
func (s schema) complete(value *tfprotov5.DynamicValue, missing func(tftypes.Value) bool, replacement func(string, tftypes.Type) tftypes.Value) (*tfprotov5.DynamicValue, error) {
	kind := s.valueType()
	whole, err := value.Unmarshal(kind)
	if err != nil || whole.IsNull() {
		return value, err
	}
	fields := map[string]tftypes.Value{}
	if err := whole.As(&fields); err != nil {
		return nil, err
	}
	for name, a := range s.Block.Attributes {
		if a.Computed && missing(fields[name]) {
			fields[name] = replacement(name, a.Type.Type)
		}
	}
	completed, err := tfprotov5.NewDynamicValue(kind, tftypes.NewValue(kind, fields))
	return &completed, err
}

func unknown(_ string, kind tftypes.Type) tftypes.Value {
	return tftypes.NewValue(kind, tftypes.UnknownValue)
}

// invented makes up what an API would answer.
func invented(name string, kind tftypes.Type) tftypes.Value {
	switch {
	case !kind.Is(tftypes.String):
		return tftypes.NewValue(kind, nil)
	case strings.HasSuffix(name, "arn"):
		return tftypes.NewValue(kind, "arn:aws:service:eu-central-1:123456789012:"+name)
	default:
		return tftypes.NewValue(kind, "invented-"+name)
	}
}
