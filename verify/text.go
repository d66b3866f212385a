package verify

import (
	"fmt"
	"strings"
)

// sums are the words of a sum, in its order.
var sums = []struct {
	state State
	word  string
}{
	{Accepted, "accepted"},
	{Rejected, "rejected"},
	{Failed, "with a consumer that failed"},
	{Missing, "not fully checked"},
	{Unread, "read by none"},
}

// Summary counts the artifacts by state: 12 accepted, 1 rejected.
func (r Report) Summary() string {
	counts := r.Counts()
	var parts []string
	for _, sum := range sums {
		if n := counts[sum.state]; n > 0 || sum.state == Accepted {
			parts = append(parts, fmt.Sprintf("%d %s", n, sum.word))
		}
	}
	return strings.Join(parts, ", ")
}

// Said is one message of one consumer, and the files about which it was said.
type Said struct {
	Consumer string
	State    State
	Message  Message
	Files    []string
}

// Said gathers the messages by artifact; one that names no line is given once for
// all its files.
func (r Report) Said() []*Said {
	var list []*Said
	general := map[string]*Said{}
	for _, artifact := range r.Artifacts {
		for _, check := range artifact.Checks {
			for _, message := range check.Messages {
				key := check.Consumer + "\x00" + message.Text
				if known, ok := general[key]; ok && message.Line == 0 {
					known.Files = append(known.Files, artifact.Path)
					continue
				}
				said := &Said{check.Consumer, check.State, message, []string{artifact.Path}}
				list = append(list, said)
				if message.Line == 0 {
					general[key] = said
				}
			}
		}
	}
	return list
}

// String is the message after its place, as compilers write it.
func (s Said) String() string {
	place := s.Files[0]
	if s.Message.Line > 0 {
		place += fmt.Sprintf(":%d", s.Message.Line)
	}
	if s.Message.Column > 0 {
		place += fmt.Sprintf(":%d", s.Message.Column)
	}
	if more := len(s.Files) - 1; more > 0 {
		place += fmt.Sprintf(" (and %d more)", more)
	}
	verb := map[State]string{Rejected: "rejected by", Failed: "failed:"}[s.State]
	return fmt.Sprintf("%s: %s %s: %s", place, verb, s.Consumer, strings.ReplaceAll(s.Message.Text, "\n", "\n  "))
}

// String is the line of one consumer.
func (o Outcome) String() string {
	line := fmt.Sprintf("%-11s  %-23s %s", o.State(), o.Consumer, o.Counted())
	if o.Missing != "" {
		line += fmt.Sprintf(": %s is missing: %s", o.Missing, o.Get)
	}
	return line
}

// Counted says how many files a consumer accepted, rejected and so on.
func (o Outcome) Counted() string {
	var parts []string
	for _, state := range []State{Accepted, Rejected, Failed, Missing} {
		if n := o.Files[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}
