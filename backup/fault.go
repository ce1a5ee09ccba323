package backup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/scimcrowd/scimcrowd/mapping"
)

// maxFaults bounds what is told of one document.
const maxFaults = 1000

// faults collects what is wrong with a document.
type faults struct {
	list mapping.Faults
	more int // beyond maxFaults
}

func (f *faults) add(pointer, problem, remedy string) {
	if f.full() {
		f.more++
		return
	}
	f.list = append(f.list, mapping.Fault{Pointer: pointer, Problem: problem, Remedy: remedy})
}

func (f *faults) full() bool { return len(f.list) >= maxFaults }

// err returns the faults in the order of the document, nil if there are none.
func (f *faults) err(root *node) error {
	if len(f.list) == 0 {
		return nil
	}
	places := make(map[string]int, len(f.list))
	for _, fault := range f.list {
		places[fault.Pointer] = root.place(fault.Pointer)
	}
	slices.SortStableFunc(f.list, func(a, b mapping.Fault) int {
		return cmp.Compare(places[a.Pointer], places[b.Pointer])
	})
	if f.more > 0 {
		f.list = append(f.list, mapping.Fault{
			Problem: fmt.Sprintf("%d faults more", f.more), Remedy: "Correct these first",
		})
	}
	return f.list
}

// without returns the faults that do not follow from others: those that are
// neither at, above nor below a place where there is one already.
func (f *faults) without(others mapping.Faults) mapping.Faults {
	at, above := map[string]bool{}, map[string]bool{}
	for _, o := range others {
		at[o.Pointer] = true
		for p := o.Pointer; p != ""; p = parent(p) {
			above[parent(p)] = true
		}
	}
	var rest mapping.Faults
	for _, fault := range f.list {
		follows := above[fault.Pointer]
		for p := fault.Pointer; p != "" && !follows; p = parent(p) {
			follows = at[p]
		}
		if !follows {
			rest = append(rest, fault)
		}
	}
	return rest
}

func parent(pointer string) string { return pointer[:strings.LastIndexByte(pointer, '/')] }

// place returns where in the document the value of a pointer is, or the nearest
// one above it that there is.
func (n *node) place(pointer string) int {
	if n == nil {
		return 0
	}
	for _, step := range strings.Split(pointer, "/")[1:] {
		below := n.below(unescapePointer(step))
		if below == nil {
			break
		}
		n = below
	}
	return n.seq
}

func (n *node) below(step string) *node {
	if i, err := strconv.Atoi(step); n.kind == jsonList && err == nil && i >= 0 && i < len(n.items) {
		return n.items[i]
	}
	for _, m := range n.members {
		if m.name == step {
			return m.value
		}
	}
	return nil
}

// escapePointer makes a name a step of a JSON pointer (RFC 6901 section 3). What
// would not stand well in a line is shown as in a JSON text, and shortened.
func escapePointer(name string) string {
	if len(name) > 64 || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		name = strings.Trim(quote(name), `"`)
	}
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

func unescapePointer(step string) string {
	return strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
}

// quote shows a text of the document, shortened where it is long.
func quote(s string) string {
	const long = 64
	if r := []rune(s[:min(len(s), 4*long)]); len(r) > long {
		s = string(r[:long]) + "..."
	}
	return jsonQuote(s)
}

// jsonQuote returns a text as JSON has it, without the escapes that only HTML
// needs.
func jsonQuote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text can be encoded, and a Builder written to
	return strings.TrimSuffix(b.String(), "\n")
}
