package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// A person put into a group by hand, a person granted it, and one who is neither.
func TestWhyExplainAndGroups(t *testing.T) {
	s := newStage(t)
	p := s.serve()
	sync1(t, s.idp(scimtest.Okta, p, s.okta), people("olga", 2, "Engineering"))
	s.crowd.In("okta").AddUser(crowd.User{Name: "hand", Active: true}, crowd.User{Name: "nobody", Active: true})
	s.crowd.In("okta").AddMember("Engineering", "hand")

	for user, want := range map[string][]string{"olga00": {"grant"}, "HAND": {"by-hand"}, "nobody": {}} {
		var x groupsync.Explanation
		s.decode(&x, "who", "--connection", "okta", "--user", user, "--group", "engineering")
		kinds := []string{}
		for _, r := range x.Reasons {
			kinds = append(kinds, r.Kind)
		}
		if !slices.Equal(kinds, want) || !strings.EqualFold(x.User, user) || !strings.EqualFold(x.Group, "Engineering") {
			t.Errorf("who %s: %+v, want reasons %v", user, x, want)
		}
	}
	s.crowd.In("okta").AddGroup(crowd.Group{Name: "crowd-administrators", Active: true})
	s.crowd.In("okta").AddMember("crowd-administrators", "hand")
	var protected groupsync.Explanation
	s.decode(&protected, "who", "--connection", "okta", "--user", "hand", "--group", "crowd-administrators")
	if !protected.Member || len(protected.Reasons) != 1 || protected.Reasons[0].Kind != "by-hand" {
		t.Errorf("who in a protected group: %+v, want by-hand", protected)
	}
	if out := s.ok("who", "--connection", "okta", "--user", "hand", "--group", "crowd-administrators"); !strings.Contains(out, "protected") {
		t.Errorf("who in a protected group: %s", out)
	}
	if out := s.ok("who", "--connection", "okta", "--user", "nobody", "--group", "Engineering"); !strings.Contains(out, "nothing asks for it") {
		t.Errorf("who nobody: %s", out)
	}
	if r := s.run("who", "--connection", "okta", "--user", "stranger"); r.status != 1 || !strings.Contains(r.err, "stranger") {
		t.Errorf("who stranger: %+v", r)
	}

	var x explained
	s.decode(&x, "explain", "--connection", "okta", "--user", "olga01")
	if x.Attributes == nil || len(x.Attributes.Steps) < 6 || len(x.Memberships) != 1 {
		t.Errorf("explain --user: %+v", x)
	}
	if out := s.ok("explain", "--connection", "okta", "--group", "engineering"); !strings.Contains(out, "Engineering") {
		t.Errorf("explain --group: %s", out)
	}
	file := filepath.Join(s.folder, "resource.json")
	if err := os.WriteFile(file, []byte(`{"userName":"zoe","emails":[{"value":"zoe@example.com","primary":true}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	unreadable := iotest.ErrReader(errors.New("standard input was read"))
	status := run(t.Context(), []string{"explain", "--config", s.config, "--connection", "okta", "--resource", file}, streams{unreadable, &out, &errs})
	if status != 0 || !strings.Contains(out.String(), "zoe@example.com") {
		t.Errorf("explain --resource: status %d\n%s%s", status, &out, &errs)
	}
	status = run(t.Context(), []string{"explain", "--config", s.config, "--connection", "okta", "--resource", "-"}, streams{unreadable, &out, &errs})
	if status != 1 || !strings.Contains(errs.String(), "standard input was read") {
		t.Errorf("explain --resource -: status %d\n%s", status, &errs)
	}

	var seen []seenGroup
	s.decode(&seen, "groups", "--connection", "okta")
	if len(seen) != 1 || !seen[0].Adopted || len(seen[0].Targets) != 1 || seen[0].Targets[0].Group != "Engineering" {
		t.Errorf("groups: %+v", seen)
	}
	p.end()
}

// Drift is shown by plan, and mended by reconcile.
func TestPlanAndReconcile(t *testing.T) {
	s := newStage(t)
	p := s.serve("--reconcile", "0")
	sync1(t, s.idp(scimtest.Okta, p, s.okta), people("olga", 3, "Engineering"))
	s.crowd.In("okta").RemoveMember("Engineering", "olga01")
	var shown planned
	kept := filepath.Join(s.folder, "plan.json")
	s.decode(&shown, "plan", "--connection", "okta", "--out", kept)
	if len(shown.Plan.Steps) != 1 || shown.Plan.Steps[0].Op != groupsync.OpAddMember || shown.Plan.Steps[0].User != "olga01" {
		t.Fatalf("plan: %+v", shown.Plan)
	}
	var done outcome
	s.decode(&done, "reconcile", "--connection", "okta", "--plan", kept)
	if done.Applied != 1 || len(s.crowd.In("okta").Members("Engineering")) != 3 {
		t.Errorf("reconcile --plan: %+v, members %v", done, s.crowd.In("okta").Members("Engineering"))
	}
	s.crowd.In("okta").RemoveMember("Engineering", "olga01")
	if out := s.ok("reconcile"); !strings.Contains(out, "connection okta: 1 of 1 steps applied") || !strings.Contains(out, "connection entra: 0 of 0") {
		t.Errorf("reconcile: %s", out)
	}

	next := filepath.Join(s.folder, "next.json")
	c := s.document()
	c.Connections[0].Groups.DefaultForAllUsers = []string{"everybody"}
	s.write(next, c)
	r := s.run("plan", "--new", next)
	if r.status != 0 || !strings.Contains(r.out, `Crowd has no group "everybody"`) || !strings.Contains(r.out, "change: ") {
		t.Errorf("plan --new: %+v", r)
	}
	p.end()
}

// Where one process at a time is promised to write, commands do not write beside it
// unless they are told that it has ended.
func TestPromiseOfOneProcess(t *testing.T) {
	s := newStage(t)
	s.edit(func(c *backup.Config) { c.Connections[1].Crowd.Replicas = groupsync.OneReplica })
	if r := s.run("reconcile"); r.status != 1 || !strings.HasPrefix(r.err, "/connections/1/crowd/replicas: ") {
		t.Errorf("reconcile: %+v", r)
	}
	s.ok("reconcile", "--offline")
	s.ok("plan")
}

// document reads the configuration.
func (s *stage) document() *backup.Config {
	s.t.Helper()
	file, err := os.Open(s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	c, err := backup.Read(file)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// write writes a document.
func (s *stage) write(path string, c *backup.Config) {
	s.t.Helper()
	file, err := os.Create(path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	if err := backup.Write(file, c); err != nil {
		s.t.Fatal(err)
	}
}

// A group emptied by mistake at the identity provider comes back from a snapshot, and
// what one request has taken away by the audit log.
func TestSnapshotAndUndoAfterAMistake(t *testing.T) {
	s := newStage(t)
	log := filepath.Join(s.folder, "audit.jsonl")
	p := s.serve("--audit", log)
	idp := s.idp(scimtest.Okta, p, s.okta)
	right := people("olga", 5, "Engineering")
	sync1(t, idp, right)
	s.crowd.In("okta").AddUser(crowd.User{Name: "hand", Active: true})
	s.crowd.In("okta").AddMember("Engineering", "hand")
	kept := filepath.Join(s.folder, "okta.snapshot")
	s.ok("snapshot", "--connection", "okta", "--out", kept)

	mistake := right
	mistake.Groups = []scimtest.Group{{ID: right.Groups[0].ID, Name: "Engineering"}}
	sync1(t, idp, mistake)
	if got := s.crowd.In("okta").Members("Engineering"); !slices.Equal(got, []string{"hand"}) {
		t.Fatalf("after the mistake: %v", got)
	}
	if out := s.ok("snapshot", "--connection", "okta", "--compare", kept); !strings.Contains(out, "olga03") {
		t.Errorf("compare: %s", out)
	}
	var before restored
	s.decode(&before, "restore", "--connection", "okta", "--snapshot", kept, "--group", "Engineering", "--dry-run")
	if len(before.Plan.Steps) != 5 || before.Outcome != nil || len(s.crowd.In("okta").Members("Engineering")) != 1 {
		t.Errorf("restore --dry-run: %+v", before)
	}
	s.ok("restore", "--connection", "okta", "--snapshot", kept, "--group", "Engineering")
	all := []string{"hand", "olga00", "olga01", "olga02", "olga03", "olga04"}
	if got := s.crowd.In("okta").Members("Engineering"); !slices.Equal(got, all) {
		t.Errorf("after the restore: %v", got)
	}

	sync1(t, idp, right) // mended there too
	sync1(t, idp, mistake)
	request := lastRevocation(t, log)
	s.ok("undo", "--connection", "okta", "--log", log, "--request", request)
	if got := s.crowd.In("okta").Members("Engineering"); !slices.Equal(got, all) {
		t.Errorf("after the undo of %s: %v", request, got)
	}
	p.end()
}

// lastRevocation returns the id of the last request that took a grant away.
func lastRevocation(t *testing.T, log string) (id string) {
	t.Helper()
	for e, err := range events([]string{log}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == groupsync.EventApplied && e.Step.Op == groupsync.OpRevoke {
			id = e.Request
		}
	}
	if id == "" {
		t.Fatal("no request has taken a grant away")
	}
	return id
}

// What is wrong with a document, or with a call, is told in the form and with the
// status that scripts go by.
func TestFaultsAndStatus(t *testing.T) {
	s := newStage(t)
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]any
	if err := json.Unmarshal(text, &raw); err != nil {
		t.Fatal(err)
	}
	raw["connections"].([]any)[0].(map[string]any)["provider"] = "oktta"
	raw["connections"].([]any)[1].(map[string]any)["port"] = 1
	text, _ = json.Marshal(raw)
	right := s.config
	s.config = filepath.Join(s.folder, "wrong.json")
	if err := os.WriteFile(s.config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"check"}, {"serve", "--listen", "127.0.0.1:0"}, {"plan"}, {"token", "list"}, {"export", "--out", filepath.Join(s.folder, "x")}} {
		r := s.run(command...)
		lines := strings.Split(strings.TrimSpace(r.err), "\n")
		if r.status != 1 || len(lines) != 2 || !strings.HasPrefix(lines[0], "/connections/0/provider: ") || !strings.HasPrefix(lines[1], "/connections/1/port: ") {
			t.Errorf("%v: status %d\n%s", command, r.status, r.err)
		}
	}
	s.config = right
	if err := os.Remove(filepath.Join(s.folder, "okta.password")); err != nil {
		t.Fatal(err)
	}
	if r := s.run("check"); r.status != 1 || !strings.HasPrefix(r.err, "/connections/0/crowd/password: ") {
		t.Errorf("without the password: %+v", r)
	}
	for _, wrong := range [][]string{
		{"bogus"},
		{"serve"},
		{"serve", "--listen", "x", "extra"},
		{"who", "--connection", "okta"},
		{"token"},
		{"token", "revoke"},
		{"token", "new", "--connection", "okta", "--expires", "-1h"},
		{"token", "rotate", "--connection", "okta", "--expires", "-1h"},
		{"init", "--provider", "ping", "--base-url", "https://b.example.com", "--crowd-url", s.crowd.URL, "--expires", "-1h"},
		{"export"},
		{"restore"},
		{"snapshot"},
		{"undo"},
		{"check", "--no-such-flag"},
		{"groups", "--connection"},
	} {
		if r := s.run(wrong...); r.status != 2 || r.err == "" || r.out != "" {
			t.Errorf("%v: %+v, want status 2 and a line of what is wrong", wrong, r)
		}
	}
	if r := s.run("token", "new", "--connection", "nobody"); r.status != 2 || !strings.Contains(r.err, "okta, entra") {
		t.Errorf("an unknown connection: %+v", r)
	}
}
