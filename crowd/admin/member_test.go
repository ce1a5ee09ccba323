package admin_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

const password = "administrator's password"

// site is a Crowd with an administrator, and a client for that administrator.
type site struct {
	*crowdtest.Server
	client *admin.Client
}

func newSite(t testing.TB, change ...func(*crowdtest.Options)) site {
	t.Helper()
	srv := crowdtest.NewServer(t)
	for _, c := range change {
		srv.SetOptions(c)
	}
	srv.AddAdministrator("root", password)
	return site{srv, clientOf(t, admin.Config{BaseURL: srv.URL, Administrator: "root", Password: password, Tries: 1})}
}

func clientOf(t testing.TB, cfg admin.Config) *admin.Client {
	t.Helper()
	client, err := admin.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// firstDirectory is the id of the first directory of a server.
const firstDirectory = 32769

// spellings are the ways in which a server may understand a batch.
func spellings() map[string]func(*crowdtest.Options) {
	return map[string]func(*crowdtest.Options){
		"names":                        func(*crowdtest.Options) {},
		"ids":                          func(o *crowdtest.Options) { o.BatchByID = true },
		"ids, and names are ignored":   func(o *crowdtest.Options) { o.BatchByID, o.BatchIgnores = true, true },
		"what is there already is one": func(o *crowdtest.Options) { o.BatchExistingSucceeds = true },
	}
}

func TestMemberships(t *testing.T) {
	for name, change := range spellings() {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			s.AddGroup(crowd.Group{Name: "devs", Active: true}, crowd.Group{Name: "1-YW5u", Active: true})
			s.AddUser(crowd.User{Name: "Ann", Active: true}, crowd.User{Name: "bob", Active: true}, crowd.User{Name: "1-YW5u", Active: true})
			s.AddMember("devs", "bob")
			m := s.client.Memberships(firstDirectory)

			failed, err := m.AddMembers(t.Context(), "DEVS", []string{"ann", "bob", "1-YW5u", "nobody", " "})
			want := map[string]error{"nobody": crowd.ErrUserNotFound, " ": crowd.ErrInvalidName}
			checkFailed(t, failed, want, err)
			checkList(t, s.Members("devs"), "1-YW5u", "Ann", "bob")

			failed, err = m.RemoveMembers(t.Context(), "devs", []string{"ann", "nobody", "bob"})
			checkFailed(t, failed, map[string]error{"nobody": crowd.ErrUserNotFound}, err)
			failed, err = m.RemoveMembers(t.Context(), "devs", []string{"bob"})
			checkFailed(t, failed, nil, err)
			checkList(t, s.Members("devs"), "1-YW5u")

			failed, err = m.AddToGroups(t.Context(), "ann", []string{"devs", "1-YW5u", "none"})
			checkFailed(t, failed, map[string]error{"none": crowd.ErrGroupNotFound}, err)
			checkList(t, s.GroupsOf("ann"), "1-YW5u", "devs")
			failed, err = m.RemoveFromGroups(t.Context(), "ann", []string{"devs"})
			checkFailed(t, failed, nil, err)
			checkList(t, s.GroupsOf("ann"), "1-YW5u")
		})
	}
}

func checkFailed(t *testing.T, failed, want map[string]error, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(failed))); diff != "" {
		t.Errorf("refused mismatch (-want +got):\n%s", diff)
	}
	for name, kind := range want {
		if !errors.Is(failed[name], kind) {
			t.Errorf("%q failed with %v, want %v", name, failed[name], kind)
		}
	}
}

func checkList(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list mismatch (-want +got):\n%s", diff)
	}
}

// TestMembershipsCost changes many memberships in few calls.
func TestMembershipsCost(t *testing.T) {
	s := newSite(t)
	s.AddGroup(crowd.Group{Name: "devs", Active: true})
	var names []string
	for i := range 1200 {
		names = append(names, fmt.Sprintf("user%04d", i))
		s.AddUser(crowd.User{Name: names[i], Active: true})
	}
	s.ResetCalls()
	failed, err := s.client.Memberships(firstDirectory).AddMembers(t.Context(), "devs", names)
	checkFailed(t, failed, nil, err)
	checkList(t, s.Members("devs"), names...)
	if got := len(s.Calls()); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
	if failed, err = s.client.Memberships(firstDirectory).AddMembers(t.Context(), "devs", nil); len(failed) > 0 || err != nil || len(s.Calls()) != 3 {
		t.Errorf("nobody added: %v, %v", failed, err)
	}
}

func TestMembershipsUnsupported(t *testing.T) {
	for name, change := range map[string]func(*crowdtest.Options){
		"edition":         func(o *crowdtest.Options) { o.NoBatch = true },
		"other status":    func(o *crowdtest.Options) { o.NoBatch, o.Statuses = true, map[string]int{"FEATURE_INACCESSIBLE": 501} },
		"version without": func(o *crowdtest.Options) { o.Version = "3.7.2" },
		"no admin API":    func(o *crowdtest.Options) { o.Version = "2.12.0" },
		"nor a page":      func(o *crowdtest.Options) { o.Version, o.MissingInJSON = "2.12.0", true },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			s.AddGroup(crowd.Group{Name: "devs", Active: true})
			s.AddUser(crowd.User{Name: "ann", Active: true})
			failed, err := s.client.Memberships(firstDirectory).AddMembers(t.Context(), "devs", []string{"ann"})
			if !errors.Is(err, crowd.ErrUnsupported) || len(failed) > 0 {
				t.Errorf("got %v, %v", failed, err)
			}
		})
	}
}

func TestMembershipsRefused(t *testing.T) {
	s := newSite(t)
	s.AddGroup(crowd.Group{Name: "devs", Active: true})
	s.AddUser(crowd.User{Name: "ann", Active: true})
	m := s.client.Memberships(firstDirectory)
	if _, err := m.AddMembers(t.Context(), "none", []string{"ann"}); !errors.Is(err, crowd.ErrGroupNotFound) {
		t.Errorf("unknown group: %v", err)
	}
	if _, err := m.AddMembers(t.Context(), "a\nb", []string{"ann"}); !errors.Is(err, crowd.ErrInvalidName) {
		t.Errorf("invalid group: %v", err)
	}
	if _, err := m.AddToGroups(t.Context(), "nobody", []string{"devs"}); !errors.Is(err, crowd.ErrUserNotFound) {
		t.Errorf("unknown user: %v", err)
	}
	s.SetDirectory("", func(d *crowdtest.Directory) { d.Denied = []crowdtest.Operation{crowdtest.ModifyGroup} })
	failed, err := m.AddMembers(t.Context(), "devs", []string{"ann"})
	checkFailed(t, failed, map[string]error{"ann": crowd.ErrPermission}, err)
	want := "crowd: add member ann of devs: permission denied to the application (APPLICATION_PERMISSION_DENIED): Directory Crowd does not allow it"
	if got := failed["ann"].Error(); got != want {
		t.Errorf("error %q, want %q", got, want)
	}
}

// TestMembershipsBroken loses the second of two requests: the first has taken
// effect, and of the second nothing is claimed.
func TestMembershipsBroken(t *testing.T) {
	s := newSite(t)
	s.AddGroup(crowd.Group{Name: "devs", Active: true})
	var names []string
	for i := range 600 {
		names = append(names, fmt.Sprintf("user%04d", i))
		s.AddUser(crowd.User{Name: names[i], Active: true})
	}
	s.Fail(crowdtest.Fault{Resource: "admin/groups/*", Nth: 2, Kind: crowdtest.LoseRequest})
	failed, err := s.client.Memberships(firstDirectory).AddMembers(t.Context(), "devs", names)
	if !errors.Is(err, crowd.ErrUnavailable) || !errors.Is(err, crowd.ErrAmbiguous) || len(failed) > 0 {
		t.Fatalf("got %v, %v", failed, err)
	}
	checkList(t, s.Members("devs"), names[:500]...)
	failed, err = s.client.Memberships(firstDirectory).AddMembers(t.Context(), "devs", names)
	checkFailed(t, failed, nil, err)
	checkList(t, s.Members("devs"), names...)
}

// inTurn answers with one body after the other, and then with the last.
type inTurn struct{ bodies []string }

func (i *inTurn) RoundTrip(r *http.Request) (*http.Response, error) {
	body := i.bodies[0]
	if len(i.bodies) > 1 {
		i.bodies = i.bodies[1:]
	}
	return canned{200, "application/json", body}.RoundTrip(r)
}

// TestMembershipsForgetBrokenAnswers takes nothing from an answer that makes no sense
// and was asked for again.
func TestMembershipsForgetBrokenAnswers(t *testing.T) {
	client := clientOf(t, admin.Config{
		BaseURL: "http://crowd.test", Administrator: "root", Password: password,
		HTTPClient: &http.Client{Transport: &inTurn{[]string{
			`{"successes": ["ann"], "failures": 5}`, `{"failures": [{"name": "bob", "reason": "USER_NOT_FOUND"}]}`,
		}}},
	})
	failed, err := client.Memberships(1).AddMembers(t.Context(), "devs", []string{"ann", "bob"})
	if err != nil || failed["ann"] == nil || !errors.Is(failed["bob"], crowd.ErrUserNotFound) {
		t.Errorf("got %v, %v", failed, err)
	}
}
