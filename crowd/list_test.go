package crowd_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func userNames(t testing.TB, seq iter.Seq2[*crowd.User, error]) []string {
	t.Helper()
	var names []string
	for _, u := range collect(t, seq) {
		names = append(names, u.Name)
	}
	slices.Sort(names)
	return names
}

func groupNames(t testing.TB, seq iter.Seq2[*crowd.Group, error]) []string {
	t.Helper()
	var names []string
	for _, g := range collect(t, seq) {
		names = append(names, g.Name)
	}
	slices.Sort(names)
	return names
}

// only reports whether seq is the user of that name alone.
func only(seq iter.Seq2[*crowd.User, error], name string) error {
	var names []string
	for u, err := range seq {
		if err != nil {
			return err
		}
		names = append(names, u.Name)
	}
	if len(names) != 1 || names[0] != name {
		return fmt.Errorf("found %q", names)
	}
	return nil
}

// crowded returns a server with users u00 to u<n-1>, all of them in group all.
func crowded(t *testing.T, n int) (*crowdtest.Server, *crowd.Client) {
	t.Helper()
	s := new(crowdtest.Server)
	s.AddGroup(crowd.Group{Name: "all", Active: true})
	for i := range n {
		name := fmt.Sprintf("u%02d", i)
		s.AddUser(crowd.User{Name: name, Active: true, Attributes: crowd.Attributes{"team": {name}}})
		s.AddMember("all", name)
	}
	s.ResetCalls()
	return s, clientOf(t, s, crowd.Config{})
}

func TestPages(t *testing.T) {
	s, c := crowded(t, 10)
	for _, test := range []struct {
		name                string
		start, max, size    int
		first, count, calls int
	}{
		{"one page", 0, 0, 0, 0, 10, 1},
		{"short last page", 0, 0, 4, 0, 10, 3},
		{"full last page", 0, 0, 5, 0, 10, 3},
		{"single entries", 0, 0, 1, 0, 10, 11},
		{"offset", 7, 0, 2, 7, 3, 2},
		{"bounded", 0, 3, 0, 0, 3, 1},
		{"bounded within the second page", 0, 6, 4, 0, 6, 2},
		{"bounded by whole pages", 0, 8, 4, 0, 8, 2},
		{"bounded and offset", 8, 5, 4, 8, 2, 1},
		{"beyond the end", 99, 0, 0, 0, 0, 1},
	} {
		var want []string
		for i := range test.count {
			want = append(want, fmt.Sprintf("u%02d", test.first+i))
		}
		s.ResetCalls()
		members := c.Members(t.Context(), "all", crowd.List{Start: test.start, Max: test.max, PageSize: test.size})
		if diff := cmp.Diff(want, userNames(t, members)); diff != "" {
			t.Errorf("%s: members mismatch (-want +got):\n%s", test.name, diff)
		}
		if n := len(s.Calls()); n != test.calls {
			t.Errorf("%s: %d calls, want %d", test.name, n, test.calls)
		}
		found := c.Users(t.Context(), crowd.Query{Start: test.start, Max: test.max, PageSize: test.size})
		if diff := cmp.Diff(want, userNames(t, found)); diff != "" {
			t.Errorf("%s: users mismatch (-want +got):\n%s", test.name, diff)
		}
	}
	for _, q := range []crowd.List{{Start: -1}, {Max: -1}, {PageSize: -1}} {
		for _, err := range c.Members(t.Context(), "all", q) {
			if !errors.Is(err, crowd.ErrIllegalArgument) {
				t.Errorf("%+v: got %v", q, err)
			}
		}
	}
}

// Whoever stops early pays for what was read only.
func TestPagesStop(t *testing.T) {
	s, c := crowded(t, 10)
	for range c.Users(t.Context(), crowd.Query{PageSize: 3}) {
		break
	}
	if n := len(s.Calls()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestPagesEndAfterError(t *testing.T) {
	s, c := crowded(t, 10)
	s.Fail(crowdtest.Fault{Nth: 2, Kind: crowdtest.Answer, Status: 403, Reason: "APPLICATION_PERMISSION_DENIED"})
	var names []string
	var last error
	for u, err := range c.Users(t.Context(), crowd.Query{PageSize: 4}) {
		if last != nil {
			t.Fatal("the sequence goes on after an error")
		}
		if last = err; err == nil {
			names = append(names, u.Name)
		}
	}
	if len(names) != 4 || !errors.Is(last, crowd.ErrPermission) {
		t.Errorf("got %v and %v", names, last)
	}
}

// A server that gives more than was asked for has given all.
func TestOversizePage(t *testing.T) {
	var body strings.Builder
	body.WriteString(`{"link":{"a":[{}]},"users":[`)
	for i := range 25 {
		fmt.Fprintf(&body, `%s{"name":"u%02d"}`, strings.Repeat(",", min(i, 1)), i)
	}
	body.WriteString(`],"expand":"user"}`)
	c, s := scripted(t, answer{status: 200, media: typeJSON, body: body.String()})
	if n := len(collect(t, c.Users(t.Context(), crowd.Query{PageSize: 10}))); n != 25 {
		t.Errorf("%d users, want 25", n)
	}
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	cut := strings.TrimSuffix(body.String(), `{"name":"u24"}],"expand":"user"}`)
	c, _ = scripted(t, answer{status: 200, media: typeJSON, body: cut})
	n, last := 0, error(nil)
	for _, err := range c.Users(t.Context(), crowd.Query{PageSize: 10}) {
		if last = err; err == nil {
			n++
		}
	}
	if n != 20 || !errors.Is(last, crowd.ErrUnavailable) {
		t.Errorf("cut off: %d users and %v, want 20 and ErrUnavailable", n, last)
	}
}

func TestDetails(t *testing.T) {
	for _, omits := range []bool{false, true} {
		s, c := crowded(t, 10)
		s.SetOptions(func(o *crowdtest.Options) { o.SearchOmitsAttributes = omits })
		for _, test := range []struct {
			detail             crowd.Detail
			active, attributes bool
			calls              int
		}{
			{crowd.Names, false, false, 3},
			{crowd.Entities, true, !omits, 3},
			{crowd.WithAttributes, true, true, map[bool]int{false: 3, true: 13}[omits]},
		} {
			s.ResetCalls()
			var names []string
			for _, u := range collect(t, c.Users(t.Context(), crowd.Query{Detail: test.detail, PageSize: 4})) {
				names = append(names, u.Name)
				if u.Active != test.active || (u.Attributes.First("team") == u.Name) != test.attributes {
					t.Errorf("omits %t, detail %d: got %+v", omits, test.detail, u)
				}
			}
			if len(names) != 10 || !slices.IsSorted(names) {
				t.Errorf("omits %t, detail %d: got %v", omits, test.detail, names)
			}
			if n := len(s.Calls()); n != test.calls {
				t.Errorf("omits %t, detail %d: %d calls, want %d", omits, test.detail, n, test.calls)
			}
		}
	}
}

// No attributes at all is not the same as none that were told.
func TestDetailsOfNoAttributes(t *testing.T) {
	for _, omits := range []bool{false, true} {
		s := new(crowdtest.Server)
		s.SetOptions(func(o *crowdtest.Options) { o.SearchOmitsAttributes = omits })
		s.AddGroup(crowd.Group{Name: "a"}, crowd.Group{Name: "b", Attributes: crowd.Attributes{"team": {"red"}}})
		want := []*crowd.Group{
			{Name: "a", Attributes: crowd.Attributes{}}, {Name: "b", Attributes: crowd.Attributes{"team": {"red"}}},
		}
		got := collect(t, clientOf(t, s, crowd.Config{}).Groups(t.Context(), crowd.Query{Detail: crowd.WithAttributes}))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("omits %t: groups mismatch (-want +got):\n%s", omits, diff)
		}
	}
}

// Entries that vanish between the list and the look at each are left out.
func TestDetailsOfVanished(t *testing.T) {
	s, c := crowded(t, 6)
	s.SetOptions(func(o *crowdtest.Options) { o.SearchOmitsAttributes = true })
	s.Fail(crowdtest.Fault{
		Method: "GET", Resource: "user", Params: map[string]string{"username": "u02"},
		Kind: crowdtest.Answer, Status: 404, Reason: "USER_NOT_FOUND",
	})
	names := userNames(t, c.Users(t.Context(), crowd.Query{Detail: crowd.WithAttributes}))
	if diff := cmp.Diff([]string{"u00", "u01", "u03", "u04", "u05"}, names); diff != "" {
		t.Errorf("users mismatch (-want +got):\n%s", diff)
	}
}

func TestListOfUnknown(t *testing.T) {
	s, c := serving(t)
	s.SetOptions(func(o *crowdtest.Options) { o.EmptyListForUnknown = true })
	if n := len(collect(t, c.Members(t.Context(), "none", crowd.List{}))); n != 0 {
		t.Errorf("%d members", n)
	}
}

// An entry whose name cannot be asked for comes as the list has it.
func TestDetailsOfOddNames(t *testing.T) {
	c, _ := scripted(t,
		answer{status: 200, media: typeJSON, body: `{"users":[{"name":" odd","email":"odd@example.com"},{"name":"u1"}]}`},
		answer{status: 200, media: typeJSON, body: `{"name":"u1"}`},
	)
	var got []string
	for _, u := range collect(t, c.Users(t.Context(), crowd.Query{Detail: crowd.WithAttributes})) {
		got = append(got, fmt.Sprintf("%q %q %t", u.Name, u.Email, u.Attributes == nil))
	}
	if diff := cmp.Diff([]string{`" odd" "odd@example.com" true`, `"u1" "" false`}, got); diff != "" {
		t.Errorf("users mismatch (-want +got):\n%s", diff)
	}
}

// endless is a text that goes on for ever, until more than enough was read.
type endless struct {
	start, again string
	read         int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.start)
	e.start = e.start[n:]
	for n < len(p) {
		n += copy(p[n:], e.again)
	}
	if e.read += n; e.read > 1<<30 {
		return 0, errors.New("more than enough was read")
	}
	return n, nil
}

// A list may be of any length, but no entry of it.
func TestEndlessEntry(t *testing.T) {
	for name, test := range map[string]struct {
		media, start string
		call         func(context.Context, *crowd.Client) error
	}{
		"entity": {typeJSON, `{"name":"`, func(ctx context.Context, c *crowd.Client) error {
			_, err := c.User(ctx, "ann")
			return err
		}},
		"entry": {typeJSON, `{"users":[{"name":"ann"},{"name":"`, func(ctx context.Context, c *crowd.Client) error {
			return last(c.Users(ctx, crowd.Query{}))
		}},
		"member of a list": {typeJSON, `{"expand":"`, func(ctx context.Context, c *crowd.Client) error {
			return last(c.Users(ctx, crowd.Query{}))
		}},
		"membership": {typeXML, `<memberships><membership group="`, func(ctx context.Context, c *crowd.Client) error {
			return last(c.Memberships(ctx))
		}},
		"refusal": {typeJSON, `{"reason":"`, func(ctx context.Context, c *crowd.Client) error {
			return c.EndSession(ctx, "t")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			status := 200
			if name == "refusal" {
				status = 400
			}
			body := &endless{start: test.start, again: strings.Repeat("x", 64<<10)}
			c := clientOf(t, streaming{status, test.media, body}, crowd.Config{Tries: 1})
			if err := test.call(t.Context(), c); err == nil || strings.Contains(err.Error(), "enough") {
				t.Errorf("got %v, want one that says it is too long", err)
			}
		})
	}
}

// last returns the error that a sequence ends in.
func last[T any](seq iter.Seq2[T, error]) (err error) {
	for _, e := range seq {
		err = e
	}
	return err
}
