package crowdtest_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// everyone is the group that all users of [fill] are in.
const everyone = "everyone"

// fill returns a server with n users, n/10 groups and ten memberships of each
// user, one of them in a group of all. Every user has an attribute of its own
// value.
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
		for j := range 9 {
			g := (i/10 + j*(groups/10)) % groups
			members[g] = append(members[g], userName(i))
		}
	}
	for g, names := range members {
		srv.AddMember(groupName(g), names...)
	}
	srv.AddGroup(crowd.Group{Name: everyone, Active: true})
	srv.AddMember(everyone, srv.UserNames()...)
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

// BenchmarkServer makes requests of directories of growing size.
func BenchmarkServer(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		srv := fill(n)
		rng := rand.New(rand.NewPCG(1, 1))
		anyone := func() string { return userName(rng.IntN(n)) }
		for _, c := range []struct {
			name string
			f    func(*testing.B)
		}{
			{"user", func(b *testing.B) { send(b, srv, 200, "GET", "user?username="+anyone(), "") }},
			{"attributes", func(b *testing.B) { send(b, srv, 200, "GET", "user?expand=attributes&username="+anyone(), "") }},
			{"search", func(b *testing.B) {
				value := fmt.Sprint("e", rng.IntN(n))
				send(b, srv, 200, "GET", "search?entity-type=user&restriction=scim.externalId%3D"+value, "")
			}},
			{"page", func(b *testing.B) {
				send(b, srv, 200, "GET", fmt.Sprintf("search?entity-type=user&max-results=10&start-index=%d", rng.IntN(n)), "")
			}},
			{"groups", func(b *testing.B) { send(b, srv, 200, "GET", "user/group/direct?username="+anyone(), "") }},
			{"member", func(b *testing.B) {
				send(b, srv, 200, "GET", "group/user/direct?groupname="+everyone+"&username="+anyone(), "")
			}},
			{"join", func(b *testing.B) { rejoin(b, srv, groupName(1), anyone()) }},
			{"joinlarge", func(b *testing.B) { rejoin(b, srv, everyone, anyone()) }},
			{"write", func(b *testing.B) {
				send(b, srv, 204, "POST", "user/attribute?username="+anyone(), `{"attributes":[{"name":"team","values":["red"]}]}`)
			}},
			{"create", func(b *testing.B) {
				send(b, srv, 201, "POST", "user", newUser("new user"))
				send(b, srv, 204, "DELETE", "user?username=new+user", "")
			}},
		} {
			b.Run(fmt.Sprintf("%s/users=%d", c.name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					c.f(b)
				}
			})
		}
	}
}

// rejoin makes two requests that end or begin a membership, and leaves it as it
// was.
func rejoin(b *testing.B, srv *crowdtest.Server, group, user string) {
	resource := "group/user/direct?groupname=" + group + "&username=" + user
	if slices.Contains(srv.GroupsOf(user), group) {
		send(b, srv, 204, "DELETE", resource, "")
		send(b, srv, 201, "POST", resource, named(user))
		return
	}
	send(b, srv, 201, "POST", resource, named(user))
	send(b, srv, 204, "DELETE", resource, "")
}

// BenchmarkFill makes a directory of 100,000 users, 10,000 groups and
// 1,000,000 memberships.
func BenchmarkFill(b *testing.B) {
	reportMemory(b, func() *crowdtest.Server { return fill(100_000) })
}

// collect frees what is not used, and what lies in pools.
func collect() {
	for range 3 {
		runtime.GC()
	}
}

// reportMemory reports how much memory the server takes that each step makes.
func reportMemory(b *testing.B, step func() *crowdtest.Server) {
	var before, after runtime.MemStats
	var srv *crowdtest.Server
	for b.Loop() {
		srv = nil
		collect()
		runtime.ReadMemStats(&before)
		srv = step()
	}
	collect()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MB")
	if users, groups := len(srv.UserNames()), len(srv.GroupNames()); users != 100_000 || groups != 10_001 || len(srv.Members(everyone)) != users {
		b.Errorf("%d users and %d groups, want 100000 and 10001", users, groups)
	}
}

// BenchmarkLoad reads such a directory from a document.
func BenchmarkLoad(b *testing.B) {
	var doc strings.Builder
	if err := fill(100_000).Dump(&doc); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(doc.Len()))
	reportMemory(b, func() *crowdtest.Server {
		srv := &crowdtest.Server{}
		if err := srv.Load(strings.NewReader(doc.String())); err != nil {
			b.Fatal(err)
		}
		return srv
	})
	runtime.KeepAlive(&doc)
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
