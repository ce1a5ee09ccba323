package ledgertest

import (
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

func originChecks() []check {
	return []check{
		{"origins are kept, with time and request", func(s *subject) {
			u := s.users("ann", "bob")
			facts := []groupsync.UserFact{
				origin("devs", groupsync.Made, 1), origin("ops", groupsync.Found, 2), origin("sales", groupsync.Left, 3),
			}
			s.tell(u[0], facts...)
			s.wantOrigins(u[0], facts...)
			s.wantOrigins(u[1])
			if o, at := s.holdings(u[0]).Origin("other"); o != groupsync.Unknown || !at.IsZero() {
				s.Errorf("the origin of what nobody recorded is %d at %v", o, at)
			}
		}},
		{"the last write of an origin counts, not the latest time", func(s *subject) {
			ann := s.users("ann")[0]
			for i, o := range []groupsync.Origin{
				groupsync.Found, groupsync.Made, groupsync.Left, groupsync.Found, groupsync.Left, groupsync.Left, groupsync.Made, groupsync.Found,
			} {
				s.tell(ann, origin("devs", o, 20-i))
				s.wantOrigins(ann, origin("devs", o, 20-i))
			}
		}},
		{"Crowd groups are the same in any case", func(s *subject) {
			ann := s.users("ann")[0]
			s.tell(ann, origin("Ärzte ΣIK", groupsync.Made, 1))
			s.wantOrigins(ann, origin("ÄRZTE σik", groupsync.Made, 1))
			s.tell(ann, origin("ärzte ΣIk", groupsync.Left, 2))
			s.wantOrigins(ann, origin("Ärzte ΣIK", groupsync.Left, 2))
		}},
		{"Crowd groups of all names are kept apart", func(s *subject) {
			ann := s.users("ann")[0]
			var facts []groupsync.UserFact
			met := map[string]bool{}
			for i, name := range texts() {
				if f := crowd.Fold(name); !met[f] {
					met[f] = true
					facts = append(facts, origin(name, groupsync.Found, i))
				}
			}
			s.tell(ann, facts...)
			s.wantOrigins(ann, facts...)
		}},
		{"origins and grants of one name are apart", func(s *subject) {
			ann := s.users("ann")[0]
			s.tell(ann, granted("devs", 1), origin("devs", groupsync.Found, 2))
			s.tell(ann, revoked("devs", 3))
			s.wantGrants(ann)
			s.wantOrigins(ann, origin("devs", groupsync.Found, 2))
			s.tell(ann, granted("devs", 4))
			s.tell(ann, origin("devs", groupsync.Left, 5))
			s.wantGrants(ann, granted("devs", 4))
			s.wantHolders("devs", []string{"ann"}, []string{"ann"})
		}},
	}
}
