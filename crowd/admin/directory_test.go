package admin_test

import (
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// collect returns what a list yields.
func collect[T any](t *testing.T, list iter.Seq2[*T, error]) []T {
	t.Helper()
	var all []T
	for entry, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *entry)
	}
	return all
}

func TestDirectories(t *testing.T) {
	s := newSite(t)
	for _, native := range []string{"DELEGATING", "CONNECTOR", "CROWD", "CUSTOM", "AZURE_AD", "NEW_KIND"} {
		s.AddDirectory(crowdtest.Directory{Name: native, Type: native})
	}
	var got []string
	for _, d := range collect(t, s.client.Directories(t.Context(), "")) {
		got = append(got, fmt.Sprint(d.ID, " ", d.Name, " ", d.Type, " ", d.Type.Writable(), " ", d.Synchronisable))
	}
	checkList(t, got,
		"32769 Crowd internal true false", "32770 Administrators internal true false",
		"32771 DELEGATING delegating true false", "32772 CONNECTOR ldap false true", "32773 CROWD crowd false true",
		"32774 CUSTOM generic false false", "32775 AZURE_AD azuread false true", "32776 NEW_KIND new_kind false false")
	if got := collect(t, s.client.Directories(t.Context(), "crowd")); len(got) != 2 {
		t.Errorf("search: %v", got)
	}
}

// TestPages goes on until the last page, however few entries a page has.
func TestPages(t *testing.T) {
	s := newSite(t, func(o *crowdtest.Options) { o.AdminPageLimit = 2 })
	for i := range 5 {
		s.AddDirectory(crowdtest.Directory{Name: fmt.Sprint("team ", i)})
	}
	s.ResetCalls()
	if got := collect(t, s.client.Directories(t.Context(), "team")); len(got) != 5 {
		t.Errorf("%d directories: %v", len(got), got)
	}
	if got := len(s.Calls()); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
	for range s.client.Directories(t.Context(), "") {
		break
	}
	if got := len(s.Calls()); got != 4 {
		t.Errorf("%d calls after one entry, want 4", got)
	}
	s.Fail(crowdtest.Fault{Nth: 2, Kind: crowdtest.CutBody})
	var seen int
	var last error
	for d, err := range s.client.Directories(t.Context(), "team") {
		if last = err; d != nil {
			seen++
		}
	}
	if seen != 2 || !errors.Is(last, crowd.ErrUnavailable) {
		t.Errorf("cut off: %d directories, %v", seen, last)
	}
}

func TestDirectory(t *testing.T) {
	now := time.UnixMilli(1700000000000).UTC()
	s := newSite(t, func(o *crowdtest.Options) {
		o.Clock, o.SynchronisationTime = func() time.Time { return now }, time.Minute
	})
	s.AddDirectory(crowdtest.Directory{Name: "LDAP", Type: "CONNECTOR", Denied: []crowdtest.Operation{crowdtest.AddUser}})
	want := &admin.Directory{ID: 32771, Name: "LDAP", Type: admin.LDAP, Description: "CONNECTOR directory", Active: true, Synchronisable: true}
	check := func(running bool) {
		t.Helper()
		got, err := s.client.DirectoryNamed(t.Context(), "ldap")
		if err != nil {
			t.Fatal(err)
		}
		again, err := s.client.Directory(t.Context(), got.ID)
		if diff := cmp.Diff(want, got) + cmp.Diff(got, again); diff != "" || err != nil {
			t.Errorf("directory mismatch (-want +got):\n%s%v", diff, err)
		}
		if got.Synchronisation.Running() != running {
			t.Errorf("synchronisation %+v", got.Synchronisation)
		}
	}
	check(false)
	if err := s.client.Synchronise(t.Context(), 32771); err != nil {
		t.Fatal(err)
	}
	want.Synchronisation = admin.Synchronisation{Status: "IN_PROGRESS", Mode: "FULL", Start: now}
	check(true)
	now = now.Add(time.Minute)
	want.Synchronisation.Status, want.Synchronisation.End = "SUCCESS", now
	check(false)

	s.SetOptions(func(o *crowdtest.Options) { o.DirectoriesShowAll = true })
	want.Permissions = []admin.Permission{
		admin.UpdateUser, admin.DeleteUser, admin.UpdateUserAttribute,
		admin.CreateGroup, admin.UpdateGroup, admin.DeleteGroup, admin.UpdateGroupAttribute,
	}
	want.Attributes = map[string]string{"useNestedGroups": "false"}
	check(false)

	if err := s.client.Synchronise(t.Context(), firstDirectory); !errors.Is(err, crowd.ErrIllegalArgument) {
		t.Errorf("synchronise an internal one: %v", err)
	}
	if _, err := s.client.Directory(t.Context(), 1); !errors.Is(err, crowd.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
	_, err := s.client.DirectoryNamed(t.Context(), "LDA")
	if !errors.Is(err, crowd.ErrNotFound) || err.Error() != "crowd: find directory LDA: not found (404)" {
		t.Errorf("unknown name: %v", err)
	}
	s.AddDirectory(crowdtest.Directory{Name: "ldap"})
	if _, err := s.client.DirectoryNamed(t.Context(), "LDAP"); err == nil || errors.Is(err, crowd.ErrNotFound) {
		t.Errorf("two of a name: %v", err)
	}
}
