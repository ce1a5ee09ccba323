package mapping

import (
	"reflect"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// Scope are the settings that choose the users and groups a connection provisions at all. The zero value chooses
// all.
type Scope struct {
	// Users is an expression over the attributes of a user, such as `userType == "Employee"`.
	Users string `json:"users,omitempty"`

	// Groups is an expression over displayName, externalId and id of a group, such as
	// `displayName startsWith "crowd-"`.
	Groups string `json:"groups,omitempty"`
}

// ScopeFilter chooses users and groups. It is made by [CompileScope], immutable, and may be used by several
// goroutines.
type ScopeFilter struct{ users, groups *expression }

// CompileScope checks the expressions and makes them ready for use. A nil schema means [DefaultSchema]. Its error
// is of type [Faults].
func CompileScope(s Scope, schema filter.Schema) (*ScopeFilter, error) {
	if schema == nil {
		schema = DefaultSchema()
	}
	var faults Faults
	f := &ScopeFilter{
		users:  condition(&faults, "/users", s.Users, schema),
		groups: condition(&faults, "/groups", s.Groups, groupSchema{}),
	}
	if err := faults.err(); err != nil {
		return nil, err
	}
	return f, nil
}

// condition compiles an expression that gives a boolean; none gives nil.
func condition(faults *Faults, pointer, text string, schema filter.Schema) *expression {
	if text == "" {
		return nil
	}
	e, err := compileExpression(text, schema)
	if err != nil {
		c := attributeCompiler{}
		c.expressionFault(pointer, err)
		*faults = append(*faults, c.faults...)
		return nil
	}
	if e.result.Kind() != reflect.Bool {
		faults.add(pointer, "the expression is no condition", `Write one that is true or false, such as userType == "Employee"`)
	}
	return e
}

// User reports whether the connection provisions the user. Its error is a *[ValueError]: the expression cannot be
// evaluated for this resource.
func (f *ScopeFilter) User(resource map[string]any) (bool, error) {
	return holds(f.users, "scope.users", resource)
}

// Group reports whether the connection provisions the group. Its error is a *[ValueError].
func (f *ScopeFilter) Group(g SCIMGroup) (bool, error) {
	return holds(f.groups, "scope.groups", map[string]any{"displayName": g.Name, "externalId": g.ExternalID, "id": g.ID})
}

func holds(e *expression, setting string, resource map[string]any) (bool, error) {
	if e == nil {
		return true, nil
	}
	v, err := e.evaluate(resource)
	if err != nil {
		return false, &ValueError{Attribute: setting, Problem: "the expression fails: " + err.Error(), Remedy: "Correct the expression, or the value in the identity provider"}
	}
	return v == true, nil
}

// groupSchema knows the attributes that choose groups.
type groupSchema struct{}

// Lookup implements [filter.Schema].
func (groupSchema) Lookup(urn, name string) (filter.AttrInfo, bool) {
	info, ok := fields("string displayName; string! id externalId", nil)[Fold(name)]
	return info, ok && urn == ""
}

// Names returns the attributes.
func (groupSchema) Names() []string { return []string{"displayName", "externalId", "id"} }
