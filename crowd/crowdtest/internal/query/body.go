package query

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

// A Body is the restriction that stands in the body of a POST to search: one
// property or, in JSON alone, several joined.
type Body struct {
	XMLName      xml.Name `json:"-"`
	Type         string   `json:"restriction-type" xml:"-"`
	Logic        string   `json:"boolean-logic" xml:"-"`
	Restrictions []Body   `json:"restrictions" xml:"-"`
	Property     struct {
		Name string `json:"name" xml:"name"`
		Type string `json:"type" xml:"type"`
	} `json:"property" xml:"property"`
	MatchMode string    `json:"match-mode" xml:"match-mode"`
	Value     bodyValue `json:"value" xml:"value"`
}

// bodyValue is a text that may be spelled as a JSON number or boolean.
type bodyValue string

func (v *bodyValue) UnmarshalJSON(data []byte) error {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return err
	}
	switch value := value.(type) {
	case nil:
	case string:
		*v = bodyValue(value)
	case bool, float64:
		*v = bodyValue(data)
	default:
		return errors.New("a restriction's value is neither text, number nor boolean")
	}
	return nil
}

const (
	propertyRestriction = "property-search-restriction"
	booleanRestriction  = "boolean-search-restriction"
	nullRestriction     = "null-search-restriction"
)

// Node returns what the body asks for.
func (b *Body) Node(s Schema) (Node, error) { return b.node(s, 0) }

func (b *Body) node(s Schema, depth int) (Node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	kind := b.Type
	if b.XMLName.Local != "" {
		kind = b.XMLName.Local
	}
	switch kind {
	case propertyRestriction:
		return b.property(s)
	case booleanRestriction:
		return b.joined(s, depth)
	case nullRestriction:
		return All{}, nil
	case "":
		return nil, errors.New("restriction-type is missing")
	}
	return nil, fmt.Errorf("%q is no restriction-type", kind)
}

func (b *Body) joined(s Schema, depth int) (Node, error) {
	if b.XMLName.Local != "" {
		return nil, errors.New("joined restrictions are read from JSON alone")
	}
	parts := make([]Node, len(b.Restrictions))
	for i := range b.Restrictions {
		var err error
		if parts[i], err = b.Restrictions[i].node(s, depth+1); err != nil {
			return nil, err
		}
	}
	switch logic := strings.ToLower(b.Logic); {
	case logic == "and":
		return And(parts), nil
	case logic == "or" && !s.Narrow:
		return Or(parts), nil
	}
	return nil, fmt.Errorf("%q is no boolean-logic", b.Logic)
}

func (b *Body) property(s Schema) (Node, error) {
	if b.Property.Name == "" {
		return nil, errors.New("a restriction names no property")
	}
	switch b.Property.Type {
	case "STRING", "BOOLEAN", "DATE", "":
	default:
		return nil, fmt.Errorf("%q is no property type", b.Property.Type)
	}
	mode, err := parseMode(b.MatchMode)
	if err != nil {
		return nil, err
	}
	if s.Narrow && (mode != Exactly && mode != Contains || b.Property.Type == "DATE") {
		return nil, fmt.Errorf("%s of a %s is not supported", b.MatchMode, b.Property.Type)
	}
	return s.restrict(b.Property.Name, mode, string(b.Value))
}

func parseMode(name string) (Mode, error) {
	switch name {
	case "EXACTLY_MATCHES", "":
		return Exactly, nil
	case "CONTAINS":
		return Contains, nil
	case "STARTS_WITH":
		return StartsWith, nil
	case "ENDS_WITH":
		return EndsWith, nil
	case "GREATER_THAN":
		return Greater, nil
	case "LESS_THAN":
		return Less, nil
	case "NULL":
		return Null, nil
	}
	return 0, fmt.Errorf("%q is no match-mode", name)
}
