package model

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Set changes one answer by its path, as --set does: datastores.cache=none,
// load.peak_rps=600, services.catalog.cache=true (services, entities and fields
// go by their names or by index: services[0]). A list of texts is given with
// commas; an empty value clears what may be left out. The error says which part
// of the path or of the value is wrong, and what there is instead.
func Set(a *Answers, key, value string) error {
	*a = a.Clone() // other copies of these answers share their services
	target, path, err := locate(reflect.ValueOf(a).Elem(), key)
	if err != nil {
		return err
	}
	changed := reflect.New(target.Type()).Elem()
	changed.Set(target)
	if message, hint := setValue(changed, path, value); message != "" {
		return setError(key, message, hint)
	}
	c := checker{answers: a}
	c.walk(changed, path)
	if len(c.problems) > 0 {
		p := c.problems[0]
		return setError(key, p.Message, p.Hint)
	}
	target.Set(changed)
	return nil
}

func setError(key, message, hint string) error {
	if hint == "" {
		return fmt.Errorf("%s: %s", key, message)
	}
	return fmt.Errorf("%s: %s; %s", key, message, hint)
}

// locate follows a key to the answer that it names, and gives its path with indices.
func locate(v reflect.Value, key string) (target reflect.Value, path string, err error) {
	for _, part := range strings.Split(strings.NewReplacer("[", ".", "]", "").Replace(key), ".") {
		switch {
		case isAnswer(v.Type()):
			err = setError(key, fmt.Sprintf("%s has no answers below it", calledBy(path)), "write "+strings.TrimSuffix(key, "."+part)+"=VALUE")
		case v.Kind() == reflect.Struct:
			v, path, err = locateKey(v, path, part, key)
		default:
			v, path, err = locateItem(v, path, part, key)
		}
		if err != nil {
			return v, path, err
		}
	}
	if !isAnswer(v.Type()) {
		return v, path, setError(key, "it holds several answers", "name one of them"+examplesBelow(v, key))
	}
	return v, path, nil
}

// isAnswer reports whether a type is one answer, and not a group or list of them.
func isAnswer(t reflect.Type) bool {
	switch {
	case t == reflect.TypeFor[Field]():
		return true
	case t.Kind() == reflect.Slice:
		return t.Elem().Kind() != reflect.Struct
	}
	return t.Kind() != reflect.Struct
}

func locateKey(v reflect.Value, path, part, key string) (reflect.Value, string, error) {
	for _, m := range members(v.Type()) {
		if m.name == part {
			return v.Field(m.index), join(path, part), nil
		}
	}
	return v, path, setError(key, fmt.Sprintf("unknown key %q", part), unknownKeyHint(part, path, memberNames(v.Type())))
}

func locateItem(v reflect.Value, path, part, key string) (reflect.Value, string, error) {
	i, names := itemIndex(v, part)
	if i < 0 {
		return v, path, setError(key, fmt.Sprintf("%s has no item %q", calledBy(path), part), didYouMean(part, names))
	}
	return v.Index(i), fmt.Sprintf("%s[%d]", path, i), nil
}

// examplesBelow names what can be set below a group or list.
func examplesBelow(v reflect.Value, key string) string {
	if v.Kind() != reflect.Struct {
		return " by its name: " + key + ".NAME"
	}
	return ": " + key + "." + oneOf(memberNames(v.Type()))
}

// itemIndex finds an item of a list by its name or its index.
func itemIndex(list reflect.Value, part string) (index int, names []string) {
	for i := range list.Len() {
		names = append(names, list.Index(i).FieldByName("Name").String())
		if names[i] == part {
			return i, names
		}
	}
	if i, err := strconv.Atoi(part); err == nil && i >= 0 && i < list.Len() {
		return i, names
	}
	return -1, names
}

// setValue reads the text of a value into an answer, or says what is wrong with it.
func setValue(v reflect.Value, path, text string) (message, hint string) {
	text = strings.TrimSpace(text)
	if field, ok := v.Addr().Interface().(*Field); ok {
		return setField(field, text)
	}
	if v.Kind() == reflect.Pointer {
		if text == "" {
			v.SetZero()
			return "", ""
		}
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if texts, ok := v.Addr().Interface().(*[]string); ok {
		*texts = splitList(text)
		return "", ""
	}
	n := &node{kind: scalarNode, text: text}
	if v.Kind() != reflect.String {
		n.scalar = scalarKindOf(text)
	}
	r := reader{source: newSource(text), places: map[string]int{}}
	r.scalarValue(n, v, path)
	if len(r.problems) > 0 {
		return r.problems[0].Message, r.problems[0].Hint
	}
	return "", ""
}

func setField(f *Field, text string) (message, hint string) {
	changed, err := ParseField(f.Name + ": " + text)
	if errs, ok := err.(FieldErrors); ok {
		return errs[0].Message, errs[0].Hint
	}
	*f = changed
	return "", ""
}

// splitList splits at commas; an empty text is an empty list.
func splitList(text string) []string {
	var list []string
	for _, part := range strings.Split(strings.Trim(text, "[]"), ",") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// scalarKindOf is what a text reads as in a file.
func scalarKindOf(text string) scalarKind {
	if _, err := strconv.Atoi(text); err == nil {
		return intScalar
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return floatScalar
	}
	if text == "true" || text == "false" {
		return boolScalar
	}
	return textScalar
}
