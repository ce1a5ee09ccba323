package crowd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestMembers(t *testing.T) {
	s, c := serving(t)
	ctx := t.Context()
	for _, step := range []struct {
		name string
		call func() (bool, error)
		want bool
	}{
		{"is in", func() (bool, error) { return c.IsMember(ctx, "devs", "ANN", false) }, true},
		{"is not in", func() (bool, error) { return c.IsMember(ctx, "devs", "bob", true) }, false},
		{"unknown user in", func() (bool, error) { return c.IsMember(ctx, "devs", "nobody", false) }, false},
		{"in an unknown group", func() (bool, error) { return c.IsMember(ctx, "none", "ann", false) }, false},
		{"name that cannot be", func() (bool, error) { return c.IsMember(ctx, "devs", " ann", false) }, false},
		{"add", func() (bool, error) { return c.AddMember(ctx, "DEVS", "bob") }, true},
		{"add again", func() (bool, error) { return c.AddMember(ctx, "devs", "bob") }, false},
		{"remove", func() (bool, error) { return c.RemoveMember(ctx, "devs", "bob") }, true},
		{"remove again", func() (bool, error) { return c.RemoveMember(ctx, "devs", "bob") }, false},
	} {
		got, err := step.call()
		if got != step.want || err != nil {
			t.Errorf("%s: got %t, %v, want %t", step.name, got, err, step.want)
		}
	}
	if diff := cmp.Diff([]string{"ann"}, s.Members("devs")); diff != "" {
		t.Errorf("members mismatch (-want +got):\n%s", diff)
	}
}

// A membership call whose answer was lost is repeated, and was a change.
func TestMembersLosing(t *testing.T) {
	for _, kind := range []crowdtest.FaultKind{
		crowdtest.LoseRequest, crowdtest.LoseResponse, crowdtest.ResetResponse, crowdtest.Answer,
		crowdtest.AnswerHTML, crowdtest.CutBody, crowdtest.LandLate,
	} {
		for name, call := range map[string]func(context.Context, *crowd.Client) (bool, error){
			"add": func(ctx context.Context, c *crowd.Client) (bool, error) { return c.AddMember(ctx, "devs", "bob") },
			"remove": func(ctx context.Context, c *crowd.Client) (bool, error) {
				return c.RemoveMember(ctx, "devs", "ann")
			},
		} {
			synctest.Test(t, func(t *testing.T) {
				s, c := serving(t)
				s.Fail(crowdtest.Fault{Resource: "group/user/direct", Kind: kind})
				if changed, err := call(t.Context(), c); !changed || err != nil {
					t.Errorf("%s, %v: got %t, %v, want true", name, kind, changed, err)
				}
				s.Land()
				want := 2
				if name == "remove" {
					want = 0
				}
				if got := s.Members("devs"); len(got) != want {
					t.Errorf("%s, %v: members are %v", name, kind, got)
				}
			})
		}
	}
}

func TestChildGroups(t *testing.T) {
	s, c := serving(t, func(o *crowdtest.Options) { o.NestedGroups = true })
	s.AddGroup(crowd.Group{Name: "all", Active: true}, crowd.Group{Name: "top", Active: true})
	ctx := t.Context()
	for _, step := range []struct {
		name string
		call func() (bool, error)
		want bool
	}{
		{"add", func() (bool, error) { return c.AddChildGroup(ctx, "all", "devs") }, true},
		{"add to the top", func() (bool, error) { return c.AddChildGroup(ctx, "top", "all") }, true},
		{"add again", func() (bool, error) { return c.AddChildGroup(ctx, "all", "devs") }, false},
		{"child directly", func() (bool, error) { return c.IsChildGroup(ctx, "top", "devs", false) }, false},
		{"child nested", func() (bool, error) { return c.IsChildGroup(ctx, "top", "devs", true) }, true},
		{"member directly", func() (bool, error) { return c.IsMember(ctx, "top", "ann", false) }, false},
		{"member nested", func() (bool, error) { return c.IsMember(ctx, "top", "ann", true) }, true},
	} {
		got, err := step.call()
		if got != step.want || err != nil {
			t.Errorf("%s: got %t, %v, want %t", step.name, got, err, step.want)
		}
	}
	nested := crowd.List{Nested: true}
	for name, test := range map[string]struct{ got, want []string }{
		"children":        {groupNames(t, c.ChildGroups(ctx, "top", crowd.List{})), []string{"all"}},
		"nested children": {groupNames(t, c.ChildGroups(ctx, "top", nested)), []string{"all", "devs"}},
		"parents":         {groupNames(t, c.ParentGroups(ctx, "devs", crowd.List{})), []string{"all"}},
		"nested parents":  {groupNames(t, c.ParentGroups(ctx, "devs", nested)), []string{"all", "top"}},
		"groups":          {groupNames(t, c.GroupsOf(ctx, "ann", crowd.List{})), []string{"devs"}},
		"nested groups":   {groupNames(t, c.GroupsOf(ctx, "ann", nested)), []string{"all", "devs", "top"}},
		"members":         {userNames(t, c.Members(ctx, "top", crowd.List{})), nil},
		"nested members":  {userNames(t, c.Members(ctx, "top", nested)), []string{"ann"}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s mismatch (-want +got):\n%s", name, diff)
		}
	}
	if changed, err := c.RemoveChildGroup(ctx, "all", "devs"); !changed || err != nil {
		t.Errorf("remove: got %t, %v", changed, err)
	}
	if changed, err := c.RemoveChildGroup(ctx, "all", "devs"); changed || err != nil {
		t.Errorf("remove again: got %t, %v", changed, err)
	}
	s.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = false })
	if _, err := c.AddChildGroup(ctx, "all", "devs"); !errors.Is(err, crowd.ErrNestedGroups) {
		t.Errorf("off: got %v, want ErrNestedGroups", err)
	}
}

func TestMemberships(t *testing.T) {
	s, c := serving(t, func(o *crowdtest.Options) { o.NestedGroups = true })
	s.AddGroup(crowd.Group{Name: `"a" <&> 'b'`, Active: true}, crowd.Group{Name: "empty", Active: true})
	s.AddMember(`"a" <&> 'b'`, "bob")
	s.AddChildGroup(`"a" <&> 'b'`, "devs")
	got := collect(t, c.Memberships(t.Context()))
	slices.SortFunc(got, func(a, b crowd.Membership) int { return slices.Compare(edge(a), edge(b)) })
	want := []crowd.Membership{
		{Group: `"a" <&> 'b'`, ChildGroup: "devs"},
		{Group: `"a" <&> 'b'`, User: "bob"},
		{Group: "devs", User: "ann"},
		{Group: "empty"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("memberships mismatch (-want +got):\n%s", diff)
	}
	s.SetOptions(func(o *crowdtest.Options) { o.NoMembershipDump = true })
	for _, err := range c.Memberships(t.Context()) {
		if !errors.Is(err, crowd.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
	}
}

func edge(m crowd.Membership) []string { return []string{m.Group, m.User, m.ChildGroup} }

// A dump that is cut off is an error, however much of it was read.
func TestMembershipsCut(t *testing.T) {
	whole := fixture(t, "memberships.xml")
	for end := range len(whole) - 1 {
		c := clientOf(t, &script{answers: []answer{{status: 200, media: typeXML, body: whole[:end]}}}, crowd.Config{Tries: 1})
		var err error
		for _, err = range c.Memberships(t.Context()) {
			if err != nil {
				break
			}
		}
		if !errors.Is(err, crowd.ErrUnavailable) {
			t.Fatalf("cut after %d bytes: got %v, want ErrUnavailable", end, err)
		}
	}
}

// One dump at a time, and whoever waits for it can give up.
func TestOneDumpAtATime(t *testing.T) {
	_, c := serving(t)
	for _, err := range c.Memberships(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			for _, err := range c.Memberships(ctx) {
				done <- err
				return
			}
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("second dump: got %v, want it to wait", err)
		}
		break
	}
	if n := len(collect(t, c.Memberships(t.Context()))); n != 1 {
		t.Errorf("%d memberships after the first dump was left, want 1", n)
	}
}

// awkwardNames are all taken by Crowd, and by some client mistaken.
func awkwardNames() []string {
	names := []string{
		"a/b", "a+b", "100%", "%41", "a?b", "a#b", "a;b", "a&b=c", `"q"`, "o'neil jr", `back\slash`, "a  b",
		"<x>&amp;", "a*b", "(a)", "ann@example.com", "..", "./../x", "Größe", "İstanbul ı", "Ελλάδα", "иван",
		"李雷", "محمد", "नमस्ते", "👩🏽‍💻", "e\u0301 é", "null", "true", "-", "[secret]", "{}", "a,b", "$x", "a:b", "a|b^c`d~",
	}
	long := make([]byte, 0, 255)
	for len(long) < 255 {
		long = append(long, "x/+ %&#"[len(long)%7])
	}
	long[254] = '.'
	return append(names, string(long), string(slices.Repeat([]rune{'界'}, 255)))
}

func TestAwkwardNames(t *testing.T) {
	s := new(crowdtest.Server)
	c := clientOf(t, s, crowd.Config{})
	for _, name := range awkwardNames() {
		if err := everyCall(t.Context(), c, name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if names := append(s.UserNames(), s.GroupNames()...); len(names) != 0 {
		t.Errorf("left behind: %q", names)
	}
}

// everyCall makes, reads, joins, finds and removes a user and a group of a name.
func everyCall(ctx context.Context, c *crowd.Client, name string) error {
	attributes := crowd.Attributes{name: {name, "x"}}
	u, errUser := c.CreateUser(ctx, crowd.User{
		Name: name, FirstName: "F", LastName: "L", DisplayName: name, Active: true, Attributes: attributes,
	}, "p")
	g, errGroup := c.CreateGroup(ctx, crowd.Group{Name: name, Description: name, Active: true})
	if err := errors.Join(errUser, errGroup); err != nil {
		return err
	}
	if u.Name != name || g.Name != name {
		return fmt.Errorf("created user %q and group %q", u.Name, g.Name)
	}
	_, errUser = c.User(ctx, crowd.Fold(name))
	_, errMember := c.AddMember(ctx, name, name)
	in, errIn := c.IsMember(ctx, name, name, false)
	if err := errors.Join(errUser, errMember, errIn, c.SetGroupAttributes(ctx, name, attributes)); err != nil || !in {
		return fmt.Errorf("member %t: %w", in, err)
	}
	for _, where := range []crowd.Restriction{
		crowd.Equals(crowd.PropertyName, name), crowd.Equals(name, name),
		crowd.StartsWith(crowd.PropertyName, name), crowd.Contains(crowd.PropertyName, name),
		crowd.And(crowd.IsActive(true), crowd.Or(crowd.Equals(crowd.PropertyDisplayName, name), crowd.Equals("a", "b"))),
	} {
		if err := only(c.Users(ctx, crowd.Query{Where: where}), name); err != nil {
			return fmt.Errorf("search %+v: %w", where, err)
		}
	}
	if err := only(c.Members(ctx, name, crowd.List{}), name); err != nil {
		return err
	}
	for m, err := range c.Memberships(ctx) {
		if err != nil || m.Group != name || m.User != name {
			return fmt.Errorf("membership %+v: %w", m, err)
		}
	}
	_, errMember = c.RemoveMember(ctx, name, name)
	for _, names := range [][2]string{{name, "another name"}, {"another name", name}} {
		renamed, err := c.RenameUser(ctx, names[0], names[1])
		if err != nil || renamed.Name != names[1] || renamed.Attributes.First(name) == "" {
			return fmt.Errorf("renamed %+v: %w", renamed, err)
		}
	}
	return errors.Join(
		errMember, c.NotifyAuthenticated(ctx, name), c.SetPassword(ctx, name, "new"), c.DeleteUserAttribute(ctx, name, name), c.EndUserSessions(ctx, name),
		c.DeleteUser(ctx, name), c.DeleteGroup(ctx, name),
	)
}
