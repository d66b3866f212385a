package model

import (
	"errors"
	"reflect"
	"slices"
	"strings"
)

// Save writes changed answers back into the text that was read. What did not
// change keeps its bytes, comments and order; what did is written in place, in
// the style of what stood there. A byte order mark and CRLF line ends are not
// written back: the file is saved as UTF-8 with LF. The error says why the text
// cannot be edited: it had problems when it was read, or the answers cannot be
// written in the file's grammar.
func (d *Document) Save(a Answers) ([]byte, error) {
	if !d.clean {
		return nil, errors.New("the answers file has problems; mend them before it is saved")
	}
	before, after := valueOf(reflect.ValueOf(d.Answers)), valueOf(reflect.ValueOf(a))
	if reflect.DeepEqual(before, after) {
		return []byte(d.source.text), nil
	}
	text := d.source.text
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	e := editor{text: text}
	saved := ""
	if d.root.flow {
		saved = text[:d.root.start] + e.flow(d.root, before, after) + text[d.root.end:]
	} else {
		saved = e.mapping(d.root, before, after, span{0, len(text)})
	}
	again, _ := Read([]byte(saved))
	if again == nil || !reflect.DeepEqual(valueOf(reflect.ValueOf(again.Answers)), after) {
		return nil, errors.New("these answers cannot be written into the file: they would not read back the same")
	}
	return []byte(saved), nil
}

// editor writes changed values into a text. Each of its methods returns the new
// text of one region; unchanged regions come back as they are.
type editor struct{ text string }

// span is a region of the text, in bytes.
type span struct{ from, to int }

func (e editor) raw(s span) string { return e.text[s.from:s.to] }

// chunk is one key or list item with the lines around it.
type chunk struct {
	gap  span // blank lines and detached comments before it
	lead span // comment lines directly above it
	body span // from its key or dash to the end of its last line
}

// lineEnd is the byte after the line that holds at.
func (e editor) lineEnd(at int) int {
	if i := strings.IndexByte(e.text[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(e.text)
}

func (e editor) lineStart(at int) int { return strings.LastIndexByte(e.text[:at], '\n') + 1 }

// column is the indentation at which at stands, in bytes; a dash before it counts.
func (e editor) column(at int) int { return at - e.lineStart(at) }

// chunks splits a region into one chunk for each start (and the end of its value).
func (e editor) chunks(starts, ends []int, region span) []chunk {
	chunks := make([]chunk, len(starts))
	from := region.from
	for i, start := range starts {
		limit := region.to
		if i+1 < len(starts) {
			limit = e.lineStart(starts[i+1])
		}
		line := max(e.lineStart(start), from)
		lead := e.leadStart(from, line, e.column(start))
		end := e.ownComments(min(e.lineEnd(ends[i]), limit), limit, e.column(start))
		chunks[i] = chunk{gap: span{from, lead}, lead: span{lead, start}, body: span{start, end}}
		from = end
	}
	return chunks
}

// leadStart goes up from a line over the comments that stand directly above it,
// in its column.
func (e editor) leadStart(from, line, column int) int {
	for line > from {
		above := max(e.lineStart(line-1), from)
		if text := e.text[above:line]; indentOf(text) != column || !isComment(text) {
			break
		}
		line = above
	}
	return line
}

// ownComments goes down over comments that are indented deeper than column: they
// belong to what stands above them.
func (e editor) ownComments(end, limit, column int) int {
	for next := end; next < limit; {
		stop := min(e.lineEnd(next), limit)
		text := e.text[next:stop]
		if isComment(text) && indentOf(text) > column {
			end = stop
		} else if strings.TrimSpace(text) != "" {
			break
		}
		next = stop
	}
	return end
}

func isComment(line string) bool { return strings.HasPrefix(strings.TrimLeft(line, " "), "#") }

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// find is the value of a key, or nil.
func (v *value) find(key string) *value {
	for _, e := range v.entries {
		if e.key == key {
			return e.value
		}
	}
	return nil
}

// mapping writes a block mapping that fills a region.
func (e editor) mapping(n *node, before, after *value, region span) string {
	starts, ends := make([]int, len(n.entries)), make([]int, len(n.entries))
	for i, entry := range n.entries {
		starts[i], ends[i] = entry.at, entry.value.end
	}
	added := e.addedKeys(n, before, after)
	var b strings.Builder
	b.WriteString(added[""])
	end := region.from
	for i, c := range e.chunks(starts, ends, region) {
		entry := n.entries[i]
		old, new := before.find(entry.key), after.find(entry.key)
		inItem := i == 0 && region.from == entry.at
		switch {
		case new == nil && old != nil && inItem: // the dash stands on this line
			b.WriteString(e.entry(entry, old, old.nothing(), c.body))
		case new == nil && old != nil:
			b.WriteString(e.raw(c.gap))
		default:
			b.WriteString(e.raw(c.gap) + e.raw(c.lead) + e.entry(entry, old, new, c.body))
		}
		b.WriteString(added[entry.key])
		end = c.body.to
	}
	return b.String() + e.text[end:region.to]
}

// nothing is the value that says as much as leaving the key out.
func (v *value) nothing() *value {
	switch {
	case v.kind == listNode:
		return &value{kind: listNode, short: true}
	case v.quoted:
		return &value{kind: scalarNode, quoted: true}
	case v.text == "true":
		return &value{kind: scalarNode, text: "false"}
	}
	return &value{kind: scalarNode, text: "null"}
}

// addedKeys writes the keys that are new, each group under the key that it
// follows ("" for the beginning).
func (e editor) addedKeys(n *node, before, after *value) map[string]string {
	added := map[string]string{}
	column := e.column(n.start)
	follows := ""
	if column > 0 && e.text[n.start-1] != '\n' && len(n.entries) > 0 && strings.TrimSpace(e.text[e.lineStart(n.start):n.start]) != "" {
		follows = n.entries[0].key // nothing fits between a dash and its first key
	}
	for _, k := range after.entries {
		written := slices.ContainsFunc(n.entries, func(entry entry) bool { return entry.key == k.key })
		switch {
		case written:
			follows = k.key
		case !reflect.DeepEqual(before.find(k.key), k.value):
			if column == 0 && k.value.kind != scalarNode {
				added[follows] += "\n"
			}
			added[follows] += k.block(column)
		}
	}
	return added
}

// entry writes one key with its value: the key and what stands around the value stay.
func (e editor) entry(n entry, before, after *value, body span) string {
	if after == nil || before != nil && reflect.DeepEqual(before, after) {
		return e.raw(body)
	}
	v := n.value
	head, tail := e.text[body.from:v.start], e.text[v.end:body.to]
	switch {
	case v.kind == scalarNode || v.kind == nullNode:
		return e.replace(n, after, body)
	case v.flow && len(v.entries)+len(v.items) == 0 && len(after.items)+len(after.entries) > 0 && !after.short:
		return e.replace(n, after, body)
	case v.flow:
		return head + e.flow(v, before, after) + tail
	case after.isEmpty():
		line := e.lineEnd(n.keyTo)
		return e.text[body.from:n.keyTo] + ": " + after.flow() + strings.TrimPrefix(e.text[n.keyTo:line], ":")
	}
	from := e.lineEnd(n.keyTo)
	region := span{from, body.to}
	if v.kind == listNode {
		return e.text[body.from:from] + e.list(v, before, after, region)
	}
	return e.text[body.from:from] + e.mapping(v, before, after, region)
}

// replace writes another value where a scalar, nothing or an empty list stood.
func (e editor) replace(n entry, after *value, body span) string {
	v := n.value
	tail := e.text[v.end:body.to]
	if after.kind != scalarNode && !after.short && !after.isEmpty() {
		return e.text[body.from:n.keyTo] + ":" + tail + after.lines(e.column(n.at)+2)
	}
	head := e.text[body.from:v.start]
	if v.start == v.end {
		head += " "
	}
	return head + e.styled(v, after, false) + tail
}

// styled writes a scalar with the quotes of the one that it replaces.
func (e editor) styled(v *node, after *value, inFlow bool) string {
	if after.kind == scalarNode && after.quoted && v.kind == scalarNode && v.start < v.end {
		switch e.text[v.start] {
		case '"':
			return doubleQuoted(after.text)
		case '\'':
			if printable(after.text) {
				return "'" + strings.ReplaceAll(after.text, "'", "''") + "'"
			}
		}
	}
	return after.inline(inFlow)
}

// list writes a block list that fills a region.
func (e editor) list(n *node, before, after *value, region span) string {
	starts, ends := make([]int, len(n.items)), make([]int, len(n.items))
	for i, it := range n.items {
		starts[i], ends[i] = it.at, it.value.end
	}
	chunks := e.chunks(starts, ends, region)
	matches := match(before.items, after.items)
	used := map[int]bool{}
	for _, j := range matches {
		used[j] = true
	}
	spaced := len(chunks) > 1 && strings.TrimSpace(e.raw(chunks[1].gap)) == "" && chunks[1].gap.to > chunks[1].gap.from
	var b strings.Builder
	b.WriteString(e.detached(chunks, used))
	for i, it := range after.items {
		if j := matches[i]; j >= 0 {
			b.WriteString(e.spacing(chunks[j], i, j) + e.raw(chunks[j].lead) + e.item(n.items[j], before.items[j], it, chunks[j].body))
			continue
		}
		if spaced && i > 0 {
			b.WriteString("\n")
		}
		b.WriteString(it.listItem(e.column(n.items[0].at)))
	}
	return b.String() + e.text[chunks[len(chunks)-1].body.to:region.to]
}

// spacing is what stands before an item that moves from place j to place i.
func (e editor) spacing(c chunk, i, j int) string {
	gap := e.raw(c.gap)
	if strings.TrimSpace(gap) == "" && (i == 0) != (j == 0) {
		if i == 0 {
			return ""
		}
		return "\n"
	}
	return gap
}

// detached is the comments that stand apart from the items that were removed.
func (e editor) detached(chunks []chunk, used map[int]bool) string {
	var b strings.Builder
	for j, c := range chunks {
		if gap := e.raw(c.gap); !used[j] && strings.TrimSpace(gap) != "" {
			b.WriteString(gap)
		}
	}
	return b.String()
}

// item writes one item of a block list.
func (e editor) item(n item, before, after *value, body span) string {
	v := n.value
	switch {
	case reflect.DeepEqual(before, after):
		return e.raw(body)
	case v.kind == mappingNode && !v.flow && after.field != nil:
		return e.fieldItem(v.entries[0], after, body)
	case v.kind == mappingNode && !v.flow:
		return e.text[body.from:v.start] + e.mapping(v, before, after, span{v.start, body.to})
	}
	return e.text[body.from:v.start] + e.flow(v, before, after) + e.text[v.end:body.to]
}

// fieldItem writes a changed field: its name, and its type with modifiers.
func (e editor) fieldItem(n entry, after *value, body span) string {
	return e.text[body.from:n.at] + e.fieldText(n, after, false) + e.text[n.value.end:body.to]
}

func (e editor) fieldText(n entry, after *value, inFlow bool) string {
	key := e.text[n.at:n.keyTo]
	if n.key != after.entries[0].key {
		key = plainOrQuoted(after.entries[0].key, inFlow)
	}
	text := e.text[n.value.start:n.value.end]
	if n.value.text != after.entries[0].value.text {
		text = e.styled(n.value, after.entries[0].value, inFlow)
	}
	return key + e.text[n.keyTo:n.value.start] + text
}

// flow writes a changed value in one line, with the raw text of its unchanged parts.
func (e editor) flow(n *node, before, after *value) string {
	switch {
	case before != nil && reflect.DeepEqual(before, after):
		return e.text[n.start:n.end]
	case n.kind == mappingNode && after.field != nil && len(n.entries) == 1:
		return "{" + e.fieldText(n.entries[0], after, true) + "}"
	case n.kind == mappingNode && before != nil:
		return e.flowMapping(n, before, after)
	case n.kind == listNode && before != nil:
		parts := make([]string, len(after.items))
		for i, j := range match(before.items, after.items) {
			if parts[i] = after.items[i].inline(true); j >= 0 {
				parts[i] = e.flow(n.items[j].value, before.items[j], after.items[i])
			}
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return e.styled(n, after, true)
}

func (e editor) flowMapping(n *node, before, after *value) string {
	var parts []string
	written := map[string]bool{}
	for _, entry := range n.entries {
		written[entry.key] = true
		old, new := before.find(entry.key), after.find(entry.key)
		switch {
		case new != nil:
			parts = append(parts, e.text[entry.at:entry.value.start]+e.flow(entry.value, old, new))
		case old == nil:
			parts = append(parts, e.text[entry.at:entry.value.end])
		}
	}
	for _, k := range after.entries {
		if !written[k.key] && !reflect.DeepEqual(before.find(k.key), k.value) {
			parts = append(parts, plainOrQuoted(k.key, true)+": "+k.value.inline(true))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// match finds for each item the old one that it continues, by its name or by
// what it was called before; -1 where there is none.
func match(before, after []*value) []int {
	matches := make([]int, len(after))
	free := map[string][]int{}
	for j, old := range before {
		name, _ := old.identity()
		free[name] = append(free[name], j)
	}
	take := func(i int, name string) {
		if places := free[name]; matches[i] < 0 && name != "" && len(places) > 0 {
			matches[i], free[name] = places[0], places[1:]
		}
	}
	for i := range after {
		matches[i] = -1
	}
	for i, v := range after {
		name, _ := v.identity()
		take(i, name)
	}
	for i, v := range after {
		_, was := v.identity()
		take(i, was)
	}
	return matches
}

// identity is the present and the former name of a list's item.
func (v *value) identity() (name, was string) {
	switch {
	case v.kind == scalarNode:
		return v.text, ""
	case v.field != nil:
		return v.field.Name, v.field.Was
	}
	if named := v.find("name"); named != nil {
		name = named.text
	}
	if former := v.find("was"); former != nil {
		was = former.text
	}
	return name, was
}
