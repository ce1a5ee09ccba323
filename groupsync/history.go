package groupsync

import "github.com/scimcrowd/scimcrowd/crowd"

// A subject is something that one register decides, with what the log says of it.
type subject struct {
	first, last Event  // of the selection
	later       *Event // the first change of it that is not of the selection, and came after
}

// A history is what a log says of what an undo selects.
type history struct {
	connection string
	query      UndoQuery
	subjects   map[string]*subject
	order      []*subject
	deleted    map[string]bool // folded names of SCIM groups that the selection deletes or renames
	taken      map[string]bool // ids of others that have come to have such a name since
}

// enter takes notice of an event. What the same undo did before, cut short perhaps,
// is no change of others, nor one to be undone.
func (h *history) enter(e Event) {
	if e.Connection != h.connection {
		return
	}
	if e.Step.Why == h.query.why() {
		return
	}
	h.names(e)
	e.Step.Reasons = nil
	if e.Kind == EventApplied && (e.Step.Op == OpUpdateUser || e.Step.Op == OpRenameUser) {
		for _, c := range e.Step.Changes {
			one := e
			one.Step.Changes = []Change{c}
			h.note("field "+c.Field+" "+e.Step.UserID, one)
		}
		return
	}
	if key := keyOf(e); key != "" {
		h.note(key, e)
	}
}

// names takes notice of who takes the name of a SCIM group that the selection deletes
// or renames.
func (h *history) names(e Event) {
	if e.Kind != EventApplied {
		return
	}
	op, name := e.Step.Op, crowd.Fold(e.Step.Group)
	if op == OpRenameGroup && h.deleted[crowd.Fold(e.Step.change("displayName").After)] ||
		(op == OpCreateGroup || op == OpLinkGroup) && h.deleted[name] {
		h.taken[e.Step.GroupID] = true
	}
	if (op == OpDeleteGroup || op == OpRenameGroup) && h.query.holds(e) {
		h.deleted[name] = true
	}
}

func (h *history) note(key string, e Event) {
	s := h.subjects[key]
	switch selected := h.query.holds(e); {
	case selected && s == nil:
		s = &subject{first: e, last: e}
		h.subjects[key] = s
		h.order = append(h.order, s)
	case selected:
		s.last = e
	case s != nil && s.later == nil:
		s.later = &e
	}
}

// keyOf names what an event changes, "" for what is derived from other changes or is
// none. The members of exclusive groups are not recorded, so the membership itself
// counts.
func keyOf(e Event) string {
	s := e.Step
	switch {
	case e.Kind == EventMembership && s.GroupID != "" && s.User != "":
		return "member " + s.UserID + " " + s.GroupID
	case e.Kind != EventApplied:
		return ""
	}
	switch s.Op {
	case OpGrant, OpRevoke:
		return "grant " + s.UserID + " " + s.GroupID
	case OpAddGroup, OpRemoveGroup:
		return "nest " + s.ChildID + " " + s.GroupID
	case OpCreateGroup, OpLinkGroup, OpDeleteGroup:
		if s.GroupID != "" {
			return "group " + s.GroupID
		}
	case OpRenameGroup:
		return "name " + s.GroupID
	case OpUpdateGroup:
		return "externalId " + s.GroupID
	case OpCreateUser, OpLinkUser, OpReviveUser, OpDeleteUser:
		return "user " + s.User
	case OpDeactivateUser, OpReactivateUser:
		return "active " + s.UserID
	}
	return ""
}
