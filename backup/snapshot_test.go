package backup_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// person posts a user and returns the id.
func (s *site) person(t *testing.T, name string) string {
	t.Helper()
	w := s.post("/scim/okta/Users", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "`+name+`", "active": true,
		"externalId": "x-`+name+`", "displayName": "`+name+`", "title": "Captain", "password": "PLANTED-password-`+name+`",
		"emails": [{"value": "`+name+`@example.com", "type": "work"}]}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("POST %s = %d\n%s", name, w.Code, w.Body)
	}
	return resourceOf(t, w.Body.Bytes()).ID
}

// team posts a group and returns the id.
func (s *site) team(t *testing.T, name string, members ...string) string {
	t.Helper()
	var values []string
	for _, id := range members {
		values = append(values, `{"value": "`+id+`"}`)
	}
	w := s.post("/scim/okta/Groups", `{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "`+name+`", "members": [`+strings.Join(values, ",")+`]}`)
	if w.Code != http.StatusCreated {
		t.Fatalf("POST group %s = %d\n%s", name, w.Code, w.Body)
	}
	return resourceOf(t, w.Body.Bytes()).ID
}

func (s *site) patch(t *testing.T, path, operation string) {
	t.Helper()
	if w := s.send(http.MethodPatch, path, strings.Replace(patch, "%", operation, 1)); w.Code >= 300 {
		t.Fatalf("PATCH %s = %d\n%s", path, w.Code, w.Body)
	}
}

// crew is a site with people in groups, some of them by hand.
func crew(t *testing.T) (s *site, team string) {
	t.Helper()
	s = newSite(t, `, "users": {"password": "set"}`)
	s.crowd.AddUser(crowd.User{Name: "hal", Active: true, Email: "hal@example.com"})
	s.crowd.AddGroup(crowd.Group{Name: "crew", Active: true})
	s.crowd.AddMember("crew", "hal")
	var ids []string
	for _, name := range []string{"ann", "bob", "cat"} {
		ids = append(ids, s.person(t, name))
	}
	s.team(t, "empty")
	return s, s.team(t, "crew", ids...)
}

func (s *site) snapshot(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := backup.WriteSnapshot(t.Context(), &b, s.running.Engine, noon); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func opened(t *testing.T, data []byte) *backup.Snapshot {
	t.Helper()
	s, err := backup.OpenSnapshot(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) differences(t *testing.T, snapshot *backup.Snapshot) []string {
	t.Helper()
	var all []string
	for c, err := range snapshot.Compare(t.Context(), s.running.Engine) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c.String())
	}
	return all
}

func TestSnapshotRound(t *testing.T) {
	s, team := crew(t)
	data := s.snapshot(t)
	snapshot := opened(t, data)
	if groups, users := snapshot.Size(); groups != 2 || users != 3 || !snapshot.Taken().Equal(noon) || snapshot.Connection() != "okta" {
		t.Errorf("the snapshot is %v", snapshot)
	}
	var names []string
	for u, err := range snapshot.Users() {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, u.Name)
		byID, err1 := snapshot.User(u.ID)
		byName, err2 := snapshot.UserNamed(strings.ToUpper(u.Name))
		if diff := cmp.Diff([]*groupsync.UserState{u, u}, []*groupsync.UserState{byID, byName}); diff != "" || err1 != nil || err2 != nil {
			t.Errorf("%s read again (-want +got), %v %v:\n%s", u.Name, err1, err2, diff)
		}
		if len(u.Grants) != 1 || u.Grants[0].Group != team || u.Memberships[0].Origin != "made" || !u.Memberships[0].Member || !strings.Contains(string(u.Data), "Captain") {
			t.Errorf("%s is kept as %+v", u.Name, u)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"ann", "bob", "cat"}, names); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	if u, err := snapshot.User("nobody"); u != nil || err != nil {
		t.Errorf("a user who is not there: %v, %v", u, err)
	}
	if got := s.differences(t, snapshot); len(got) > 0 {
		t.Errorf("what is different at once: %v", got)
	}
	if again := s.snapshot(t); !bytes.Equal(again, data) {
		t.Errorf("written again it is another:\n%s\n%s", data, again)
	}
}

// Whatever is cut off, added or altered, the snapshot is refused.
func TestSnapshotDamaged(t *testing.T) {
	s, _ := crew(t)
	data := s.snapshot(t)
	refused := func(what string, damaged []byte) {
		t.Helper()
		_, err := backup.OpenSnapshot(bytes.NewReader(damaged), int64(len(damaged)))
		if _, ok := errors.AsType[*backup.SnapshotError](err); !ok {
			t.Errorf("%s: %v, want a SnapshotError", what, err)
		}
	}
	for n := range data {
		refused(fmt.Sprintf("cut after %d bytes", n), data[:n])
		for _, bit := range []byte{1, 0x80} {
			altered := slices.Clone(data)
			altered[n] ^= bit
			refused(fmt.Sprintf("byte %d altered", n), altered)
		}
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines = lines[:len(lines)-1]
	for i := range lines {
		refused(fmt.Sprintf("without line %d", i+1), bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil))
		refused(fmt.Sprintf("line %d twice", i+1), bytes.Join(slices.Insert(slices.Clone(lines), i, lines[i]), nil))
	}
	refused("something after the end", append(slices.Clone(data), '\n'))
}

// sealed closes lines with an end that fits.
func sealed(groups, users int, lines ...string) []byte {
	text := strings.Join(lines, "\n") + "\n"
	sum := sha256.Sum256([]byte(text))
	return fmt.Appendf(nil, `%s{"end":{"groups":%d,"users":%d,"sha256":"%s"}}`+"\n", text, groups, users, hex.EncodeToString(sum[:]))
}

const snapshotHead = `{"head":{"format":"scimcrowd/snapshot/v1","connection":"okta","taken":"2026-11-25T12:00:00Z"}}`

// The sum fits, and yet it is no snapshot.
func TestSnapshotForged(t *testing.T) {
	const group, user = `{"group":{"id":"n-a","name":"a"}}`, `{"user":{"id":"1.a","name":"a","active":true}}`
	tests := []struct {
		name, problem string
		data          []byte
	}{
		{"nothing", "line 1: it is not the head", sealed(0, 0)[1:]},
		{"no head", "line 1: it is not the head", sealed(1, 0, group)},
		{"two heads", "line 2: it does not belong there", sealed(0, 0, snapshotHead, snapshotHead)},
		{"another format", `line 1: the format is "scimcrowd/snapshot/v2"; this version reads`, sealed(0, 0, strings.Replace(snapshotHead, "v1", "v2", 1))},
		{"a group after users", "line 3: it does not belong there", sealed(1, 1, snapshotHead, user, group)},
		{"other numbers", "line 3: it tells of 2 groups and 0 users, and there are 1 and 0", sealed(2, 0, snapshotHead, group)},
		{"an unknown field", "line 2: it is no line of a snapshot", sealed(0, 1, snapshotHead, strings.Replace(user, `"name"`, `"nom"`, 1))},
		{"two things", "line 2: it holds 2 things", sealed(1, 1, snapshotHead, group[:len(group)-1]+","+user[1:])},
		{"nothing in a line", "line 2: it holds 0 things", sealed(0, 0, snapshotHead, "{}")},
		{"two values in a line", "line 2: it is no line of a snapshot", sealed(0, 1, snapshotHead, user+" "+user)},
		{"no id", "line 2: it has no id or no name", sealed(0, 1, snapshotHead, `{"user":{"name":"a"}}`)},
		{"a user twice", "line 3: the user of line 2 has that id already", sealed(0, 2, snapshotHead, user, user)},
		{"a group twice", `two groups have the id "n-a"`, sealed(2, 0, snapshotHead, group, group)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := backup.OpenSnapshot(bytes.NewReader(test.data), int64(len(test.data)))
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("error %v, want %q", err, test.problem)
			}
		})
	}
	data := sealed(1, 1, snapshotHead, group, user)
	opened(t, data)
}

// A changing is a file that changes once it was verified.
type changing struct{ data []byte }

func (c *changing) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(c.data).ReadAt(p, at)
}

func TestSnapshotChangesInUse(t *testing.T) {
	s, _ := crew(t)
	file := &changing{s.snapshot(t)}
	snapshot, err := backup.OpenSnapshot(file, int64(len(file.data)))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for u, err := range snapshot.Users() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	file.data = bytes.Replace(file.data, []byte("cat@example.com"), []byte("cut@example.com"), 1)
	broken := 0
	for _, id := range ids {
		if _, err := snapshot.User(id); err != nil {
			broken++
		}
	}
	_, err = s.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{})
	if broken != 1 || err == nil || !strings.Contains(err.Error(), "changed while the snapshot was in use") {
		t.Errorf("%d users are broken, want 1; the plan: %v", broken, err)
	}
}

// A group is emptied in the identity provider by mistake, somebody is put into it by
// hand since, a user goes, and one is renamed.
func TestSnapshotComparedAndRestored(t *testing.T) {
	s, team := crew(t)
	snapshot := opened(t, s.snapshot(t))
	s.patch(t, "/scim/okta/Groups/"+team, `{"op": "remove", "path": "members"}`)
	empty, err := s.running.Engine.GroupByName(t.Context(), "empty")
	if err != nil {
		t.Fatal(err)
	}
	s.patch(t, "/scim/okta/Groups/"+empty.ID, `{"op": "replace", "path": "displayName", "value": "void"}`)
	cat, err := s.running.Engine.UserByName(t.Context(), "cat")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.running.Client.DeleteUser(t.Context(), "cat"); err != nil {
		t.Fatal(err)
	}
	bob, err := s.running.Engine.UserByName(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	s.patch(t, "/scim/okta/Users/"+bob.ID, `{"op": "replace", "value": {"displayName": "Robert", "title": "Cook"}}`)
	s.crowd.AddMember("crew", "hal")
	got := s.differences(t, snapshot)
	want := []string{
		`group "void": displayName: "empty" -> "void"`,
		`group "void": fills: "empty" -> "void"`,
		`user "ann": grant "crew": granted -> not granted`,
		`user "ann": membership "crew": made by grants -> none`,
		`user "bob": displayName: "bob" -> "Robert"`,
		`user "bob": what is kept: as in the snapshot -> another`,
		`user "bob": grant "crew": granted -> not granted`,
		`user "bob": membership "crew": made by grants -> none`,
		`user "cat": there -> none`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	plan, err := s.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Left) == 0 || plan.Left[len(plan.Left)-1].Step.UserID != cat.ID || !strings.Contains(plan.Left[len(plan.Left)-1].Why, "no such user") {
		t.Errorf("left alone: %v", plan.Left)
	}
	if _, err := s.running.Engine.ApplyRestore(t.Context(), plan, groupsync.ReconcileOptions{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`user "cat": there -> none`}, s.differences(t, snapshot)); diff != "" {
		t.Errorf("differences once restored (-want +got):\n%s", diff)
	}
	if members := s.crowd.Members("crew"); !slices.Contains(members, "hal") {
		t.Errorf("hal, who was there by hand, is gone: %v", members)
	}
}

// restore plans and applies a restoration.
func (s *site) restore(t *testing.T, snapshot *backup.Snapshot) *groupsync.Restoration {
	t.Helper()
	plan, err := s.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.running.Engine.ApplyRestore(t.Context(), plan, groupsync.ReconcileOptions{}); err != nil {
		t.Fatal(err)
	}
	return plan
}

// Another Crowd, whose users have other ids, gets the memberships of those who are
// there by name.
func TestSnapshotRestoredInAnotherCrowd(t *testing.T) {
	s, _ := crew(t)
	snapshot := opened(t, s.snapshot(t))
	other := newSite(t, "")
	other.crowd.AddDirectory(crowdtest.Directory{Name: "Another", ID: 98305})
	other.crowd.UpdateApplication(crowdtest.DefaultApplication, func(a *crowdtest.Application) {
		a.Directories = []crowdtest.Mapping{{Directory: "Another"}}
	})
	for _, name := range []string{"bob", "ANN"} {
		other.person(t, name)
	}
	byID, err := other.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{Groups: []string{"crew"}})
	if err != nil || len(byID.Left) != 3 {
		t.Errorf("by id: %v, %v, want nobody found", byID, err)
	}
	plan, err := other.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{Groups: []string{"CREW"}, ByName: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Left) != 1 || plan.Left[0].Step.User != "cat" {
		t.Errorf("left alone: %v, want cat, who is not there", plan.Left)
	}
	for range 2 {
		if _, err := other.running.Engine.ApplyRestore(t.Context(), plan, groupsync.ReconcileOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	got := other.crowd.In("Another").Members("crew")
	slices.Sort(got)
	if diff := cmp.Diff([]string{"ANN", "bob"}, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if _, err := other.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{Groups: []string{"nobody"}}); !errors.Is(err, groupsync.ErrNoGroup) {
		t.Errorf("a group that never was: %v", err)
	}
}

// Users who were deleted for the identity provider or protected since, and one who was
// locked out, are told of and left as they are.
func TestSnapshotLeavesPeopleAlone(t *testing.T) {
	s, team := crew(t)
	snapshot := opened(t, s.snapshot(t))
	id := func(name string) string {
		u, err := s.running.Engine.UserByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return u.ID
	}
	if w := s.send(http.MethodDelete, "/scim/okta/Users/"+id("ann"), ""); w.Code != http.StatusNoContent {
		t.Fatalf("DELETE = %d", w.Code)
	}
	s.patch(t, "/scim/okta/Users/"+id("bob"), `{"op": "replace", "path": "active", "value": false}`)
	s.patch(t, "/scim/okta/Groups/"+team, `{"op": "remove", "path": "members"}`)
	plan := s.restore(t, snapshot)
	told := fmt.Sprint(plan.Left)
	for _, want := range []string{`grant "ann" in "crew": the user is deleted for the identity provider`, `reactivate user "bob": active "false" -> "true": a restore lets nobody in`} {
		if !strings.Contains(told, want) {
			t.Errorf("left alone: %s\nwant %s", told, want)
		}
	}
	if u, _ := s.crowd.User("bob"); u.Active {
		t.Error("bob, who was locked out, is in again")
	}
	got := s.crowd.Members("crew")
	slices.Sort(got)
	if diff := cmp.Diff([]string{"bob", "cat", "hal"}, got); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}

// A refused plan changes nothing, and passes once it is approved.
func TestSnapshotRestoreIsGuarded(t *testing.T) {
	s := newSite(t, `, "groups": {"guard": {"removals": {"count": 1, "percent": 10}}}`)
	ids := []string{s.person(t, "ann"), s.person(t, "bob"), s.person(t, "cat")}
	team := s.team(t, "crew", ids[0])
	snapshot := opened(t, s.snapshot(t))
	s.patch(t, "/scim/okta/Groups/"+team, `{"op": "add", "path": "members", "value": [{"value": "`+ids[1]+`"}, {"value": "`+ids[2]+`"}]}`)
	plan, err := s.running.Engine.PlanRestore(t.Context(), snapshot, groupsync.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.running.Engine.ApplyRestore(t.Context(), plan, groupsync.ReconcileOptions{})
	if refusal, ok := errors.AsType[*groupsync.GuardError](err); !ok || refusal.Count != 2 || refusal.Total != 3 || len(s.crowd.Members("crew")) != 3 {
		t.Errorf("error %v with %v in crew, want the plan refused", err, s.crowd.Members("crew"))
	}
	_, err = s.running.Engine.ApplyRestore(t.Context(), plan, groupsync.ReconcileOptions{Approve: plan.Plan.Fingerprint()})
	if err != nil || !slices.Equal(s.crowd.Members("crew"), []string{"ann"}) {
		t.Errorf("once approved: %v, %v", err, s.crowd.Members("crew"))
	}
}
