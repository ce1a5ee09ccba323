package crowdtest

import (
	"bytes"
	"iter"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// dumpMemberships is GET group/membership, which knows XML alone.
func dumpMemberships(x *exchange) (*reply, error) {
	if jsonOnly(x.header.Get("Accept")) && !x.opts.DumpForJSON {
		return nil, &refusal{status: 406, message: "Memberships are shown in XML"}
	}
	x.answer = wire.XML
	return &reply{status: 200, list: x.membershipDump(x.memberships())}, nil
}

// groupMemberships is a group with its direct members.
type groupMemberships struct {
	group    *store.GroupProfile
	users    []*store.UserProfile
	children []*store.GroupProfile
}

func (x *exchange) memberships() []groupMemberships {
	var seqs []iter.Seq[*store.Group]
	for _, m := range x.dirs {
		seqs = append(seqs, m.contents.Groups().All())
	}
	var all []groupMemberships
	for g := range merge(seqs) {
		all = append(all, x.membershipsOf(g))
	}
	if x.opts.ReverseLists {
		slices.Reverse(all)
	}
	return all
}

func (x *exchange) membershipsOf(g *store.Group) groupMemberships {
	one := groupMemberships{group: g.GroupProfile, users: make([]*store.UserProfile, 0, g.Members().Len())}
	for u := range x.effectiveMembers(g.Folded) {
		one.users = append(one.users, u.UserProfile)
	}
	var children []iter.Seq[*store.Group]
	for _, m := range x.dirs {
		if same := m.contents.Group(g.Folded); same != nil {
			children = append(children, same.Children().All())
		}
	}
	for c := range merge(children) {
		one.children = append(one.children, c.GroupProfile)
	}
	return one
}

// membershipDump writes the dump, group by group.
func (x *exchange) membershipDump(all []groupMemberships) chunks {
	started, open, i, user := false, false, 0, 0
	return func(b *bytes.Buffer) bool {
		if !started {
			started = true
			b.WriteString(wire.XMLHeader + "<memberships>")
		}
		for ; i < len(all); i++ {
			one := &all[i]
			if !open {
				open, user = true, 0
				x.startMembership(b, one.group.Name)
			}
			for ; user < len(one.users); user++ {
				if b.Len() > listChunk {
					return true
				}
				x.named(b, "user", one.users[user].Name)
			}
			if b.Len() > listChunk {
				return true
			}
			open = false
			x.endMembership(b, one.children)
		}
		b.WriteString("</memberships>")
		return false
	}
}

func (x *exchange) startMembership(b *bytes.Buffer, group string) {
	b.WriteString(`<membership group="`)
	wire.AppendXMLText(b, x.name(group))
	b.WriteString(`"><users>`)
}

func (x *exchange) endMembership(b *bytes.Buffer, children []*store.GroupProfile) {
	b.WriteString("</users><groups>")
	for _, c := range children {
		x.named(b, "group", c.Name)
	}
	b.WriteString("</groups></membership>")
}

func (x *exchange) named(b *bytes.Buffer, element, name string) {
	b.WriteString("<" + element + ` name="`)
	wire.AppendXMLText(b, x.name(name))
	b.WriteString(`"/>`)
}
