package groupsync_test

import (
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// TestRulesByExternalID holds that who is put into a Crowd group by a rule on the
// externalId leaves it when the rule does not hold any more.
func TestRulesByExternalID(t *testing.T) {
	gone, other := "", "x2"
	for _, tt := range []struct {
		name  string
		act   func(*world, *groupsync.Group) error
		first []string // members of the Crowd groups afterwards
		then  []string
	}{
		{"delete", func(w *world, g *groupsync.Group) error {
			return w.engine.DeleteGroup(t.Context(), g.ID)
		}, nil, nil},
		{"externalId taken away", func(w *world, g *groupsync.Group) error {
			_, err := w.engine.ChangeGroup(t.Context(), g.ID, groupsync.GroupChange{ExternalID: &gone})
			return err
		}, nil, nil},
		{"another externalId", func(w *world, g *groupsync.Group) error {
			_, err := w.engine.ChangeGroup(t.Context(), g.ID, groupsync.GroupChange{ExternalID: &other})
			return err
		}, nil, []string{"ann"}},
		{"rename", func(w *world, g *groupsync.Group) error {
			name := "Builders"
			_, err := w.engine.ChangeGroup(t.Context(), g.ID, groupsync.GroupChange{Name: &name})
			return err
		}, []string{"ann"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(c *groupsync.Config) {
				m, err := mapping.CompileGroups(mapping.Groups{Mapping: mapping.ManualMapping, Manual: mapping.Manual{Rules: []mapping.Rule{
					{FromExternalID: "x1", To: []string{"first"}}, {FromExternalID: "x2", To: []string{"then"}},
				}}})
				if err != nil {
					t.Fatal(err)
				}
				c.Groups = m
			})
			w.srv.AddGroup(crowd.Group{Name: "first", Active: true}, crowd.Group{Name: "then", Active: true})
			ann := w.user("ann")
			g, err := w.engine.CreateGroup(t.Context(), groupsync.NewGroup{Name: "Devs", ExternalID: "x1", Members: []string{ann.ID}})
			if err != nil {
				t.Fatal(err)
			}
			w.wantMembers("first", "ann")
			if err := tt.act(w, g); err != nil {
				t.Fatal(err)
			}
			w.wantMembers("first", tt.first...)
			w.wantMembers("then", tt.then...)
		})
	}
}
