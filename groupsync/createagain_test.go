package groupsync_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// TestCreateOfWholeGroupAddsNobody holds that a create of a name that is taken puts
// nobody into the group, unless it repeats the one that was cut short: not even where
// a fault keeps it from answering at once.
func TestCreateOfWholeGroupAddsNobody(t *testing.T) {
	for _, tt := range []struct {
		name   string
		before func(w *world, id string)
		names  []string
		want   []string
	}{
		{"the same again", nil, []string{"ann"}, []string{"ann"}},
		{"more members", nil, []string{"ann", "ben"}, []string{"ann"}},
		{"other members", nil, []string{"ben"}, []string{"ann"}},
		{"the same after a removal", func(w *world, id string) { w.change(id, remove(w.userNamed("ann"))) }, []string{"ann"}, nil},
		{"the same long after", func(*world, string) { time.Sleep(2 * time.Hour) }, []string{"ann"}, []string{"ann"}},
	} {
		for k := range 8 { // calls that are lost, 0 for none
			synctest.Test(t, func(t *testing.T) {
				w := worldOver(t, new(crowdtest.Server))
				ann := w.user("ann")
				w.user("ben")
				devs := w.group("devs", ann)
				if tt.before != nil {
					tt.before(w, devs.ID)
				}
				create := func() error {
					g := groupsync.NewGroup{Name: "devs"}
					for _, name := range tt.names {
						g.Members = append(g.Members, w.idOf(name))
					}
					_, err := w.engine.CreateGroup(t.Context(), g)
					return err
				}
				if k > 0 {
					w.srv.Fail(crowdtest.Fault{Nth: k, Kind: crowdtest.LoseRequest, Times: 3})
					_ = create()
					w.srv.ClearFaults()
					w.wantMembers("devs", tt.want...)
				}
				if _, conflict := errors.AsType[*groupsync.ConflictError](create()); !conflict {
					t.Errorf("%s, call %d lost: no conflict", tt.name, k)
				}
				w.wantMembers("devs", tt.want...)
			})
		}
	}
}

// TestCreateAgainCompletes holds that a create which was cut short anywhere is
// completed by the same one, members too.
func TestCreateAgainCompletes(t *testing.T) {
	for k := 1; k < 20; k++ {
		synctest.Test(t, func(t *testing.T) {
			w := worldOver(t, new(crowdtest.Server))
			g := groupsync.NewGroup{Name: "devs", Members: []string{w.user("ann").ID, w.user("ben").ID}}
			w.group("first")
			w.srv.Fail(crowdtest.Fault{Nth: k, Kind: crowdtest.LoseRequest, Times: -1})
			_, _ = w.engine.CreateGroup(t.Context(), g)
			w.srv.ClearFaults()
			w.restart()
			_, err := w.engine.CreateGroup(t.Context(), g)
			if _, conflict := errors.AsType[*groupsync.ConflictError](err); err != nil && !conflict {
				t.Errorf("call %d lost: the second create answers %v", k, err)
			}
			w.wantMembers("devs", "ann", "ben")
		})
	}
}
