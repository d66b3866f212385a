package generate

import (
	"strings"

	"codex-design/model"
)

// RedisDeployables are those that use Redis: for records, or to count requests.
func (s *SystemView) RedisDeployables() []string {
	var names []string
	for _, deployable := range s.Deployables {
		if deployable.UsesRedis {
			names = append(names, deployable.Name)
		}
	}
	return names
}

// MigrateCommand brings every schema of a deployable up to date.
func (s *SystemView) MigrateCommand() []string {
	if s.Hosted() {
		return []string{"python", "-m", s.Blueprint.Deployables[0].Package, "migrate", "up"}
	}
	return []string{"python", "-m", "kit.migrate", "up"}
}

// MigrateCommand brings its schemas up to date.
func (s *ServiceView) MigrateCommand() []string { return s.System.MigrateCommand() }

// DatabaseSecrets name what says where its databases are: one, or one for each module,
// and one for what carries the modules' events.
func (s *ServiceView) DatabaseSecrets() []string { return s.databaseSecrets("database_url") }

// MigrationSecrets are the same for whoever migrates.
func (s *ServiceView) MigrationSecrets() []string {
	if s.System.Security.SplitsRoles() {
		return s.databaseSecrets("migration_database_url")
	}
	return s.DatabaseSecrets()
}

func (s *ServiceView) databaseSecrets(name string) []string {
	if !s.System.Hosted() {
		return []string{name}
	}
	var names []string
	for _, module := range s.Modules {
		names = append(names, module.SecretPrefix()+"_"+name)
	}
	if s.System.Broker != nil {
		names = append(names, "broker_url")
	}
	return names
}

// ImageFolder is where the folder with its Dockerfile is: services/, or nothing at the root.
func (s *SystemView) ImageFolder() string {
	if s.Hosted() {
		return ""
	}
	return "services/"
}

// ImageSources are the folders and files of an image besides those of all images, for the paths of a pipeline.
func (s *ServiceView) ImageSources() []string {
	if s.System.Hosted() {
		return []string{model.HostName + "/**/*", "services/*/migrations/**/*", "services/*/src/**/*"}
	}
	return []string{"services/" + s.Name + "/**/*"}
}

// SecretPrefix begins the names of a module's secrets among those of its host: order_line.
func (s *ServiceView) SecretPrefix() string { return strings.ToLower(s.EnvPrefix) }
