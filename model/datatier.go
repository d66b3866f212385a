package model

import (
	"fmt"
	"go/token"
	"strings"
)

// Formulas of the database and the cache.
var (
	readQueries  = derive("qps", "(cached_rps * (1 - cache_hit) + uncached_rps) * read_share * db_calls", "traffic through the call graph")
	writeQueries = derive("qps", "(cached_rps + uncached_rps) * (1 - read_share) * db_calls", "traffic through the call graph")
	databaseVCPU = derive("vCPU", "rung(max((read_qps * db_cpu_read + write_qps * db_cpu_write) / 1000 / db_utilisation, "+
		"data_gib * hot_share * hot_in_memory / gib_per_vcpu, "+
		"((sum_connections + ops_connections) / connection_use + superuser_reserved + 10) / connections_per_gib / gib_per_vcpu), "+
		"2, 4, 8, 16, 32, 48, 64)", "the processor, the memory for hot data and the connections, whichever asks for most", "CON-DB-MEMORY")
	databaseMemory  = derive("GiB", "gib_per_vcpu * vcpu", "memory-optimised class")
	databaseStorage = derive("GiB", "ceil(data_gib * (1 + growth) * bloat_and_wal / storage_use)", "a year of data, its growth and its overhead")
	copiedStorage   = derive("GiB", "ceil(data_gib * (1 + copied_share) * (1 + growth) * bloat_and_wal / storage_use)",
		"a year of data, its growth and its overhead; what a read model lists is there twice")
	auditGrowth = derive("GiB", "average_rps * (1 - read_share) * seconds_per_day * 365 * audit_row_bytes / bytes_per_gib",
		"a row of each write of a year: nothing deletes them")
	auditedStorage = derive("GiB", "ceil((data_gib * (1 + copied_share) + audit_gib) * (1 + growth) * bloat_and_wal / storage_use)",
		"a year of data and of the audit log, their growth and their overhead")
	standbys           = derive("standbys", "availability_slo >= 99.9", "a standby in another zone from three nines on", "DRX-RTO")
	podConnections     = derive("connections", "pool_size * (max_replicas + surge)", "every pool full in the middle of a rollout")
	processConnections = derive("connections", "pool_size * (replicas + 1)", "every pool full in the middle of a rollout")
	processClients     = derive("connections", "cache_pool * (replicas + 1)", "every pool full in the middle of a rollout")
	podCacheClients    = derive("connections", "cache_pool * (max_replicas + surge)", "every pool full in the middle of a rollout")
	maxConnections     = derive("connections", "min(connection_cap, connections_per_gib * memory_gib, "+
		"ceilto((sum_connections + ops_connections) / connection_use + superuser_reserved, 10))", sourcePostgres, "CON-POOL-BUDGET", "CON-DB-MEMORY")
	sharedBuffers = derive("MiB", "memory_gib * 1024 * shared_buffer_share", sourcePostgres, "CON-DB-MEMORY")

	cacheMemory = derive("MiB", "max(256, ceilto(daily_users * objects_per_user * object_kib / 1024 * cache_overhead / cache_use, 64))",
		"the hot objects of a day's users", "RES-CACHE-SIZE")
	cacheMaxMemory = derive("MiB", "cache_use * memory_mib", "Redis documentation: eviction", "RES-REDIS-MAXMEM")
)

func resolveDatabase(b Blueprint) DatabasePlan {
	cached, uncached := Input{Name: "cached_rps"}, Input{Name: "uncached_rps"}
	for _, service := range b.Services {
		if service.Cached {
			cached.Value += service.Sizing.RPS.Value
		} else {
			uncached.Value += service.Sizing.RPS.Value
		}
	}
	read, calls := b.Load.ReadShare.named("read_share"), callsPerRequest.input()
	d := DatabasePlan{
		ReadQPS:        readQueries.of(cached, cacheHits.input(), uncached, read, calls),
		WriteQPS:       writeQueries.of(cached, uncached, read, calls),
		Standbys:       standbys.of(b.Load.AvailabilitySLO.named("availability_slo")),
		SumConnections: sumConnections(b.Deployables),
	}
	if b.Security.Audit {
		d.AuditGiB = auditGrowth.of(b.Load.AverageRPS.named("average_rps"), b.Load.ReadShare.named("read_share"), secondsPerDay.input(),
			auditRowBytes.input(), bytesPerGiB.input())
	}
	d.StorageGiB = storageOf(b, d.AuditGiB)
	sum := d.SumConnections.named("sum_connections")
	d.VCPU = databaseVCPU.of(d.ReadQPS.named("read_qps"), dbCPURead.input(), d.WriteQPS.named("write_qps"), dbCPUWrite.input(), dbUtilisation.input(),
		b.Load.DataGiB.named("data_gib"), hotShare.input(), hotInMemory.input(), memoryPerVCPU.input(),
		sum, opsConnections.input(), connectionUse.input(), superuserReserved.input(), connectionsPerGiB.input())
	d.MemoryGiB = databaseMemory.of(memoryPerVCPU.input(), d.VCPU.named("vcpu"))
	memory := d.MemoryGiB.named("memory_gib")
	d.MaxConnections = maxConnections.of(connectionCap.input(), connectionsPerGiB.input(), memory, sum, opsConnections.input(),
		connectionUse.input(), superuserReserved.input())
	d.SharedBuffersMiB = sharedBuffers.of(memory, sharedBufferShare.input())
	d.PoolerRequired, d.PoolerReason = poolerOf(d, b.Deployables)
	return d
}

// storageOf counts twice what read models copy; an entity is taken to be as large as any other.
func storageOf(b Blueprint, audit Quantity) Quantity {
	entities, copied := 0, 0
	for _, s := range b.Services {
		entities += len(s.Entities)
		if s.ReadModel {
			copied += len(s.Entities)
		}
	}
	data, share := b.Load.DataGiB.named("data_gib"), Input{"copied_share", float64(copied) / float64(entities)}
	switch {
	case audit.Formula != "":
		return auditedStorage.of(data, share, audit.named("audit_gib"), storageGrowth.input(), storageOverhead.input(), storageUse.input())
	case copied > 0:
		return copiedStorage.of(data, share, storageGrowth.input(), storageOverhead.input(), storageUse.input())
	}
	return databaseStorage.of(data, storageGrowth.input(), storageOverhead.input(), storageUse.input())
}

// sumConnections adds up the pools of every process that uses the database.
func sumConnections(services []ServicePlan) Quantity {
	var terms []Input
	for _, s := range services {
		terms = append(terms, podConnections.of(s.Sizing.connections()...).named(inputName(s.Name)))
		if s.Relay != nil {
			terms = append(terms, processConnections.of(s.Relay.PoolSize.named("pool_size"), s.Relay.Replicas.named("replicas")).named(inputName(s.Name+"-relay")))
		}
		if s.Worker != nil {
			terms = append(terms, processConnections.of(s.Worker.PoolSize.named("pool_size"), s.Worker.Replicas.named("replicas")).named(inputName(s.Name+"-worker")))
		}
	}
	return sumOf(podConnections.unit, "at full scale, one rollout at a time in each service", terms, "CON-POOL-BUDGET")
}

// connections is what the pools of one service may hold open at once.
func (s Sizing) connections() []Input {
	return []Input{s.PoolSize.named("pool_size"), s.MaxReplicas.named("max_replicas"), s.Surge.named("surge")}
}

func (s Sizing) cacheClients() []Input {
	return []Input{s.CachePool.named("cache_pool"), s.MaxReplicas.named("max_replicas"), s.Surge.named("surge")}
}

// sumClients adds up the pools of every process that uses the cache: relays do not.
func sumClients(users []ServicePlan) Quantity {
	var terms []Input
	for _, s := range users {
		terms = append(terms, podCacheClients.of(s.Sizing.cacheClients()...).named(inputName(s.Name)))
		if s.Worker != nil {
			terms = append(terms, processClients.of(s.Sizing.CachePool.named("cache_pool"), s.Worker.Replicas.named("replicas")).named(inputName(s.Name+"-worker")))
		}
	}
	return sumOf(podCacheClients.unit, "at full scale, one rollout at a time in each service", terms, "CON-REDIS")
}

// sumOf adds up inputs.
func sumOf(unit, source string, terms []Input, rules ...string) Quantity {
	if len(terms) == 0 {
		terms = []Input{{Name: "none"}}
	}
	return derive(unit, strings.Join(inputNames(terms), " + "), source, rules...).of(terms...)
}

// inputName makes a name of the answers one that a formula can hold; formulas
// are read as expressions of Go.
func inputName(name string) string {
	snake := Snake(name)
	if token.IsKeyword(snake) {
		return snake + "_"
	}
	return identifier(snake)
}

func resolveCache(b Blueprint) *CachePlan {
	if b.Datastores.Cache != "redis" {
		return nil
	}
	var users []ServicePlan
	for _, service := range b.Deployables {
		if service.UsesRedis {
			users = append(users, service)
		}
	}
	c := CachePlan{
		MemoryMiB: cacheMemory.of(b.Load.DailyUsers.named("daily_users"), cachedObjectsPerUser.input(), cachedObjectKiB.input(),
			cacheOverhead.input(), cacheUse.input()),
		HitRatio: constantQuantity(cacheHits),
		Clients:  sumClients(users),
	}
	c.MaxMemory = cacheMaxMemory.of(cacheUse.input(), c.MemoryMiB.named("memory_mib"))
	return &c
}

// manyClients is the number of pods from which a shared pooler pays.
const manyClients = 100

// poolerOf says whether a connection pooler is needed, and why it is needed or would help.
func poolerOf(d DatabasePlan, services []ServicePlan) (required bool, reason string) {
	sum := d.SumConnections.Value
	usable := d.MaxConnections.Value - superuserReserved.Value - opsConnections.Value
	pods := 0.0
	for _, service := range services {
		pods += service.Sizing.MaxReplicas.Value + service.Sizing.Surge.Value
	}
	switch {
	case sum > connectionUse.Value*usable+opsConnections.Value:
		return true, fmt.Sprintf("the pools may open %.0f connections and the server takes %.0f", sum, usable)
	case pods > manyClients:
		return false, fmt.Sprintf("a pooler would help: %.0f pods hold connections that are mostly idle", pods)
	}
	return false, ""
}
