// Command schema prints, for a validator of JSON Schema that somebody else wrote, the
// schema of the configuration in a first line of JSON, and then documents, each in a
// line with what backup.Read makes of it: those that are given as files, such documents
// with parts taken out or exchanged, and such documents with a value that is right
// nowhere.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/scimcrowd/scimcrowd/backup"
)

// A verdict is a document and what became of it.
type verdict struct {
	Name     string `json:"name"`
	Document string `json:"document"`
	Accepted bool   `json:"accepted"`
	// Malformed tells that a schema has to refuse it.
	Malformed bool   `json:"malformed"`
	Faults    string `json:"faults,omitempty"`
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: schema DOCUMENT...")
	}
	var schema bytes.Buffer
	if err := json.Compact(&schema, backup.Schema()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(schema.String())
	for _, file := range os.Args[1:] {
		data, err := os.ReadFile(file)
		if err != nil {
			log.Fatal(err)
		}
		name := filepath.Base(file)
		say(name, string(data), false)
		malformed(name, data)
		altered(name, data)
	}
}

func say(name, document string, malformed bool) {
	_, err := backup.Read(bytes.NewReader([]byte(document)))
	v := verdict{Name: name, Document: document, Accepted: err == nil, Malformed: malformed}
	if err != nil {
		v.Faults = err.Error()
	}
	line, err := json.Marshal(v)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(line))
}

// A spot is a value of a document, and what exchanges it or takes it out.
type spot struct {
	at     string
	value  any
	set    func(any)
	remove func()
}

// spots lists all values of a document in a fixed order.
func spots(at string, value any, set func(any), remove func()) []spot {
	all := []spot{{at, value, set, remove}}
	switch v := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, spots(at+"/"+name, v[name], func(x any) { v[name] = x }, func() { delete(v, name) })...)
		}
	case []any:
		for i := range v {
			all = append(all, spots(fmt.Sprintf("%s/%d", at, i), v[i], func(x any) { v[i] = x }, func() {})...)
		}
	}
	return all
}

func parsed(data []byte) any {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		log.Fatal(err)
	}
	return root
}

func text(root any) string {
	data, err := json.Marshal(root)
	if err != nil {
		log.Fatal(err)
	}
	return string(data)
}

// malformed puts what is right nowhere into each place.
func malformed(name string, data []byte) {
	root := parsed(data)
	for _, s := range spots("", root, func(x any) { root = x }, func() {}) {
		for _, wrong := range []any{nil, json.Number("1e18"), map[string]any{"nope": true}} {
			s.set(wrong)
			say(fmt.Sprintf("%s, %v at %s", name, wrong, s.at), text(root), true)
			s.set(s.value)
		}
	}
}

// altered takes parts out and exchanges others, the same in every run.
func altered(name string, data []byte) {
	random := rand.New(rand.NewPCG(1, 2))
	values := []any{
		true, false, "", "x", "all", "reject", "okta", "a:b", "https://x", "urn:x:y", "A\n", "2027-02-30T00:00:00Z", "2027-11-30T00:00:00,5Z",
		json.Number("0"), json.Number("7.0"), json.Number("1e2"), json.Number("1.5"),
		[]any{},
		[]any{"x"},
		map[string]any{},
		map[string]any{"env": "A"},
	}
	for i := range 1000 {
		root := parsed(data)
		for range 1 + random.IntN(6) {
			all := spots("", root, func(x any) { root = x }, func() {})
			s := all[random.IntN(len(all))]
			if random.IntN(3) > 0 {
				s.remove()
			} else if len(all) > 1 {
				s.set(values[random.IntN(len(values))])
			}
		}
		say(fmt.Sprintf("%s, altered, %d", name, i), text(root), false)
	}
}
