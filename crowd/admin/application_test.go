package admin_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestApplications(t *testing.T) {
	s := newSite(t)
	s.SetApplication(crowdtest.Application{Name: "Jira", Password: "x", Type: "JIRA", Description: "issues", Inactive: true})
	want := []admin.Application{
		{ID: 1, Name: s.Application, Type: admin.GenericApplication, Active: true},
		{ID: 2, Name: "Jira", Type: "JIRA", Description: "issues"},
	}
	if diff := cmp.Diff(want, collect(t, s.client.Applications(t.Context(), ""))); diff != "" {
		t.Errorf("applications mismatch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], collect(t, s.client.Applications(t.Context(), "jir"))); diff != "" {
		t.Errorf("search mismatch (-want +got):\n%s", diff)
	}
	byName, err := s.client.ApplicationNamed(t.Context(), "JIRA")
	if diff := cmp.Diff(&want[1], byName); diff != "" || err != nil {
		t.Errorf("by name mismatch (-want +got):\n%s%v", diff, err)
	}
	byID, err := s.client.Application(t.Context(), 2)
	if diff := cmp.Diff(&want[1], byID); diff != "" || err != nil {
		t.Errorf("by id mismatch (-want +got):\n%s%v", diff, err)
	}
	if _, err := s.client.ApplicationNamed(t.Context(), "jir"); !errors.Is(err, crowd.ErrNotFound) {
		t.Errorf("unknown name: %v", err)
	}
	if _, err := s.client.Application(t.Context(), 3); !errors.Is(err, crowd.ErrNotFound) {
		t.Errorf("unknown id: %v", err)
	}
}

func TestAddresses(t *testing.T) {
	s := newSite(t)
	for range 2 {
		if err := s.client.AllowAddress(t.Context(), 1, "192.0.2.0/24"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.client.AllowAddress(t.Context(), 1, "localhost"); err != nil {
		t.Fatal(err)
	}
	got, err := s.client.Addresses(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	checkList(t, got, "192.0.2.0/24", "localhost")
	for range 2 {
		if err := s.client.ForbidAddress(t.Context(), 1, "localhost"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Client(t).User(t.Context(), "ann"); !errors.Is(err, crowd.ErrAddress) {
		t.Errorf("call from a forbidden address: %v", err)
	}
	if _, err := s.client.Addresses(t.Context(), 9); !errors.Is(err, crowd.ErrNotFound) {
		t.Errorf("unknown application: %v", err)
	}
}

// mappingSpellings are the ways in which a server may show and take mappings.
func mappingSpellings() map[string]func(*crowdtest.Options) {
	return map[string]func(*crowdtest.Options){
		"nested": func(*crowdtest.Options) {},
		"flat":   func(o *crowdtest.Options) { o.FlatMappings = true },
	}
}

func TestMappings(t *testing.T) {
	for name, change := range mappingSpellings() {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, change)
			s.AddDirectory(crowdtest.Directory{Name: "Staff"})
			for _, want := range []bool{true, false} {
				if changed, err := s.client.Map(t.Context(), 1, 32771); changed != want || err != nil {
					t.Fatalf("map: %v, %v", changed, err)
				}
			}
			some := []admin.Permission{admin.CreateUser, admin.UpdateGroup}
			if err := s.client.SetPermissions(t.Context(), 1, 32771, some); err != nil {
				t.Fatal(err)
			}
			if err := s.client.SetPermissions(t.Context(), 1, firstDirectory, nil); err != nil {
				t.Fatal(err)
			}
			want := []admin.Mapping{
				{Directory: firstDirectory, Name: "Crowd", AllowAll: true, Permissions: []admin.Permission{}},
				{Directory: 32771, Name: "Staff", AllowAll: true, Permissions: some},
			}
			if diff := cmp.Diff(want, collect(t, s.client.Mappings(t.Context(), 1))); diff != "" {
				t.Errorf("mappings mismatch (-want +got):\n%s", diff)
			}
			for _, want := range []bool{true, false} {
				if changed, err := s.client.Unmap(t.Context(), 1, firstDirectory); changed != want || err != nil {
					t.Fatalf("unmap: %v, %v", changed, err)
				}
			}
			if err := s.client.SetPermissions(t.Context(), 1, 32771, admin.Permissions()); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Client(t).CreateGroup(t.Context(), crowd.Group{Name: "devs"}); err != nil {
				t.Error(err)
			}
			if got := s.In("Staff").GroupNames(); len(got) != 1 {
				t.Errorf("groups of Staff: %v", got)
			}
		})
	}
}

func TestMappingsRefused(t *testing.T) {
	s := newSite(t)
	for what, call := range map[string]func() error{
		"map in an unknown application": func() error { _, err := s.client.Map(t.Context(), 9, firstDirectory); return err },
		"map an unknown directory":      func() error { _, err := s.client.Map(t.Context(), 1, 7); return err },
		"unmap in an unknown application": func() error {
			_, err := s.client.Unmap(t.Context(), 9, firstDirectory)
			return err
		},
		"permissions of no mapping": func() error { return s.client.SetPermissions(t.Context(), 1, 7, nil) },
		"an unknown application":    func() error { _, err := s.client.ApplicationNamed(t.Context(), "nobody"); return err },
	} {
		if err := call(); !errors.Is(err, crowd.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if changed, err := s.client.Unmap(t.Context(), 1, 7); changed || err != nil {
		t.Errorf("unmap what is not mapped: %v, %v", changed, err)
	}
	s.SetOptions(func(o *crowdtest.Options) { o.HideMappingOperations = true })
	err := s.client.SetPermissions(t.Context(), 1, firstDirectory, admin.Permissions())
	if !errors.Is(err, crowd.ErrUnsupported) {
		t.Errorf("permissions that are not told: %v", err)
	}
	if got := collect(t, s.client.Mappings(t.Context(), 1)); got[0].Permissions != nil {
		t.Errorf("permissions %v of which nothing is told", got[0].Permissions)
	}
}

func TestUsersAndGroups(t *testing.T) {
	s := newSite(t)
	s.AddDirectory(crowdtest.Directory{Name: "Staff"})
	for _, directory := range []string{"", "Staff"} {
		s.In(directory).AddUser(crowd.User{Name: "ann", DisplayName: "Ann Lind", Email: "ann@example.com", Active: true})
		s.In(directory).AddGroup(crowd.Group{Name: "devs", Description: "of " + directory, Active: true})
	}
	s.In("Staff").AddMember("devs", "ann")
	var got []string
	list := func(users []admin.User) {
		for _, u := range users {
			got = append(got, fmt.Sprint(u.Name, " ", u.DisplayName, " ", u.Email, " ", u.Active, " ", u.Directory))
		}
	}
	list(collect(t, s.client.Users(t.Context(), admin.UserQuery{Search: "ann"})))
	list(collect(t, s.client.Users(t.Context(), admin.UserQuery{Search: "LIND", Directories: []int64{32771}})))
	list(collect(t, s.client.Members(t.Context(), 32771, "devs")))
	list(collect(t, s.client.Members(t.Context(), firstDirectory, "devs")))
	checkList(t, got, "ann Ann Lind ann@example.com true 32769", "ann Ann Lind ann@example.com true 32771",
		"ann Ann Lind ann@example.com true 32771", "ann Ann Lind ann@example.com true 32771")
	want := []admin.Group{{Name: "devs", Description: "of Staff", Active: true}}
	if diff := cmp.Diff(want, collect(t, s.client.Groups(t.Context(), 32771, "DEV"))); diff != "" {
		t.Errorf("groups mismatch (-want +got):\n%s", diff)
	}
	for _, err := range s.client.Members(t.Context(), 32771, "none") {
		if !errors.Is(err, crowd.ErrGroupNotFound) {
			t.Errorf("members of no group: %v", err)
		}
	}
}
