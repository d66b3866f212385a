package model

import (
	"reflect"
	"slices"
	"strings"
)

// AnswerChange is one answer that differs between two designs.
type AnswerChange struct {
	Path string `json:"path"`           // with names, as Set takes it: services.catalog.cache
	From string `json:"from,omitempty"` // as it stands in a file; empty where nothing stood
	To   string `json:"to,omitempty"`

	revert func(root reflect.Value)
}

// String is the path and what became of the answer there.
func (c AnswerChange) String() string {
	switch {
	case c.From == "" && c.To == "":
		return c.Path + ": in another order"
	case c.From == "":
		return c.Path + ": " + c.To + " (new)"
	case c.To == "":
		return c.Path + ": " + c.From + " (taken out)"
	}
	return c.Path + ": " + c.From + " → " + c.To
}

// CompareAnswers lists the answers that differ, a renamed service, entity or field
// under its new name. Each can be taken back by itself with Without.
func CompareAnswers(old, new Answers) []AnswerChange {
	c := comparison{}
	c.compare(reflect.ValueOf(old.Clone()), reflect.ValueOf(new), "", func(root reflect.Value) reflect.Value { return root })
	return c.changes
}

// Without is the answers as they would be without some of their changes. The
// result may have problems: what remains can rest on what was taken back.
func (a Answers) Without(changes ...AnswerChange) Answers {
	a = a.Clone()
	for _, change := range changes {
		change.revert(reflect.ValueOf(&a).Elem())
	}
	return a
}

// comparison walks two designs at once. What is below an item comes before the
// item itself, so that taking back change after change meets what it expects.
type comparison struct{ changes []AnswerChange }

// locator finds a part of the new answers in a copy of them.
type locator func(root reflect.Value) reflect.Value

func (c *comparison) compare(old, new reflect.Value, path string, at locator) {
	switch {
	case new.Type() == reflect.TypeFor[Field]():
		c.field(old.Interface().(Field), new.Interface().(Field), path, at)
	case new.Kind() == reflect.Struct:
		for _, m := range members(new.Type()) {
			if m.name == "was" || m.name == "name" && path != "" {
				continue
			}
			c.compare(old.Field(m.index), new.Field(m.index), join(path, m.name), func(root reflect.Value) reflect.Value { return at(root).Field(m.index) })
		}
		c.name(old, new, path, at)
	case new.Kind() == reflect.Slice && new.Type().Elem().Kind() == reflect.Struct:
		c.list(old, new, path, at)
	default:
		if from, to := said(old), said(new); from != to {
			c.add(path, from, to, func(root reflect.Value) { at(root).Set(deepCopy(old)) })
		}
	}
}

// said is an answer as it stands in a file; empty for what is left out there.
func said(v reflect.Value) string {
	if saysNothing(v) {
		if v.Kind() == reflect.Bool {
			return "false"
		}
		return ""
	}
	return valueOf(v).flow()
}

func (c *comparison) add(path, from, to string, revert func(root reflect.Value)) {
	c.changes = append(c.changes, AnswerChange{Path: path, From: from, To: to, revert: revert})
}

func (c *comparison) field(old, new Field, path string, at locator) {
	plain := func(f Field) string { f.Was = ""; return f.Spec() }
	from, to := plain(old), plain(new)
	if old.Name != new.Name {
		from, to = old.Name+": "+from, new.Name+": "+to
	}
	if from != to {
		c.add(path, from, to, func(root reflect.Value) { at(root).Set(deepCopy(reflect.ValueOf(old))) })
	}
}

// name compares what an item of a list is called.
func (c *comparison) name(old, new reflect.Value, path string, at locator) {
	if path == "" || !new.FieldByName("Name").IsValid() {
		return
	}
	if from, to := nameOf(old), nameOf(new); from != to {
		c.add(path+".name", from, to, func(root reflect.Value) {
			at(root).FieldByName("Name").SetString(from)
			at(root).FieldByName("Was").Set(old.FieldByName("Was"))
		})
	}
}

func nameOf(item reflect.Value) string { return item.FieldByName("Name").String() }

// list compares items with those that they were.
func (c *comparison) list(old, new reflect.Value, path string, at locator) {
	was := make([]int, new.Len())
	var before, after []int // the items that are in both, by their index in old, in either order
	for i := range was {
		if was[i] = formerItem(old, new, i); was[i] >= 0 {
			after = append(after, was[i])
			c.compare(old.Index(was[i]), new.Index(i), join(path, nameOf(new.Index(i))), func(root reflect.Value) reflect.Value { return at(root).Index(i) })
		}
	}
	before = slices.Sorted(slices.Values(after))
	for i, former := range was {
		if item := new.Index(i); former < 0 {
			c.add(join(path, nameOf(item)), "", summary(item), func(root reflect.Value) { dropItem(at(root), nameOf(item)) })
		}
	}
	for i := range old.Len() {
		if item := old.Index(i); !slices.Contains(was, i) {
			c.add(join(path, nameOf(item)), summary(item), "", func(root reflect.Value) { insertItem(at(root), i, item) })
		}
	}
	if !slices.Equal(before, after) {
		c.add(path, "", "", func(root reflect.Value) { reorder(at(root), old) })
	}
}

// formerItem is the index in old of what an item of new was; -1 if it is new. An
// item of the same name comes before one that it says it was.
func formerItem(old, new reflect.Value, i int) int {
	find := func(name string) int {
		for j := range old.Len() {
			if nameOf(old.Index(j)) == name {
				return j
			}
		}
		return -1
	}
	if same := find(nameOf(new.Index(i))); same >= 0 {
		return same
	}
	was := new.Index(i).FieldByName("Was").String()
	for j := range new.Len() {
		if nameOf(new.Index(j)) == was {
			return -1 // the name lives on in another item
		}
	}
	return find(was)
}

// summary is an item in a few words.
func summary(item reflect.Value) string {
	var of string
	var names []string
	switch item := item.Interface().(type) {
	case Field:
		return item.Spec()
	case Entity:
		of = "an entity of "
		for _, field := range item.Fields {
			names = append(names, field.Name)
		}
	case Service:
		of = "a service of "
		for _, entity := range item.Entities {
			names = append(names, entity.Name)
		}
	}
	if len(names) > 4 {
		names = append(names[:3], "…")
	}
	return of + strings.Join(names, ", ")
}

func dropItem(list reflect.Value, name string) {
	for i := range list.Len() {
		if nameOf(list.Index(i)) == name {
			list.Set(reflect.AppendSlice(list.Slice3(0, i, i), list.Slice(i+1, list.Len())))
			return
		}
	}
}

func insertItem(list reflect.Value, at int, item reflect.Value) {
	at = min(at, list.Len())
	tail := deepCopy(list.Slice(at, list.Len()))
	list.Set(reflect.AppendSlice(reflect.Append(list.Slice3(0, at, at), deepCopy(item)), tail))
}

// reorder puts items into the order of a former list; those that it lacks go to the end.
func reorder(list, former reflect.Value) {
	rank := map[string]int{}
	for i := range former.Len() {
		rank[nameOf(former.Index(i))] = i
	}
	place := func(item reflect.Value) int {
		for _, name := range []string{nameOf(item), item.FieldByName("Was").String()} {
			if at, ok := rank[name]; ok {
				return at
			}
		}
		return former.Len()
	}
	items := make([]reflect.Value, list.Len())
	for i := range items {
		items[i] = deepCopy(list.Index(i))
	}
	slices.SortStableFunc(items, func(a, b reflect.Value) int { return place(a) - place(b) })
	for i, item := range items {
		list.Index(i).Set(item)
	}
}
