package store

import (
	"sync"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/query"
)

type entity interface {
	comparable
	ordered.Named
	query.Entity
	attributes() *Attributes
}

// A table holds the users or the groups of a directory.
type table[E entity] struct {
	byName map[string]E
	order  ordered.List[E]
	// customs has an entry for each custom attribute that somebody holds.
	customs map[string]*custom[E]
	// texts indexes the text properties other than the name. A nil index has
	// not been searched yet.
	texts map[string]values[E]
	// building guards the making of an index by readers.
	building sync.Mutex
}

// custom is the index of one custom attribute: who holds it and, once somebody
// has searched for a value, who holds which value.
type custom[E entity] struct {
	holders ordered.List[E]
	values  values[E]
}

// values maps folded values to those who hold them.
type values[E entity] map[string]*ordered.List[E]

func (v values[E]) add(value string, e E) {
	folded := crowd.Fold(value)
	l := v[folded]
	if l == nil {
		l = &ordered.List[E]{}
		v[folded] = l
	}
	l.Insert(e)
}

func (v values[E]) remove(value string, e E) {
	folded := crowd.Fold(value)
	l := v[folded]
	if l == nil {
		return
	}
	if l.Delete(e.Fold()); l.Len() == 0 {
		delete(v, folded)
	}
}

func newTable[E entity](texts ...string) *table[E] {
	t := &table[E]{byName: map[string]E{}, customs: map[string]*custom[E]{}, texts: map[string]values[E]{}}
	for _, property := range texts {
		t.texts[property] = nil
	}
	return t
}

// link enters e under its name and in every index.
func (t *table[E]) link(e E) {
	t.byName[e.Fold()] = e
	t.order.Insert(e)
	t.linkTexts(e)
	for _, a := range *e.attributes() {
		t.linkAttribute(e, a)
	}
}

// unlink is the reverse of link.
func (t *table[E]) unlink(e E) {
	delete(t.byName, e.Fold())
	t.order.Delete(e.Fold())
	t.unlinkTexts(e)
	for _, a := range *e.attributes() {
		t.unlinkAttribute(e, a)
	}
}

func (t *table[E]) linkTexts(e E) {
	for property, index := range t.texts {
		if index != nil {
			text, _ := e.Text(property)
			index.add(text, e)
		}
	}
}

func (t *table[E]) unlinkTexts(e E) {
	for property, index := range t.texts {
		if index != nil {
			text, _ := e.Text(property)
			index.remove(text, e)
		}
	}
}

func (t *table[E]) linkAttribute(e E, a Attribute) {
	c := t.customs[a.Name]
	if c == nil {
		c = &custom[E]{}
		t.customs[a.Name] = c
	}
	c.holders.Insert(e)
	if c.values == nil {
		return
	}
	for _, v := range a.Values {
		c.values.add(v, e)
	}
}

func (t *table[E]) unlinkAttribute(e E, a Attribute) {
	c := t.customs[a.Name]
	if c.holders.Delete(e.Fold()); c.holders.Len() == 0 {
		delete(t.customs, a.Name)
		return
	}
	if c.values == nil {
		return
	}
	for _, v := range a.Values {
		c.values.remove(v, e)
	}
}

func (t *table[E]) setAttribute(e E, name string, values []string) {
	if old := e.attributes().Values(name); old != nil {
		t.unlinkAttribute(e, Attribute{name, old})
	}
	e.attributes().set(name, values)
	if len(values) > 0 {
		t.linkAttribute(e, Attribute{name, values})
	}
}

// textIndex returns the index of a text property, made when first asked for.
func (t *table[E]) textIndex(property string) values[E] {
	t.building.Lock()
	defer t.building.Unlock()
	index := t.texts[property]
	if index == nil {
		index = values[E]{}
		for e := range t.order.All() {
			text, _ := e.Text(property)
			index.add(text, e)
		}
		t.texts[property] = index
	}
	return index
}

// valueIndex returns the index of c's values, made when first asked for.
func (t *table[E]) valueIndex(name string, c *custom[E]) values[E] {
	t.building.Lock()
	defer t.building.Unlock()
	if c.values == nil {
		c.values = values[E]{}
		for e := range c.holders.All() {
			for _, v := range e.Attribute(name) {
				c.values.add(v, e)
			}
		}
	}
	return c.values
}
