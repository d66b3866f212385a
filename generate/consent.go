package generate

// Consent says yes to what is never done unasked.
type Consent struct {
	Contract bool // take away what only the release before needs: it no longer runs
	DataLoss bool // lose what is stored
	Breaking bool // break those who rely on an API or an event
}

// AskKind is what a yes is needed for.
type AskKind string

// The questions of a plan.
const (
	AskContract AskKind = "contract"
	AskDataLoss AskKind = "data-loss"
	AskBreaking AskKind = "breaking"
)

// Ask is one thing that is not done without a yes.
type Ask struct {
	Kind AskKind
	Text string // catalog: this loses the values of products.title
}

// With is the same consent and a yes to one kind of question more.
func (c Consent) With(kind AskKind) Consent {
	switch kind {
	case AskContract:
		c.Contract = true
	case AskDataLoss:
		c.DataLoss = true
	case AskBreaking:
		c.Breaking = true
	}
	return c
}

// howToSay is how a run without questions is told yes.
var howToSay = map[AskKind]string{
	AskContract: "once the release before no longer runs, generate with --contract",
	AskDataLoss: "say yes with --allow-data-loss",
	AskBreaking: "say yes with --accept-breaking",
}

func (p *Plan) ask(kind AskKind, text string) {
	p.Asks = append(p.Asks, Ask{kind, text})
	p.Blocked = append(p.Blocked, text+"; "+howToSay[kind])
}
