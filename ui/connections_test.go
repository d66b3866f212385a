package ui

import (
	"slices"
	"testing"

	"codex-design/model"
)

// connected opens the connections of the small shop.
func connected(t *testing.T) *robot {
	t.Helper()
	r := saved(t, shopFile)
	r.m.goTo(stepIndex("connections"))
	return r
}

func TestConnectionsShowBothEndsOfTheGraph(t *testing.T) {
	r := connected(t).sees("calls catalog")
	r.press("a", "publishes product.created", "enter", "enter").sees("nobody consumes it")
	r.press("]", "a", "consumes product.created", "enter", "enter")
	r.sees("← catalog").sees("→ order")
}

func TestAConnectionNeedsNoVerbWhereItsTargetSaysIt(t *testing.T) {
	answers := connected(t).press("]", "a", "order.placed", "enter", "product.created", "enter", "enter").m.design.answers
	order := answers.Services[1]
	if !slices.Equal(order.Publishes, []string{"order.placed"}) || !slices.Equal(order.Consumes, []string{"product.created"}) {
		t.Fatalf("publishes %v, consumes %v", order.Publishes, order.Consumes)
	}
	if !slices.Equal(order.Calls, []string{"catalog"}) {
		t.Fatalf("calls %v", order.Calls)
	}
}

func TestAConnectionThatIsNoneIsToldWhereItIsTyped(t *testing.T) {
	r := connected(t).press("]", "a", "likes catalog", "enter").sees("begin with calls, publishes or consumes")
	if got := countConnections(&r.m.design.answers); got != 1 {
		t.Fatalf("%d connections, want 1", got)
	}
}

func TestConnectionsAreChangedAndDeletedInPlace(t *testing.T) {
	r := connected(t).press("]", "down", "enter", "ctrl+u", "publishes order.placed", "enter")
	if s := r.m.design.answers.Services[1]; len(s.Calls) != 0 || !slices.Equal(s.Publishes, []string{"order.placed"}) {
		t.Fatalf("calls %v, publishes %v", s.Calls, s.Publishes)
	}
	r.press("d").sees("Deleted connection order.placed").press("u")
	if s := r.m.design.answers.Services[1]; !slices.Equal(s.Publishes, []string{"order.placed"}) {
		t.Fatalf("publishes %v after undo", s.Publishes)
	}
}

func TestAFormOffersTheServicesThatCanBeCalled(t *testing.T) {
	connected(t).press("]", "down", "f").sees("To what").sees("catalog")
}

func TestEventsFollowARenamedEntity(t *testing.T) {
	a := model.Answers{Services: []model.Service{
		{Name: "order", Entities: []model.Entity{{Name: "order"}}, Publishes: []string{"order.placed", "orders.placed"}},
		{Name: "payment", Consumes: []string{"order.placed"}},
	}}
	renameEntity(&a, baseline{}, spot{0, 0, -1, -1}, "purchase")
	if got := a.Services[0].Publishes; !slices.Equal(got, []string{"purchase.placed", "orders.placed"}) {
		t.Errorf("publishes %v", got)
	}
	if got := a.Services[1].Consumes; !slices.Equal(got, []string{"purchase.placed"}) {
		t.Errorf("consumes %v", got)
	}
}
