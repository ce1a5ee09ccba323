package ledgertest

import (
	"crypto/rand"
	"errors"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

func userChecks() []check {
	return []check{
		{"grants are kept, with time and request", func(s *subject) {
			u := s.users("ann", "bob")
			s.tell(u[0], granted("b", 1))
			s.tell(u[0], granted("a", 2))
			s.tell(u[1], granted("a", 3))
			s.wantGrants(u[0], granted("a", 2), granted("b", 1))
			s.wantGrants(u[1], granted("a", 3))
		}},
		{"the last write of a grant counts, not the latest time", func(s *subject) {
			ann := s.users("ann")[0]
			for _, n := range []int{5, 9, 3} {
				s.tell(ann, granted("a", n))
				s.wantGrants(ann, granted("a", n))
				s.tell(ann, revoked("a", n-1))
				s.wantGrants(ann)
			}
			s.tell(ann, granted("a", 0))
			s.wantGrants(ann, granted("a", 0))
		}},
		{"what was never granted is revoked", func(s *subject) {
			ann := s.users("ann")[0]
			s.tell(ann, revoked("a", 1))
			s.wantGrants(ann)
			s.wantHolders("a", nil, []string{"ann"})
		}},
		{"several facts are written together", func(s *subject) {
			ann := s.users("ann")[0]
			s.tell(ann, granted("b", 1))
			s.tell(ann, origin("devs", groupsync.Made, 2), granted("a", 2), revoked("b", 2), granted("c", 2), origin("ops", groupsync.Left, 2))
			s.wantGrants(ann, granted("a", 2), granted("c", 2))
			s.wantOrigins(ann, origin("devs", groupsync.Made, 2), origin("ops", groupsync.Left, 2))
		}},
		{"ids of grants are kept apart", func(s *subject) {
			ann := s.users("ann")[0]
			long := strings.Repeat("ж", 119)
			ids := []string{"n-ZGV2cw", "n-zGV2cw", "n2-ZGV2cw", "n-ZGV2c", "n-ZGV2%w", "n-ZGV2_w", "id \U0001F600", long + "b", long + "c"}
			var want []groupsync.UserFact
			for i, id := range ids {
				want = append(want, granted(id, i))
			}
			s.tell(ann, want...)
			s.wantGrants(ann, want...)
			s.tell(ann, revoked(long+"b", 20), revoked("n-zGV2cw", 20))
			s.wantGrants(ann, append(append(want[:1:1], want[2:7]...), want[8])...)
			s.wantHolders("n-ZGV2cw", []string{"ann"}, []string{"ann"})
			s.wantHolders("n-zGV2cw", nil, []string{"ann"})
			s.wantHolders("N-ZGV2CW", nil, nil)
		}},
		{"users of all names have records of their own", func(s *subject) {
			var names []string
			met := map[string]bool{}
			for _, n := range texts() {
				if f := crowd.Fold(n); !met[f] {
					names, met[f] = append(names, n), true
				}
			}
			all := s.users(names...)
			for i, u := range all {
				s.tell(u, granted("a", i), origin("devs", groupsync.Found, i))
			}
			for i, u := range all {
				s.wantGrants(u, granted("a", i))
				s.wantOrigins(u, origin("devs", groupsync.Found, i))
			}
			s.wantHolders("a", names, names)
		}},
		{"records follow a user who is renamed", func(s *subject) {
			ann := s.users("ann")[0]
			s.tell(ann, granted("a", 1), origin("devs", groupsync.Made, 1))
			_, err := s.crowd.RenameUser(s.Context(), "ann", "Maria")
			s.must("rename", err)
			s.wantGrants(ann, granted("a", 1))
			s.wantOrigins(ann, origin("devs", groupsync.Made, 1))
			s.wantHolders("a", []string{"Maria"}, []string{"Maria"})
			s.tell(s.again(ann), revoked("a", 2), granted("b", 2))
			s.wantGrants(ann, granted("b", 2))
			other := s.users("ann")[0] // of the old name
			s.wantGrants(other)
			s.tell(other, granted("c", 3))
			s.wantGrants(ann, granted("b", 2))
		}},
		{"records end with the user", func(s *subject) {
			u := s.users("ann", "bob")
			s.tell(u[0], granted("a", 1), origin("devs", groupsync.Made, 1))
			s.tell(u[1], granted("a", 1))
			s.must("delete", s.crowd.DeleteUser(s.Context(), "ann"))
			s.wantHolders("a", []string{"bob"}, []string{"bob"})
			another := crowd.User{Name: "ann", Active: true, Attributes: crowd.Attributes{"shoe": {"new"}}}
			again, err := s.crowd.CreateUser(s.Context(), another, crowd.Secret(rand.Text()+"-a1A"))
			s.must("create another user of that name", err)
			s.wantGrants(again)
			s.wantOrigins(again)
			s.wantHolders("a", []string{"bob"}, []string{"bob"})
			s.tell(again, granted("a", 2), origin("devs", groupsync.Found, 2))
			s.wantGrants(again, granted("a", 2))
			s.wantOrigins(again, origin("devs", groupsync.Found, 2))
		}},
		{"extra attributes are written, others left alone", func(s *subject) {
			ann := s.users("ann")[0]
			extra := crowd.Attributes{"hat": {"green", "blue"}, "coat": {"red"}}
			s.must("RecordUser", s.ledger.RecordUser(s.Context(), ann, []groupsync.UserFact{granted("a", 1)}, extra))
			s.must("RecordUser without facts", s.ledger.RecordUser(s.Context(), ann, nil, crowd.Attributes{"coat": {"grey"}}))
			s.must("RecordUser of nothing", s.ledger.RecordUser(s.Context(), ann, nil, nil))
			s.wantGrants(ann, granted("a", 1))
			a := s.again(ann).Attributes
			if len(a["hat"]) != 2 || a.First("coat") != "grey" || a.First("shoe") != "ann's" {
				s.Errorf("the user's attributes are %v", a)
			}
			if len(extra) != 2 {
				s.Errorf("the caller's attributes were changed: %v", extra)
			}
		}},
		{"all facts are written or none", writesAllOrNone},
		{"extra attributes for a user who is gone", func(s *subject) {
			ann := s.users("ann")[0]
			s.must("delete", s.crowd.DeleteUser(s.Context(), "ann"))
			err := s.ledger.RecordUser(s.Context(), ann, []groupsync.UserFact{granted("a", 1)}, crowd.Attributes{"hat": {"green"}})
			if !errors.Is(err, crowd.ErrUserNotFound) {
				s.Errorf("RecordUser: %v, want an error that matches crowd.ErrUserNotFound", err)
			}
			s.wantHolders("a", nil, nil)
		}},
	}
}

// writesAllOrNone loses the write of the extra attributes, before Crowd has it or
// after: without the attributes there are no facts, and never some of them.
func writesAllOrNone(s *subject) {
	for _, lose := range []loss{request, response} {
		ann := s.users([]string{nothing: "", request: "ann", response: "bob"}[lose])[0]
		s.tell(ann, granted("b", 1))
		facts := []groupsync.UserFact{origin("devs", groupsync.Made, 2), granted("a", 2), revoked("b", 2)}
		s.crowd.losing(lose)
		err := s.ledger.RecordUser(s.Context(), ann, facts, crowd.Attributes{"hat": {"green"}})
		s.crowd.losing(nothing)
		if !errors.Is(err, errLost) {
			s.Errorf("RecordUser: %v, want what Crowd answered: %v", err, errLost)
		}
		h := s.holdings(ann)
		a, b := h.Granted("a"), h.Granted("b")
		o, _ := h.Origin("devs")
		all, none := a && !b && o == groupsync.Made, !a && b && o == groupsync.Unknown
		if lose == request && !none || !all && !none {
			s.Errorf("after a write that failed: granted a %v, b %v, origin %d", a, b, o)
		}
	}
}
