package backup

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
)

// words shows a value that is set.
func words(s *shape, v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	switch {
	case s.kind == text:
		return quote(v.String())
	case s.kind == list && s.elem.kind == text:
		return quoteAll(v.Interface().([]string))
	}
	const long = 200
	shown := []rune(string(appendValue(nil, s, v)))
	if len(shown) > long {
		return string(shown[:long]) + "..."
	}
	return string(shown)
}

// quoteAll lists texts, shortened where there are many.
func quoteAll(texts []string) string {
	const many = 10
	if len(texts) == 0 {
		return "none"
	}
	var quoted []string
	for _, t := range texts[:min(many, len(texts))] {
		quoted = append(quoted, quote(t))
	}
	if more := len(texts) - many; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(quoted, ", "), more)
	}
	return strings.Join(quoted, ", ")
}

// entryNames names the entries of a list. Those of the same name are numbered.
func entryNames(list reflect.Value) []string {
	names := make([]string, list.Len())
	times := map[string]int{}
	for i := range names {
		name := entryName(list.Index(i))
		times[name]++
		names[i] = fmt.Sprintf("%d %s", times[name], name)
	}
	return names
}

func entryName(v reflect.Value) string {
	switch e := v.Interface().(type) {
	case Connection:
		return e.Name
	case scim.Token:
		return e.ID
	case scim.Issuer:
		return issuerName(e)
	case mapping.Row:
		return e.To
	case mapping.Rule:
		return ruleSource(e)
	case Extension:
		return e.ID
	case ExtensionAttribute:
		return e.Name
	}
	return ""
}

func issuerName(i scim.Issuer) string {
	if i.EntraTenant != "" {
		return "tenant " + quote(i.EntraTenant)
	}
	return quote(i.URL)
}

func ruleSource(r mapping.Rule) string {
	switch {
	case r.From != "":
		return "from " + quote(r.From)
	case r.FromExternalID != "":
		return "fromExternalId " + quote(r.FromExternalID)
	}
	return "fromPattern " + quote(r.FromPattern)
}

// entry returns the place of an entry of the list at p.
func (p place) entry(v reflect.Value, i int) place {
	p.pointer = fmt.Sprintf("%s/%d", p.pointer, i)
	p.old = p.pointer
	switch e := v.Interface().(type) {
	case Connection:
		p.connection, p.label = e.Name, ""
	case scim.Token:
		p.label = "token " + quote(e.ID)
	case scim.Issuer:
		p.label = "issuer " + issuerName(e)
	case mapping.Row:
		p.label = "attribute " + quote(e.To)
	case mapping.Rule:
		p.label = "rule " + ruleSource(e)
	case Extension:
		p.label = "extension " + quote(e.ID)
	case ExtensionAttribute:
		p.label = strings.TrimSuffix(strings.TrimSuffix(p.label, "subAttributes"), "attributes") + "attribute " + quote(e.Name)
	}
	return p
}

// describeEntry says of the entry of a list at p that it is new, or gone.
func describeEntry(p place, v reflect.Value, isNew bool) string {
	switch e := v.Interface().(type) {
	case Connection:
		if !isNew {
			return "gone; " + quote(e.Path) + " is served no more, and what it made in Crowd stays"
		}
		return fmt.Sprintf("new, at %s, for the application %s in Crowd at %s", quote(e.Path), quote(e.Crowd.Application), quote(e.Crowd.URL))
	case scim.Token:
		return "token " + quote(e.ID) + tokenEnd(e, isNew)
	case scim.Issuer:
		if !isNew {
			return "issuer " + issuerName(e) + " is gone; requests with its tokens are refused"
		}
		return "issuer " + issuerName(e) + " is new; " + issuerTokens(e) + " are accepted"
	case mapping.Row:
		if !isNew {
			return fmt.Sprintf("attribute %s: no row of its own any more, was %s", quote(e.To), rowSource(e))
		}
		return fmt.Sprintf("attribute %s: now %s", quote(e.To), rowSource(e))
	case mapping.Rule:
		if !isNew {
			return fmt.Sprintf("rule %s is gone, was to %s", ruleSource(e), quoteAll(e.To))
		}
		return fmt.Sprintf("rule %s is new, to %s", ruleSource(e), quoteAll(e.To))
	case Extension:
		if !isNew {
			return fmt.Sprintf("extension %s is gone; what was kept of it is shown no more", quote(e.ID))
		}
		return fmt.Sprintf("extension %s is new, with %s", quote(e.ID), attributeNames(e.Attributes))
	case ExtensionAttribute:
		if !isNew {
			return p.label + " is gone"
		}
		return p.label + " is new, of type " + quote(cmp.Or(e.Type, typeString))
	}
	return "changes"
}

func attributeNames(all []ExtensionAttribute) string {
	names := make([]string, len(all))
	for i, a := range all {
		names[i] = a.Name
	}
	return quoteAll(names)
}

// issuerTokens says which of an issuer's tokens are accepted.
func issuerTokens(i scim.Issuer) string {
	text := "its tokens"
	if i.Audience != "" {
		text += " for " + quote(i.Audience)
	}
	if len(i.Clients) > 0 {
		text += " of the clients " + quoteAll(i.Clients)
	}
	if len(i.Scopes) > 0 {
		text += " with the scopes " + quoteAll(i.Scopes)
	}
	return text
}

func tokenEnd(t scim.Token, isNew bool) string {
	switch {
	case !isNew:
		return " is gone; requests with it are refused"
	case t.NotAfter.IsZero():
		return " is new, accepted without end"
	}
	return " is new, accepted until " + t.NotAfter.Format(time.RFC3339)
}

func rowSource(r mapping.Row) string {
	var parts []string
	if len(r.From) > 0 {
		parts = append(parts, "from "+quoteAll(r.From))
	}
	if r.Expr != "" {
		parts = append(parts, "by the expression "+quote(r.Expr))
	}
	if r.Const != nil {
		parts = append(parts, "with a constant")
	}
	if len(parts) == 0 {
		return "without a source"
	}
	return strings.Join(parts, ", else ")
}
