package scim

import (
	"context"
	"iter"
	"net/http"
	"strings"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// groupDoc returns a group as a SCIM resource, without its members and
// therefore with a version.
func (h *Handler) groupDoc(g *groupsync.Group) map[string]any {
	doc := map[string]any{"schemas": []any{groupSchema}, "id": g.ID, "displayName": g.Name}
	if g.ExternalID != "" {
		doc["externalId"] = g.ExternalID
	}
	meta := h.meta("Group", "Groups", g.ID, g.Created, g.Modified)
	meta["version"] = version(doc, meta["lastModified"])
	doc["meta"] = meta
	return doc
}

// memberValue returns a member as filters see it.
func (h *Handler) memberValue(m groupsync.Member) map[string]any {
	typ, endpoint := memberType(m)
	return map[string]any{
		"value": m.ID, "$ref": h.location(endpoint, m.ID), "type": typ, "display": m.Name,
	}
}

// showsMembers reports whether an answer has the members of groups. They cost
// further calls and may be many.
func (q *query) showsMembers() bool {
	named := func(paths []filter.Path, whole bool) bool {
		for _, p := range paths {
			a := p.Attr
			if a.Core() && strings.EqualFold(a.Name, "members") && (!whole || a.Sub == "") {
				return true
			}
			if strings.EqualFold(a.URN, groupSchema) && a.Name == "" {
				return true
			}
		}
		return false
	}
	if len(q.attributes) > 0 {
		return named(q.attributes, false)
	}
	return !named(q.excluded, true)
}

// readGroup serves GET /Groups/{id}.
func (h *Handler) readGroup(x *exchange) error {
	q, err := h.projection(x)
	if err != nil {
		return err
	}
	g, err := h.engine.Group(x.context(), x.id)
	if err != nil {
		return err
	}
	if f := checkIfMatch(x.r.Header, versionOf(h.groupDoc(g))); f != nil {
		return f
	}
	return h.sendGroup(x, http.StatusOK, g, q, q.showsMembers())
}

// sendGroup answers with a group. The members are sent while they are read.
func (h *Handler) sendGroup(x *exchange, status int, g *groupsync.Group, q *query, members bool) error {
	e := h.groupEntry(g, members)
	header := x.w.Header()
	if etag := versionOf(e.doc); etag != "" {
		if x.reads() && held(x.r.Header, etag) {
			header.Set("ETag", etag)
			return x.send(http.StatusNotModified, nil)
		}
		header.Set("ETag", etag)
	}
	x.locate(h.location("Groups", g.ID))
	s := &stream{x: x, status: status}
	var all iter.Seq2[groupsync.Member, error]
	if members {
		all = h.engine.Members(x.context(), g)
	}
	if err := h.sendEntry(s, q, e, all); err != nil {
		return err
	}
	return s.end()
}

// groupEntry returns a group for an answer. With members it has no version, for
// that tells nothing of them.
func (h *Handler) groupEntry(g *groupsync.Group, members bool) entry {
	e := entry{doc: h.groupDoc(g), typ: h.group, key: groupKey(g)}
	if members {
		e.members = g
		delete(e.doc["meta"].(map[string]any), "version")
	}
	return e
}

// sendEntry writes a resource, and if it has members, those.
func (h *Handler) sendEntry(s *stream, q *query, e entry, members iter.Seq2[groupsync.Member, error]) error {
	s.resource(q.shown[e.typ].Apply(e.doc))
	if e.members == nil || members == nil {
		return nil
	}
	s.buf = s.buf[:len(s.buf)-1] // the closing brace
	n := 0
	for m, err := range members {
		if err != nil {
			return err
		}
		before := len(s.buf)
		if n == 0 {
			s.raw(`,"members":[`)
		} else {
			s.raw(",")
		}
		if !h.member(&s.encoder, q, m) {
			s.buf = s.buf[:before]
			continue
		}
		n++
		if err := s.spill(); err != nil {
			return err
		}
	}
	if n > 0 {
		s.raw("]")
	}
	s.raw("}")
	return nil
}

// member appends what of a member the client wants to see, and reports whether
// that is anything. A group may have a hundred thousand of them.
func (h *Handler) member(e *encoder, q *query, m groupsync.Member) bool {
	if len(q.attributes)+len(q.excluded) == 0 {
		h.wholeMember(e, m)
		return true
	}
	value := h.memberValue(m)
	if !h.traits.memberDisplay {
		delete(value, "display")
	}
	doc := q.shown[h.group].Apply(map[string]any{"members": []any{value}})
	shown, _ := doc["members"].([]any)
	if len(shown) == 0 {
		return false
	}
	object, ok := shown[0].(map[string]any)
	if ok {
		e.object(object)
	}
	return ok
}

// wholeMember appends all of a member.
func (h *Handler) wholeMember(e *encoder, m groupsync.Member) {
	typ, endpoint := memberType(m)
	e.raw(`{"$ref":`)
	e.string(h.location(endpoint, m.ID))
	if h.traits.memberDisplay {
		e.raw(`,"display":`)
		e.string(m.Name)
	}
	e.raw(`,"type":"` + typ + `","value":`)
	e.string(m.ID)
	e.raw("}")
}

func memberType(m groupsync.Member) (typ, endpoint string) {
	if m.Group {
		return "Group", "Groups"
	}
	return "User", "Users"
}

// A memberFetch reads the members of the groups of a list ahead of their being
// written: of a few groups at the same time, and of each so many that they may
// be held in memory. The rest is read while it is written.
type memberFetch struct {
	ctx    context.Context
	cancel context.CancelFunc
	groups []*fetch
	engine *groupsync.Engine
	begun  int
}

// A fetch is the members of one group.
type fetch struct {
	group *groupsync.Group
	ready chan struct{} // closed when head is complete
	head  []groupsync.Member
	err   error
	next  func() (groupsync.Member, error, bool)
	stop  func()
}

const (
	fetchAhead  = 8    // groups
	fetchMember = 1000 // members of each
)

func (h *Handler) fetchMembers(ctx context.Context, entries []entry) *memberFetch {
	f := &memberFetch{engine: h.engine}
	f.ctx, f.cancel = context.WithCancel(ctx)
	for _, e := range entries {
		f.groups = append(f.groups, &fetch{group: e.members, ready: make(chan struct{})})
	}
	return f
}

// at returns the members of the i-th group, nil if they are not wanted. The
// groups must be asked for in order.
func (f *memberFetch) at(i int) iter.Seq2[groupsync.Member, error] {
	if f.groups[i].group == nil {
		return nil
	}
	for ; f.begun < len(f.groups) && f.begun < i+fetchAhead; f.begun++ {
		if g := f.groups[f.begun]; g.group != nil {
			g.begin(f.ctx, f.engine)
		}
	}
	return f.groups[i].all
}

// begin reads the head of the list, in the background.
func (g *fetch) begin(ctx context.Context, engine *groupsync.Engine) {
	g.next, g.stop = iter.Pull2(engine.Members(ctx, g.group))
	go func() {
		defer close(g.ready)
		defer func() {
			if p := recover(); p != nil { // it would end the process, not the request
				g.err = crashed(p)
			}
		}()
		for len(g.head) < fetchMember {
			m, err, ok := g.next()
			if !ok {
				return
			}
			if err != nil {
				g.err = err
				return
			}
			g.head = append(g.head, m)
		}
	}()
}

// all yields the members: those read already, then the others.
func (g *fetch) all(yield func(groupsync.Member, error) bool) {
	<-g.ready
	for _, m := range g.head {
		if !yield(m, nil) {
			return
		}
	}
	g.head = nil
	if g.err != nil {
		yield(groupsync.Member{}, g.err)
		return
	}
	for {
		m, err, ok := g.next()
		if !ok || !yield(m, err) || err != nil {
			return
		}
	}
}

// stop ends all reading and waits for it.
func (f *memberFetch) stop() {
	f.cancel()
	for _, g := range f.groups[:f.begun] {
		if g.group != nil {
			<-g.ready
			g.stop()
		}
	}
}
