package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// pool are names of users and groups, two of which look like ids.
func pool() []string {
	return []string{"ann", "a/b c", "ünal", "1-YW5u", "32769-YW5u", "+&%", "🙂"}
}

// TestMembershipsAreAsSingle changes memberships of one Crowd in batches and of
// another one by one, as its application: both end the same, whatever the server
// understands, and what one refuses the other does.
func TestMembershipsAreAsSingle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		change := rapid.SampledFrom([]func(*crowdtest.Options){
			func(*crowdtest.Options) {},
			func(o *crowdtest.Options) { o.BatchByID = true },
			func(o *crowdtest.Options) { o.BatchByID, o.BatchIgnores = true, true },
			func(o *crowdtest.Options) { o.BatchExistingSucceeds = true },
		}).Draw(t, "spelling")
		batched, single := filled(t, change), filled(t, change)
		network := &http.Client{Transport: batched}
		client, err := admin.New(admin.Config{BaseURL: "http://crowd.test", Administrator: "root", Password: password, HTTPClient: network})
		if err != nil {
			t.Fatal(err)
		}
		one, err := crowd.New(crowd.Config{
			BaseURL: "http://crowd.test", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
			HTTPClient: &http.Client{Transport: single},
		})
		if err != nil {
			t.Fatal(err)
		}
		name := rapid.SampledFrom(append(pool(), "nobody", "ANN"))
		m := client.Memberships(firstDirectory)
		for range rapid.IntRange(1, 6).Draw(t, "batches") {
			group, users := rapid.SampledFrom(pool()).Draw(t, "group"), rapid.SliceOfNDistinct(name, 0, 6, crowd.Fold).Draw(t, "users")
			many, each := m.AddMembers, one.AddMember
			if rapid.Bool().Draw(t, "remove") {
				many, each = m.RemoveMembers, one.RemoveMember
			}
			failed, err := many(t.Context(), group, users)
			if err != nil {
				t.Fatal(err)
			}
			for _, user := range users {
				_, err := each(t.Context(), group, user)
				if unknown := user == "nobody"; unknown != (err != nil) || unknown && failed[user] == nil {
					t.Fatalf("%s in %s: %v alone, %v of many", user, group, err, failed[user])
				}
			}
		}
		if diff := cmp.Diff(dump(t, single), dump(t, batched)); diff != "" {
			t.Fatalf("state mismatch (-one by one +batched):\n%s", diff)
		}
	})
}

// filled returns a Crowd with the users and groups of the pool.
func filled(t *rapid.T, change func(*crowdtest.Options)) *crowdtest.Server {
	srv := &crowdtest.Server{}
	srv.SetOptions(func(o *crowdtest.Options) { o.Clock = func() time.Time { return time.UnixMilli(1700000000000) } })
	srv.SetOptions(change)
	srv.AddAdministrator("root", password)
	for _, name := range pool() {
		srv.AddUser(crowd.User{Name: name, Active: true})
		srv.AddGroup(crowd.Group{Name: name, Active: true})
	}
	return srv
}

func dump(t *rapid.T, srv *crowdtest.Server) string {
	var b strings.Builder
	if err := srv.Dump(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
