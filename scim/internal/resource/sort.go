package resource

import (
	"cmp"
	"encoding/json"
	"math/big"
	"time"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A Key is what a resource is sorted by. Make one for each resource, then compare keys.
type Key struct {
	present bool
	text    string
	number  *big.Rat
	time    time.Time
}

// Key returns the key of a resource for the parameter sortBy (RFC 7644 section 3.4.2.3): of a multi-valued
// attribute the primary value or else the first, of a complex one its "value". Text is compared by the case rule of
// the attribute. A path that names nothing sorts nothing.
func (t *Type) Key(doc map[string]any, by filter.Path) Key {
	path, to, ok := t.locate(by, Leniency{ShortNames: true, Aliases: true})
	if !ok || to.attribute == nil {
		return Key{}
	}
	a, leaf := to.attribute, to.sub
	path.Attr.Sub = ""
	values := path.Values(doc, t)
	if len(values) == 0 {
		return Key{}
	}
	value := values[0]
	for _, v := range values {
		if isPrimary(v) {
			value = v
			break
		}
	}
	m, complex := value.(map[string]any)
	if !complex {
		return newKey(a, value)
	}
	if leaf == nil {
		leaf = a.value
	}
	if leaf == nil {
		return Key{}
	}
	return newKey(leaf, m[leaf.name])
}

// newKey returns the key for a value of a simple attribute.
func newKey(a *attribute, v any) Key {
	if empty(v) {
		return Key{}
	}
	k := Key{present: true, text: a.fold(scalar(v))}
	switch n := v.(type) {
	case json.Number:
		k.number = rational(n)
	case string:
		if a.typ == filter.DateTime {
			k.time, _ = time.Parse(time.RFC3339Nano, n)
		}
	}
	return k
}

// Compare orders two keys ascending. A resource without value comes last.
func (k Key) Compare(other Key) int {
	switch {
	case k.present != other.present:
		if k.present {
			return -1
		}
		return 1
	case k.number != nil && other.number != nil:
		return k.number.Cmp(other.number)
	case !k.time.IsZero() && !other.time.IsZero():
		return k.time.Compare(other.time)
	}
	return cmp.Compare(k.text, other.text)
}

// Compare orders two resources by a path. In descending order a resource without value comes first, as RFC 7644
// section 3.4.2.3 wants it. To sort many resources, compare their [Type.Key].
func (t *Type) Compare(a, b map[string]any, by filter.Path, descending bool) int {
	order := t.Key(a, by).Compare(t.Key(b, by))
	if descending {
		return -order
	}
	return order
}
