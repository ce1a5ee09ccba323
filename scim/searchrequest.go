package scim

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

const searchSchema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"

// searchQuery reads the body of a search request (RFC 7644 section 3.4.3).
func (h *Handler) searchQuery(x *exchange, reads ...*resource.Type) (*query, error) {
	doc, err := x.document(h.limits)
	if err != nil {
		return nil, err
	}
	members := lowerKeys(doc)
	schemas, named := members["schemas"]
	if !names(schemas, searchSchema) && (named || !h.traits.leniency.MissingSchemas) {
		return nil, refuse(invalidSyntax, "schemas: a search request has "+searchSchema)
	}
	given := map[string]string{}
	for _, name := range paramNames() {
		v := members[strings.ToLower(name)]
		if v == nil {
			continue
		}
		text, ok := searchText(name, v, h.traits.leniency)
		if !ok {
			return nil, refuse(invalidValue, name+": the value has a wrong type")
		}
		given[name] = text
	}
	return h.parseQuery(given, reads...)
}

// names reports whether a JSON value is a list with the URN, in any case.
func names(v any, urn string) bool {
	list, _ := v.([]any)
	return slices.ContainsFunc(list, func(item any) bool {
		text, ok := item.(string)
		return ok && strings.EqualFold(text, urn)
	})
}

// searchText returns a value of a search request as a URL would have it.
func searchText(name string, v any, l resource.Leniency) (string, bool) {
	text, isText := v.(string)
	switch name {
	case paramStart, paramCount:
		if number, ok := v.(json.Number); ok {
			return number.String(), true
		}
		return text, isText && l.NumberStrings
	case paramAttributes, paramExcluded:
		if list, ok := v.([]any); ok {
			return joined(list)
		}
		return text, isText && l.SingleObjectAsArray
	}
	return text, isText
}

// joined returns a list of texts as a URL would have it.
func joined(list []any) (string, bool) {
	parts := make([]string, len(list))
	for i, item := range list {
		text, ok := item.(string)
		if !ok {
			return "", false
		}
		parts[i] = text
	}
	return strings.Join(parts, ","), true
}
