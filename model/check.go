package model

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Defaults is a blank design: everything but the name and the services answered,
// with what can be generated.
func Defaults() Answers {
	return Answers{
		Version:      1,
		Name:         "my-system",
		Architecture: Microservices,
		Scale:        Small,
		Datastores:   Datastores{Database: "postgresql", Cache: "redis", Broker: "none"},
		Security:     Security{Authentication: "none", Authorization: "none", Secrets: "files", Tenancy: "none"},
		Delivery:     Delivery{Gateway: "none", Pipeline: "none"},
	}
}

// Check lists everything that is wrong with the answers, and what cannot be
// generated yet. Answers without a problem can be resolved and generated.
func Check(a Answers) []Problem {
	c := checker{answers: &a}
	c.walk(reflect.ValueOf(a), "")
	c.checkServices()
	c.checkCalls()
	c.checkEvents()
	c.checkShares()
	c.checkReferences()
	c.checkClashes()
	c.checkRoutes()
	c.checkCallers()
	c.checkOwners()
	return c.problems
}

// checkClashes adds the names that would be one in what is generated, unless
// they are wrong already as they are written.
func (c *checker) checkClashes() {
	wrong := map[string]bool{}
	for _, p := range c.problems {
		wrong[p.Path] = true
	}
	for _, p := range NameClashes(*c.answers) {
		if p.Path += ".name"; !wrong[p.Path] {
			c.problems = append(c.problems, p)
		}
	}
}

// checker collects the problems of one set of answers.
type checker struct {
	answers  *Answers
	problems []Problem
}

func (c *checker) fail(path, message, hint string) {
	c.problems = append(c.problems, Problem{Path: path, Message: message, Hint: hint})
}

// walk checks every answer by its own row of the keys.
func (c *checker) walk(v reflect.Value, path string) {
	if f, ok := v.Interface().(Field); ok {
		c.checkField(f, path)
		return
	}
	key := keyAt(path)
	if reason := Unavailable(path); reason != "" && !v.IsZero() {
		c.fail(path, calledBy(path)+" cannot be generated yet", "leave it out for now: "+reason)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.walk(v.Elem(), path)
		}
	case reflect.Struct:
		for _, m := range members(v.Type()) {
			c.walk(v.Field(m.index), join(path, m.name))
		}
	case reflect.Slice:
		c.checkList(v, path, key)
	case reflect.String:
		c.checkText(v.String(), path, key)
	case reflect.Int:
		c.checkNumber(float64(v.Int()), path, key)
	case reflect.Float64:
		c.checkNumber(v.Float(), path, key)
	}
}

func (c *checker) checkList(v reflect.Value, path string, key *Key) {
	if key.Limit > 0 && v.Len() > key.Limit {
		c.fail(path, fmt.Sprintf("%s lists %d, and at most %d can be generated", calledBy(path), v.Len(), key.Limit), "split the design")
	}
	if v.Len() == 0 && key.Required {
		c.fail(path, fmt.Sprintf("%s is empty", calledBy(path)), "add at least one")
	}
	for i := range v.Len() {
		at := fmt.Sprintf("%s[%d]", path, i)
		if v.Type().Elem().Kind() == reflect.String {
			c.checkForm(v.Index(i).String(), at, key)
		} else {
			c.walk(v.Index(i), at)
		}
	}
	if texts, ok := v.Interface().([]string); ok {
		c.checkRepeats(texts, path)
	}
}

// checkRepeats refuses a text that is listed twice.
func (c *checker) checkRepeats(texts []string, path string) {
	seen := map[string]bool{}
	for i, text := range texts {
		if seen[text] {
			c.fail(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("%q is listed twice in %s", clip(text), calledBy(path)), "keep one of them")
		}
		seen[text] = true
	}
}

func (c *checker) checkText(text, path string, key *Key) {
	if key.Choices == nil {
		c.checkForm(text, path, key)
		return
	}
	for _, choice := range Choices(path) {
		if choice.Value != text {
			continue
		}
		if choice.Unavailable != "" {
			c.fail(path, fmt.Sprintf("%s %s cannot be generated yet: %s", key.name(), text, choice.Unavailable), availableHint(path))
		}
		return
	}
	c.fail(path, fmt.Sprintf("%q is no choice for %s", clip(text), key.name()), didYouMean(text, key.values()))
}

// availableHint lists what can be chosen today.
func availableHint(path string) string {
	var values []string
	for _, choice := range Choices(path) {
		if choice.Unavailable == "" {
			values = append(values, choice.Value)
		}
	}
	return "for now use " + oneOf(values)
}

func (c *checker) checkForm(text, path string, key *Key) {
	if key.Form.check == nil || (text == "" && !key.Required) {
		return
	}
	if message, hint := key.Form.check(text); message != "" {
		c.fail(path, message, hint)
	}
}

func (c *checker) checkNumber(n float64, path string, key *Key) {
	low, high := key.Min, key.Max
	if low == 0 && high == 0 || n >= low && n <= high && !(key.Above && n == low) {
		return
	}
	given := strconv.FormatFloat(n, 'f', -1, 64)
	if path == "version" {
		c.fail(path, fmt.Sprintf("version %s of the answers file is unknown", given), "this program reads version 1")
		return
	}
	unit := ""
	if key.Unit != "" {
		unit = " " + key.Unit
	}
	from := "from " + strconv.FormatFloat(low, 'f', -1, 64)
	if key.Above {
		from = "above " + strconv.FormatFloat(low, 'f', -1, 64)
	}
	c.fail(path, fmt.Sprintf("%s is %s%s", key.name(), given, unit), fmt.Sprintf("use a number %s to %s", from, strconv.FormatFloat(high, 'f', -1, 64)))
}

// name is the last key of the row's path.
func (k *Key) name() string { return k.Path[strings.LastIndexByte(k.Path, '.')+1:] }

// checkField checks a field by writing it out and reading that.
func (c *checker) checkField(f Field, path string) {
	if f.Type.Kind == "" {
		c.fail(path+".type", fmt.Sprintf("the type of the field %s is missing", f.Name), "use one of "+oneOf(kindNames()))
		return
	}
	read, err := ParseField(f.String())
	errs, _ := err.(FieldErrors)
	for _, e := range errs {
		c.fail(path+"."+e.Part, e.Message, e.Hint)
	}
	if err == nil && !reflect.DeepEqual(read, f) {
		c.fail(path, fmt.Sprintf("the field %s cannot be written in the field grammar", f.Name), "it would read back as "+read.String())
	}
}
