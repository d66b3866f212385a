package generate

// ProvidedAPIs names the APIs of the service in catalog-info.yaml.
func (s *ServiceView) ProvidedAPIs() []string {
	names := make([]string, len(s.Modules))
	for i, module := range s.Modules {
		names[i] = module.Name
	}
	return names
}

// CatalogResources are what the service depends on, as catalog-info.yaml refers to it.
func (s *ServiceView) CatalogResources() []string {
	resources := []string{"resource:" + s.Name + "-database"}
	if s.Cached {
		resources = append(resources, "resource:redis")
	}
	return resources
}
