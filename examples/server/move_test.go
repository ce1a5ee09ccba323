package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// A company moves from one identity provider to another: what the one granted the other
// takes over, and of the one nothing stays.
func TestAdoptAndForget(t *testing.T) {
	s := newStage(t)
	s.edit(func(c *backup.Config) { // both in Okta's directory
		c.Connections[1].Crowd = c.Connections[0].Crowd
	})
	p := s.serve()
	people := people("olga", 3, "Engineering")
	sync1(t, s.idp(scimtest.Okta, p, s.okta), people)
	members := func() []string { return s.crowd.In("okta").Members("Engineering") }
	all := members()

	if r := s.run("adopt", "--from", "okta", "--to", "entra"); r.status != 1 || !strings.Contains(r.err, "not paused") {
		t.Errorf("adopt while okta is served: %+v", r)
	}
	s.edit(func(c *backup.Config) { c.Connections[0].Paused = true })
	if out := s.ok("adopt", "--from", "okta", "--to", "entra", "--dry-run"); !strings.Contains(out, "move grant") {
		t.Errorf("adopt --dry-run: %s", out)
	}
	var done shown
	s.decode(&done, "adopt", "--from", "okta", "--to", "entra")
	if done.Outcome == nil || done.Outcome.Applied != 7 { // a group, three users, three grants
		t.Errorf("adopt: %+v", done.Outcome)
	}
	if got := members(); !slices.Equal(got, all) {
		t.Errorf("after adopt: %v, want %v", got, all)
	}
	s.decode(&done, "forget", "--connection", "okta", "--memberships", "revoke")
	if got := members(); !slices.Equal(got, all) {
		t.Errorf("after forget: %v, want %v: entra grants them", got, all)
	}
	if slices.Contains(s.crowd.In("okta").GroupNames(), "scim-registry-okta") {
		t.Error("okta's registry is still there")
	}

	// Entra finds everybody, and takes somebody out.
	s.edit(func(c *backup.Config) { c.Connections = c.Connections[1:] })
	p.end()
	p = s.serve()
	entra := s.idp(scimtest.Entra, p, s.entra)
	sync1(t, entra, people) // links everybody
	people.Groups = slices.Clone(people.Groups)
	people.Groups[0].Members = people.Groups[0].Members[1:]
	sync1(t, entra, people)
	if got := members(); !slices.Equal(got, all[1:]) {
		t.Errorf("after Entra's second cycle: %v, want %v", got, all[1:])
	}
	p.end()
}
