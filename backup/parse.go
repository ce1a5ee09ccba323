package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of a document. The format itself nests eight deep.
const (
	maxBytes  = 16 << 20
	maxDepth  = 32
	maxValues = 250_000
	maxText   = 4096 // characters of one text
)

// A node is one value of the document as it was written.
type node struct {
	kind    nodeKind
	text    string // of texts and numbers
	members []member
	items   []*node
	seq     int // its place among all values of the document
}

type member struct {
	name  string
	value *node
}

// A nodeKind is the JSON type of a value, in words.
type nodeKind string

const (
	jsonNull   nodeKind = "null"
	jsonBool   nodeKind = "true or false"
	jsonNumber nodeKind = "a number"
	jsonText   nodeKind = "a text"
	jsonList   nodeKind = "a list"
	jsonObject nodeKind = "an object"
)

// A parseFault says why a document cannot be taken apart.
type parseFault struct{ problem, remedy string }

func (f *parseFault) Error() string { return f.problem }

// parse takes a document apart. What follows the document is a fault of its
// own, and no hindrance.
func parse(data []byte, f *faults) *node {
	if problem, remedy := badText(data); problem != "" {
		f.add("", problem, remedy)
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	p := parser{tokens: d}
	root, err := p.value(0)
	if err != nil {
		fault := explain(err, data, int(d.InputOffset()))
		f.add("", fault.problem, fault.remedy)
		return nil
	}
	rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n")
	if len(rest) > 0 {
		f.add("", "more text follows the document, from "+position(data, len(data)-len(rest))+" on", "Remove what stands behind the last brace")
	}
	return root
}

// badText recognises what is no JSON text at all.
func badText(data []byte) (problem, remedy string) {
	switch {
	case len(data) > maxBytes:
		return fmt.Sprintf("the document is larger than %d MiB", maxBytes>>20), "Split it into several documents"
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return "the document is empty", `Write for example {"format": "` + Format + `", "connections": [...]}`
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return "the document begins with a byte order mark", "Save it as UTF-8 without one"
	case !utf8.Valid(data):
		return "the document is not UTF-8 text", "Save it as UTF-8"
	}
	return "", ""
}

type parser struct {
	tokens *json.Decoder
	values int
}

// value reads one value and all below it.
func (p *parser) value(depth int) (*node, error) {
	token, err := p.tokens.Token()
	if err != nil {
		return nil, err
	}
	if p.values++; p.values > maxValues {
		return nil, &parseFault{fmt.Sprintf("the document holds more than %d values", maxValues), "Split it into several documents"}
	}
	n := &node{seq: p.values}
	switch t := token.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, &parseFault{fmt.Sprintf("the document is nested more than %d deep", maxDepth), "Remove what does not belong there; the format needs no such depth"}
		}
		if t == '{' {
			n.kind = jsonObject
			return n, p.members(n, depth)
		}
		n.kind = jsonList
		return n, p.items(n, depth)
	case string:
		n.kind, n.text = jsonText, t
	case json.Number:
		n.kind, n.text = jsonNumber, t.String()
	case bool:
		n.kind, n.text = jsonBool, fmt.Sprint(t)
	default:
		n.kind = jsonNull
	}
	return n, nil
}

func (p *parser) members(n *node, depth int) error {
	for p.tokens.More() {
		token, err := p.tokens.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		value, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.members = append(n.members, member{name, value})
	}
	_, err := p.tokens.Token()
	return err
}

func (p *parser) items(n *node, depth int) error {
	for p.tokens.More() {
		item, err := p.value(depth + 1)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := p.tokens.Token()
	return err
}

// explain says for people why the document could not be read beyond offset.
func explain(err error, data []byte, offset int) parseFault {
	if fault, ok := errors.AsType[*parseFault](err); ok {
		return parseFault{fault.problem + ", at " + position(data, offset), fault.remedy}
	}
	// The decoder of single tokens is not exact about places; the one of whole
	// documents is.
	var whole json.RawMessage
	e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(data, &whole))
	if !ok || int(e.Offset) >= len(data) && strings.Contains(e.Error(), "unexpected end") {
		return parseFault{"the document ends in the middle", "Complete it; perhaps a brace, bracket or quotation mark is missing"}
	}
	return parseFault{
		"the document is not JSON, at " + position(data, int(e.Offset)-1) + ": " + e.Error(),
		"Correct it there; often a comma or quotation mark is missing or too many in front of that place",
	}
}

// position says where in the document an offset is.
func position(data []byte, offset int) string {
	before := data[:min(offset, len(data))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}
