package resource

import (
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// A GroupPatch is what the operations of one PATCH on a Group come to, known without its members.
type GroupPatch struct {
	DisplayName *string // nil: leave it
	ExternalID  *string // nil: leave it; empty: it goes

	// Members are the changes of membership, to be carried out in this order. Where no filter has to be evaluated
	// there are at most two: either one ReplaceMembers or RemoveAllMembers, or a RemoveMembers and an AddMembers
	// that have no value in common.
	Members []MemberOp

	Other []Op // on attributes of extensions, for Apply
}

// MemberKind is what a [MemberOp] does.
type MemberKind string

// The changes of membership.
const (
	AddMembers       MemberKind = "add"
	RemoveMembers    MemberKind = "remove"
	ReplaceMembers   MemberKind = "replace" // by Values, at least one
	RemoveAllMembers MemberKind = "removeAll"
)

// A MemberOp is one change of membership.
type MemberOp struct {
	Kind   MemberKind
	Values []string // ids of members, each once
	// Filter restricts it to the members that satisfy it: RemoveMembers, which then has no Values, takes them out, and
	// ReplaceMembers puts its one value in their place, if there are any.
	Filter filter.Expr
}

// FoldGroup folds the operations on a Group, which come from [ParsePatch], into one change. It takes time linear in
// their size. Operations on single sub-attributes of members, which are immutable (RFC 7643 section 8.7.1), are an
// error.
func FoldGroup(ops []Op) (GroupPatch, error) {
	var patch GroupPatch
	var f memberFold
	for _, op := range ops {
		attr := op.Path.Attr
		var err error
		switch {
		case attr.URN != "":
			patch.Other = append(patch.Other, op)
		case strings.EqualFold(attr.Name, "displayName"):
			patch.DisplayName, err = groupText(op)
		case strings.EqualFold(attr.Name, "externalId"):
			patch.ExternalID, err = groupText(op)
		case strings.EqualFold(attr.Name, "members"):
			err = f.fold(op)
		default:
			err = refuse(invalidPath, "the path %q names no attribute of a Group", op.Path.String())
		}
		if err != nil {
			return GroupPatch{}, err
		}
	}
	patch.Members = f.result()
	return patch, nil
}

// groupText returns the new text of an attribute, empty where it goes.
func groupText(op Op) (*string, error) {
	text, _ := op.Value.(string)
	if op.Kind == Remove && strings.EqualFold(op.Path.Attr.Name, "displayName") {
		return nil, refuse(mutability, "displayName is required and cannot be removed")
	}
	return &text, nil
}

// A memberFold folds changes of membership. Since the last filter it knows what is wanted of each member named, in
// the order of their names' first appearance; reset says that nobody else is left.
type memberFold struct {
	done   []MemberOp // up to the last filter, that one included
	reset  bool
	wanted map[string]bool
	order  []string
}

func (f *memberFold) fold(op Op) error {
	if op.Path.Attr.Sub != "" {
		return refuse(mutability, "members.%s is set once only: remove the member and add it anew", op.Path.Attr.Sub)
	}
	if op.Path.Filter != nil {
		return f.filtered(op)
	}
	ids, err := memberIDs(op.Value)
	if err != nil {
		return err
	}
	switch {
	case op.Kind == Remove && op.HasValue:
		f.want(ids, false)
	case op.Kind == Remove:
		f.clear()
	case op.Kind == Replace:
		f.clear()
		f.want(ids, true)
	default:
		f.want(ids, true)
	}
	return nil
}

// filtered folds an operation on the members that satisfy a filter.
func (f *memberFold) filtered(op Op) error {
	member := MemberOp{Kind: RemoveMembers, Filter: op.Path.Filter}
	switch op.Kind {
	case Add:
		return refuse(invalidPath, "the add of %q: members are added without a filter", op.Path.String())
	case Replace:
		ids, err := memberIDs([]any{op.Value})
		if err != nil {
			return err
		}
		member.Kind, member.Values = ReplaceMembers, ids
	default:
		if ids, ok := named(op.Path.Filter); ok {
			f.want(ids, false)
			return nil
		}
	}
	f.done = append(f.result(), member)
	f.reset, f.wanted, f.order = false, nil, nil
	return nil
}

// named returns the ids that a filter names, if it is made of nothing but `value eq "ID"` and or.
func named(e filter.Expr) ([]string, bool) {
	switch e := e.(type) {
	case *filter.Compare:
		id, ok := e.Value.(string)
		return []string{id}, ok && id != "" && e.Op == filter.Equal && e.Attr.URN == "" && strings.EqualFold(e.Attr.Name, "value")
	case *filter.Or:
		var ids []string
		for _, term := range e.Terms {
			more, ok := named(term)
			if !ok {
				return nil, false
			}
			ids = append(ids, more...)
		}
		return ids, true
	}
	return nil, false
}

// memberIDs returns the ids in a list of members in normal form.
func memberIDs(v any) ([]string, error) {
	list, _ := v.([]any)
	ids := make([]string, len(list))
	for i, e := range list {
		m, _ := e.(map[string]any)
		id, _ := m["value"].(string)
		if id == "" {
			return nil, refuse(invalidValue, "a value of members does not say which member it means: send {\"value\": \"ID\"} for each")
		}
		ids[i] = id
	}
	return ids, nil
}

// clear forgets what was wanted so far, filters included: nobody is left. But what precedes a replace that must find
// someone stays, for it may fail.
func (f *memberFold) clear() {
	demanding := func(m MemberOp) bool { return m.Kind == ReplaceMembers && m.Filter != nil }
	if !slices.ContainsFunc(f.done, demanding) {
		f.done = nil
	}
	*f = memberFold{done: f.done, reset: true}
}

func (f *memberFold) want(ids []string, in bool) {
	if f.wanted == nil {
		f.wanted = make(map[string]bool, len(ids))
		f.order = make([]string, 0, len(ids))
	}
	for _, id := range ids {
		if _, ok := f.wanted[id]; !ok {
			f.order = append(f.order, id)
		}
		f.wanted[id] = in
	}
}

// result returns the changes so far.
func (f *memberFold) result() []MemberOp {
	in, out := make([]string, 0, len(f.order)), []string(nil)
	for _, id := range f.order {
		if f.wanted[id] {
			in = append(in, id)
		} else {
			out = append(out, id)
		}
	}
	switch {
	case f.reset && len(in) == 0:
		return append(f.done, MemberOp{Kind: RemoveAllMembers})
	case f.reset:
		return append(f.done, MemberOp{Kind: ReplaceMembers, Values: in})
	}
	result := f.done
	if len(out) > 0 {
		result = append(result, MemberOp{Kind: RemoveMembers, Values: out})
	}
	if len(in) > 0 {
		result = append(result, MemberOp{Kind: AddMembers, Values: in})
	}
	return result
}
