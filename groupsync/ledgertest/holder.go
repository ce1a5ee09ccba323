package ledgertest

import (
	"context"
	"fmt"
	"iter"
	"sync"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

func holderChecks() []check {
	return []check{
		{"holders are those granted", func(s *subject) {
			u := s.users("ann", "bob", "cem", "dan")
			s.tell(u[0], granted("a", 1))
			s.tell(u[1], granted("a", 1))
			s.tell(u[1], revoked("a", 2))
			s.tell(u[2], granted("b", 1), origin("a", groupsync.Made, 1))
			s.wantHolders("a", []string{"ann"}, []string{"ann", "bob"})
			s.tell(u[1], granted("a", 3))
			s.tell(u[3], revoked("a", 3))
			s.wantHolders("a", []string{"ann", "bob"}, []string{"ann", "bob", "dan"})
			s.wantHolders("b", []string{"cem"}, []string{"cem"})
			s.wantHolders("c", nil, nil)
		}},
		{"inactive users hold what they were granted", func(s *subject) {
			ann := s.users("ann")[0]
			s.tell(ann, granted("a", 1))
			off := *ann
			off.Active = false
			s.must("deactivate", s.crowd.UpdateUser(s.Context(), off))
			s.wantHolders("a", []string{"ann"}, []string{"ann"})
		}},
		{"a holder's holdings can be read", func(s *subject) {
			s.tell(s.users("ann")[0], granted("a", 1), origin("devs", groupsync.Made, 1))
			for u, err := range s.ledger.Holders(s.Context(), "a", 0) {
				s.must("Holders", err)
				h, err := s.ledger.Holdings(s.Context(), u)
				s.must("Holdings", err)
				if o, _ := h.Origin("devs"); !h.Granted("a") || o != groupsync.Made {
					s.Errorf("the holdings of a holder are %+v", h)
				}
			}
		}},
		{"many holders", func(s *subject) {
			names := s.grantMany(1050)
			s.wantHolders("a", names, names)
		}},
		{"a list of holders is left early", func(s *subject) {
			s.grantMany(3)
			for _, list := range s.lists(s.Context()) {
				n := 0
				for _, err := range list {
					s.must("list", err)
					if n++; n == 2 {
						break
					}
				}
				if n != 2 {
					s.Errorf("%d users were yielded before the loop was left, want 2", n)
				}
			}
		}},
		{"a list that fails says so and ends", func(s *subject) {
			s.grantMany(3)
			ctx, cancel := context.WithCancel(s.Context())
			cancel()
			for name, list := range s.lists(ctx) {
				var last error
				for _, err := range list {
					if last != nil {
						s.Errorf("%s went on after an error", name)
					}
					last = err
				}
				if last == nil {
					s.Errorf("%s ended without an error, though its context had ended before Crowd was asked", name)
				}
			}
		}},
	}
}

// grantMany creates so many users and grants each the group "a".
func (s *subject) grantMany(n int) []string {
	s.Helper()
	names := make([]string, n)
	var wg sync.WaitGroup
	next := make(chan int)
	for range 4 {
		wg.Go(func() {
			for i := range next {
				names[i] = fmt.Sprintf("user %04d", i)
				s.srv.AddUser(crowd.User{Name: names[i], Attributes: crowd.Attributes{"shoe": {"x"}}})
				u, err := s.crowd.User(s.Context(), names[i])
				if err == nil {
					err = s.ledger.RecordUser(s.Context(), u, []groupsync.UserFact{granted("a", i)}, nil)
				}
				if err != nil {
					s.Errorf("grant to %s: %v", names[i], err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return names
}

func (s *subject) lists(ctx context.Context) map[string]iter.Seq2[*crowd.User, error] {
	return map[string]iter.Seq2[*crowd.User, error]{
		"Holders": s.ledger.Holders(ctx, "a", 0), "Edges": s.ledger.Edges(ctx, "a", 2),
	}
}
