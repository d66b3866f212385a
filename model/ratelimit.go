package model

// RateLimitPlan is what one client may ask of one service: a steady rate after a
// burst, and the same again for each kind of write by itself.
type RateLimitPlan struct {
	PerClient  Quantity // requests/s
	Burst      Quantity
	PerWrite   Quantity // requests/s
	WriteBurst Quantity
}

var (
	burstFloor   = Constant{"burst_floor", 10, "", "judgement: what a page asks for at once"}
	burstSeconds = Constant{"burst_seconds", 2, "s", sourceJudgement}

	clientBurst = derive("", "max(burst_floor, ceil(burst_seconds * per_client_rps))", "a page may load before its client is slowed", "RAT-429")
	writeRate   = derive("rps", "per_client_rps * db_cpu_read / db_cpu_write", "who only writes takes no more of the database than who only reads", "RAT-429")
	writeBurst  = derive("", "ceil(burst * write_rps / per_client_rps)", "as the rates are to each other")
)

func resolveRateLimit(given RateLimit) *RateLimitPlan {
	if given.PerClientRPS == 0 {
		return nil
	}
	rate := Quantity{Value: given.PerClientRPS, Unit: "rps", Formula: "given", Source: "answers: security.rate_limit.per_client_rps"}
	per := rate.named("per_client_rps")
	l := RateLimitPlan{
		PerClient: rate,
		Burst:     clientBurst.of(burstFloor.input(), burstSeconds.input(), per),
		PerWrite:  writeRate.of(per, dbCPURead.input(), dbCPUWrite.input()),
	}
	l.WriteBurst = writeBurst.of(l.Burst.named("burst"), l.PerWrite.named("write_rps"), per)
	return &l
}

func (l *RateLimitPlan) quantities() []NamedQuantity {
	if l == nil {
		return nil
	}
	return []NamedQuantity{
		{"per_client_rps", l.PerClient}, {"burst", l.Burst}, {"write_rps", l.PerWrite}, {"write_burst", l.WriteBurst},
	}
}
