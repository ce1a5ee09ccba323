package crowdtest_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// fill returns a server with n users, n/10 groups and ten memberships of each
// user. Every user has an attribute of its own value.
func fill(n int) *crowdtest.Server {
	srv := &crowdtest.Server{}
	srv.SetOptions(func(o *crowdtest.Options) { o.NoCalls = true })
	users := make([]crowd.User, n)
	for i := range users {
		users[i] = crowd.User{
			Name: userName(i), DisplayName: "User", Email: userName(i) + "@example.com", Active: true,
			Attributes: crowd.Attributes{"scim.externalId": {fmt.Sprint("e", i)}},
		}
	}
	srv.AddUser(users...)
	groups := max(n/10, 10)
	for g := range groups {
		srv.AddGroup(crowd.Group{Name: groupName(g), Active: true})
	}
	members := make([][]string, groups)
	for i := range n {
		for j := range 10 {
			g := (i/10 + j*(groups/10)) % groups
			members[g] = append(members[g], userName(i))
		}
	}
	for g, names := range members {
		srv.AddMember(groupName(g), names...)
	}
	return srv
}

func userName(i int) string  { return fmt.Sprintf("user-%06d", i) }
func groupName(i int) string { return fmt.Sprintf("group-%05d", i) }

// send makes one request without a network and reads the answer.
func send(b *testing.B, srv *crowdtest.Server, status int, method, resource, body string) {
	r, err := http.NewRequestWithContext(b.Context(), method, "http://crowd.test/crowd/rest/usermanagement/1/"+resource, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth(crowdtest.DefaultApplication, crowdtest.DefaultPassword.Reveal())
	resp, err := srv.RoundTrip(r)
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != status {
		b.Fatalf("%s %s: %d %v", method, resource, resp.StatusCode, err)
	}
}

func BenchmarkServer(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		srv := fill(n)
		rng := rand.New(rand.NewPCG(1, 1))
		anyone := func() string { return userName(rng.IntN(n)) }
		for name, f := range map[string]func(*testing.B){
			"user":       func(b *testing.B) { send(b, srv, 200, "GET", "user?username="+anyone(), "") },
			"attributes": func(b *testing.B) { send(b, srv, 200, "GET", "user?expand=attributes&username="+anyone(), "") },
			"search": func(b *testing.B) {
				value := fmt.Sprint("e", rng.IntN(n))
				send(b, srv, 200, "GET", "search?entity-type=user&restriction=scim.externalId%3D"+value, "")
			},
			"page": func(b *testing.B) {
				send(b, srv, 200, "GET", fmt.Sprintf("search?entity-type=user&max-results=10&start-index=%d", rng.IntN(n)), "")
			},
			"member": func(b *testing.B) {
				user := anyone()
				resource := "group/user/direct?groupname=group-00001&username=" + user
				status := 201
				if _, member := find(srv.GroupsOf(user), "group-00001"); member {
					status = 409
				}
				send(b, srv, status, "POST", resource, named(user))
				send(b, srv, 204, "DELETE", resource, "")
			},
			"write": func(b *testing.B) {
				send(b, srv, 204, "POST", "user/attribute?username="+anyone(), `{"attributes":[{"name":"team","values":["red"]}]}`)
			},
		} {
			b.Run(fmt.Sprintf("%s/users=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					f(b)
				}
			})
		}
	}
}

func find(list []string, name string) (int, bool) {
	for i, one := range list {
		if one == name {
			return i, true
		}
	}
	return 0, false
}

// BenchmarkFill makes a directory of 100,000 users, 10,000 groups and
// 1,000,000 memberships.
func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		fill(100_000)
	}
}

// BenchmarkLoad reads such a directory from a document.
func BenchmarkLoad(b *testing.B) {
	var doc strings.Builder
	if err := fill(100_000).Dump(&doc); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := new(crowdtest.Server).Load(strings.NewReader(doc.String())); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDump reads the memberships of such a directory in XML.
func BenchmarkDump(b *testing.B) {
	srv := fill(100_000)
	r, err := http.NewRequestWithContext(b.Context(), "GET", "http://crowd.test/rest/usermanagement/1/group/membership", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.SetBasicAuth(crowdtest.DefaultApplication, crowdtest.DefaultPassword.Reveal())
	for b.Loop() {
		resp, err := srv.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		size, err := io.Copy(io.Discard, resp.Body)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(size)
	}
}
