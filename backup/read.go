package backup

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
)

// Read reads a document. An error of type [mapping.Faults] tells all that is
// wrong with it, in the order of the document: fields that are unknown, missing
// or there twice, wrong types, unknown words, values out of range, settings that
// contradict each other, and mappings that do not compile. What only follows
// from another fault is left out. No fault repeats a secret.
//
// Documents of older formats are brought to the present one. Of a document of a later
// or an unknown format nothing is told but that.
//
// Documents of more than 16 MiB, deeper than 32 levels or with more than 250,000
// values are refused.
func Read(r io.Reader) (*Config, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("backup: read: %w", err)
	}
	return read(data)
}

// wholeRule is the rule of the document as such.
func wholeRule() rule {
	return rule{required: true, example: `{"format": "` + Format + `", "connections": [...]}`}
}

func read(data []byte) (*Config, error) { return readFrom(data, upgrades()) }

// readFrom reads a document of this format, or of one from which the upgrades lead to it.
func readFrom(data []byte, older []upgrade) (*Config, error) {
	var f faults
	root := parse(data, &f)
	if root != nil {
		root.upgrade(older)
	}
	if root == nil || otherFormat(root, &f) {
		return nil, f.err(root)
	}
	var c Config
	d := decoder{faults: &f, forms: map[string]*regexp.Regexp{}}
	d.value(root, configShape(), wholeRule(), reflect.ValueOf(&c).Elem(), "")
	contradictions := check(&c, f.list)
	for _, fault := range contradictions.without(f.list) {
		f.add(fault.Pointer, fault.Problem, fault.Remedy)
	}
	f.more += contradictions.more
	if err := f.err(root); err != nil {
		return nil, err
	}
	return &c, nil
}

// Validate tells what [Read] would say of c, the error being nil or of type
// [mapping.Faults].
func (c *Config) Validate() error {
	_, err := c.clone()
	return err
}

// clone returns a copy that shares nothing with c, or the faults of c.
func (c *Config) clone() (*Config, error) { return read(c.encode()) }
