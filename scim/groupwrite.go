package scim

import (
	"maps"
	"net/http"
	"slices"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// createGroup serves POST /Groups.
func (h *Handler) createGroup(x *exchange) error {
	q, doc, err := h.body(x, h.group)
	if err != nil {
		return err
	}
	members := memberIDs(doc)
	name, _ := doc["displayName"].(string)
	externalID, _ := doc["externalId"].(string)
	g, err := h.engine.CreateGroup(x.context(), groupsync.NewGroup{Name: name, ExternalID: externalID, Members: members})
	if err != nil {
		return err
	}
	return h.sendGroup(x, http.StatusCreated, g, q, len(members) > 0 && q.showsMembers())
}

// memberIDs returns the ids of a group's members.
func memberIDs(doc map[string]any) []string {
	members, _ := doc["members"].([]any)
	ids := make([]string, 0, len(members))
	for _, item := range members {
		member, _ := item.(map[string]any)
		if id, _ := member["value"].(string); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// replaceGroup serves PUT /Groups/{id}.
func (h *Handler) replaceGroup(x *exchange) error {
	q, doc, err := h.body(x, h.group)
	if err != nil {
		return err
	}
	if err := h.matchGroup(x); err != nil {
		return err
	}
	members := memberIDs(doc)
	name, _ := doc["displayName"].(string)
	externalID, _ := doc["externalId"].(string)
	g, err := h.engine.ChangeGroup(x.context(), x.id, groupsync.GroupChange{
		Name: &name, ExternalID: &externalID,
		Members: []groupsync.MemberChange{{Op: groupsync.ReplaceMembers, IDs: members}},
	})
	if err != nil {
		return err
	}
	return h.sendGroup(x, http.StatusOK, g, q, len(members) > 0 && q.showsMembers())
}

// matchGroup checks the preconditions of a write. There is a call for it only
// where there are any.
func (h *Handler) matchGroup(x *exchange) error {
	if !conditional(x.r.Header) {
		return nil
	}
	g, err := h.engine.Group(x.context(), x.id)
	if err != nil {
		return err
	}
	if f := checkMatch(x.r.Header, versionOf(h.groupDoc(g))); f != nil {
		return f
	}
	return nil
}

// patchGroup serves PATCH /Groups/{id}. The members are never loaded for it,
// unless an operation chooses among them by anything but their value, replaces
// some of them by others, or the client asks for them by name.
func (h *Handler) patchGroup(x *exchange) error {
	q, ops, err := h.patchBody(x, h.group)
	if err != nil {
		return err
	}
	folded, err := resource.FoldGroup(ops)
	if err != nil {
		return err
	}
	if err := h.matchGroup(x); err != nil {
		return err
	}
	change := groupsync.GroupChange{Name: folded.DisplayName, ExternalID: folded.ExternalID}
	if change.Members, err = h.memberChanges(x, folded.Members); err != nil {
		return err
	}
	g, err := h.engine.ChangeGroup(x.context(), x.id, change)
	if err != nil {
		return err
	}
	if len(q.attributes) > 0 {
		return h.sendGroup(x, http.StatusOK, g, q, q.showsMembers())
	}
	if h.traits.groupPatchBody && len(folded.Members) == 0 {
		return h.sendGroup(x, http.StatusOK, g, q, false)
	}
	return x.sendChanged(versionOf(h.groupDoc(g)), h.location("Groups", g.ID))
}

// memberChanges turns the operations on members into what the engine takes.
func (h *Handler) memberChanges(x *exchange, ops []resource.MemberOp) ([]groupsync.MemberChange, error) {
	var changes []groupsync.MemberChange
	for _, op := range ops {
		c := groupsync.MemberChange{IDs: op.Values}
		switch op.Kind {
		case resource.AddMembers:
			c.Op = groupsync.AddMembers
		case resource.RemoveMembers:
			c.Op = groupsync.RemoveMembers
		case resource.ReplaceMembers:
			c.Op = groupsync.ReplaceMembers
		case resource.RemoveAllMembers:
			c.Op, c.IDs = groupsync.ReplaceMembers, nil
		}
		if op.Filter == nil {
			changes = append(changes, c)
			continue
		}
		chosen, err := h.chooseMembers(x, op.Filter, changes)
		if err != nil {
			return nil, err
		}
		if op.Kind == resource.ReplaceMembers {
			if len(chosen) == 0 {
				return nil, refuse(noTarget, "members: no member matches the filter of the replace; add the member without one")
			}
			changes = append(changes, groupsync.MemberChange{Op: groupsync.RemoveMembers, IDs: chosen})
			c.Op, chosen = groupsync.AddMembers, op.Values
		}
		c.IDs = chosen
		changes = append(changes, c)
	}
	return changes, nil
}

// chooseMembers returns the ids of the members a value filter selects, of those
// there are and those that earlier operations of the request add.
func (h *Handler) chooseMembers(x *exchange, e filter.Expr, earlier []groupsync.MemberChange) ([]string, error) {
	g, err := h.engine.Group(x.context(), x.id)
	if err != nil {
		return nil, err
	}
	wanted := &filter.ValuePath{Attr: filter.Attr{Name: "members"}, Filter: e}
	matches := func(member map[string]any) bool {
		return filter.Match(wanted, map[string]any{"members": []any{member}}, h.group)
	}
	now := newMembership(earlier)
	var ids []string
	for m, err := range h.engine.Members(x.context(), g) {
		if err != nil {
			return nil, err
		}
		if now.stays(m.ID) && matches(h.memberValue(m)) {
			ids = append(ids, m.ID)
		}
		delete(now.said, m.ID)
	}
	for _, id := range slices.Sorted(maps.Keys(now.said)) {
		if now.said[id] && matches(map[string]any{"value": id, "type": "User"}) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// A membership is what the earlier operations of a request make of a group.
type membership struct {
	said    map[string]bool // whether the member is in, of those that are named
	cleared bool            // nobody else is in
}

func newMembership(changes []groupsync.MemberChange) membership {
	m := membership{said: map[string]bool{}}
	for _, c := range changes {
		if c.Op == groupsync.ReplaceMembers {
			m.cleared = true
			clear(m.said)
		}
		for _, id := range c.IDs {
			m.said[id] = c.Op != groupsync.RemoveMembers
		}
	}
	return m
}

// stays reports whether one who was a member is one still.
func (m membership) stays(id string) bool {
	if in, ok := m.said[id]; ok {
		return in
	}
	return !m.cleared
}

// deleteGroup serves DELETE /Groups/{id}.
func (h *Handler) deleteGroup(x *exchange) error {
	if err := h.matchGroup(x); err != nil {
		return err
	}
	if err := h.engine.DeleteGroup(x.context(), x.id); err != nil {
		return err
	}
	return x.send(http.StatusNoContent, nil)
}
