package crowd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// serving returns a server with ann, bob and the group devs, in which ann is,
// and a client of it.
func serving(t *testing.T, options ...func(*crowdtest.Options)) (*crowdtest.Server, *crowd.Client) {
	t.Helper()
	s := new(crowdtest.Server)
	for _, option := range options {
		s.SetOptions(option)
	}
	s.AddUser(ann(), crowd.User{Name: "bob", Email: "bob@example.com", Active: true})
	s.AddGroup(crowd.Group{Name: "devs", Description: "Developers", Active: true})
	s.AddMember("devs", "ann")
	s.ResetCalls()
	return s, clientOf(t, s, crowd.Config{})
}

// deny takes permissions away from everyone.
func deny(s *crowdtest.Server, operations ...crowdtest.Operation) {
	s.SetDirectory(crowdtest.DefaultDirectory, func(d *crowdtest.Directory) { d.Denied = operations })
}

func TestUser(t *testing.T) {
	_, c := serving(t)
	byName, err := c.User(t.Context(), "ANN")
	if err != nil {
		t.Fatal(err)
	}
	want := ann()
	if diff := cmp.Diff(&want, byName, asGiven()); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
	byKey, err := c.UserByKey(t.Context(), byName.Key)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(byName, byKey, asGiven()); diff != "" {
		t.Errorf("user by key mismatch (-want +got):\n%s", diff)
	}
	if byName.DirectoryID() == "" {
		t.Errorf("key %q has no directory", byName.Key)
	}
	for _, key := range []string{"", "1:no"} {
		if _, err := c.UserByKey(t.Context(), key); !errors.Is(err, crowd.ErrUserNotFound) {
			t.Errorf("key %q: got %v", key, err)
		}
	}
}

func TestUnknownNames(t *testing.T) {
	_, c := serving(t)
	ctx := t.Context()
	// A name that Crowd would not take is as unknown as any, without a call.
	for _, name := range []string{"nobody", " nobody", "", "a\x00b"} {
		user := map[string]error{
			"delete":            c.DeleteUser(ctx, name),
			"update":            c.UpdateUser(ctx, crowd.User{Name: name}),
			"password":          c.SetPassword(ctx, name, "p"),
			"clear password":    c.ClearPassword(ctx, name),
			"reset":             c.RequestPasswordReset(ctx, name),
			"set attributes":    c.SetUserAttributes(ctx, name, crowd.Attributes{"a": {"b"}}),
			"delete attribute":  c.DeleteUserAttribute(ctx, name, "a"),
			"end user sessions": c.EndUserSessions(ctx, name),
		}
		_, user["read"] = c.User(ctx, name)
		_, user["rename"] = c.RenameUser(ctx, name, "new")
		_, user["attributes"] = c.UserAttributes(ctx, name)
		_, user["remove member"] = c.RemoveMember(ctx, "devs", name)
		_, user["add member"] = c.AddMember(ctx, "devs", name)
		_, user["authenticate"] = c.Authenticate(ctx, name, "p")
		for _, err := range c.GroupsOf(ctx, name, crowd.List{}) {
			user["groups"] = err
		}
		for call, err := range user {
			if !errors.Is(err, crowd.ErrUserNotFound) {
				t.Errorf("%s of %q: got %v, want ErrUserNotFound", call, name, err)
			}
		}
		group := map[string]error{
			"delete":           c.DeleteGroup(ctx, name),
			"update":           c.UpdateGroup(ctx, crowd.Group{Name: name}),
			"set attributes":   c.SetGroupAttributes(ctx, name, crowd.Attributes{"a": {"b"}}),
			"delete attribute": c.DeleteGroupAttribute(ctx, name, "a"),
		}
		_, group["read"] = c.Group(ctx, name)
		_, group["attributes"] = c.GroupAttributes(ctx, name)
		_, group["add member"] = c.AddMember(ctx, name, "ann")
		_, group["remove member"] = c.RemoveMember(ctx, name, "ann")
		for _, err := range c.Members(ctx, name, crowd.List{}) {
			group["members"] = err
		}
		for call, err := range group {
			if !errors.Is(err, crowd.ErrGroupNotFound) {
				t.Errorf("%s of %q: got %v, want ErrGroupNotFound", call, name, err)
			}
		}
	}
}

func TestUpdateUser(t *testing.T) {
	_, c := serving(t)
	u, err := c.User(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	u.FirstName, u.LastName, u.DisplayName, u.Active = "", "Li", "", false
	if err := c.UpdateUser(t.Context(), *u); err != nil {
		t.Fatal(err)
	}
	got, err := c.User(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(u, got, asGiven()); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
}

func TestUpdateEmail(t *testing.T) {
	s, c := serving(t)
	u := ann()
	u.Email = "new@example.com"
	err := c.UpdateUser(t.Context(), u)
	if !errors.Is(err, crowd.ErrEmailChange) || !errors.Is(err, crowd.ErrPermission) {
		t.Errorf("got %v, want ErrEmailChange", err)
	}
	if n := len(s.Calls()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	s.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	if err := c.UpdateUser(t.Context(), u); err != nil {
		t.Error(err)
	}
	deny(s, crowdtest.ModifyUser)
	if err := c.UpdateUser(t.Context(), u); !errors.Is(err, crowd.ErrPermission) || errors.Is(err, crowd.ErrEmailChange) {
		t.Errorf("got %v, want ErrPermission alone", err)
	}
}

func TestRenameUser(t *testing.T) {
	s, c := serving(t)
	before, err := c.User(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	s.ResetCalls()
	after, err := c.RenameUser(t.Context(), "ann", "anna/ÿ+")
	if err != nil {
		t.Fatal(err)
	}
	if after.Name != "anna/ÿ+" || after.Key != before.Key {
		t.Errorf("got %+v", after)
	}
	if n := len(s.Calls()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
	if _, err := c.RenameUser(t.Context(), "bob", "ANNA/ÿ+"); !errors.Is(err, crowd.ErrInvalidUser) {
		t.Errorf("taken: got %v, want ErrInvalidUser", err)
	}
	if _, err := c.RenameUser(t.Context(), "bob", " x"); !errors.Is(err, crowd.ErrInvalidName) {
		t.Errorf("invalid: got %v, want ErrInvalidName", err)
	}
	s.Fail(crowdtest.Fault{Method: "POST", Kind: crowdtest.CutBody})
	if u, err := c.RenameUser(t.Context(), "bob", "rob"); err != nil || u.Name != "rob" {
		t.Errorf("cut answer: got %+v, %v", u, err)
	}
}

// Whatever a server answers to a renaming, the user has attributes.
func TestRenameUserAttributes(t *testing.T) {
	s, c := serving(t, func(o *crowdtest.Options) { o.WritesOmitAttributes = true })
	want, err := c.User(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	s.ResetCalls()
	got, err := c.RenameUser(t.Context(), "ann", "anna")
	if err != nil || got.Name != "anna" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff(want.Attributes, got.Attributes); diff != "" || len(got.Attributes) == 0 {
		t.Errorf("attributes mismatch (-want +got):\n%s", diff)
	}
	if n := len(s.Calls()); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
}

// A renaming that was answered stays one, whatever becomes of the read.
func TestRenameUserUnread(t *testing.T) {
	refused := answer{status: 403, media: typeJSON, body: `{"reason":"PERMISSION_DENIED","message":"no"}`}
	c, _ := scripted(t, answer{status: 200, media: typeJSON, body: `{"name":"anna"}`}, refused)
	if u, err := c.RenameUser(t.Context(), "ann", "anna"); err != nil || u.Name != "anna" || u.Attributes != nil {
		t.Errorf("got %+v, %v, want the user as answered", u, err)
	}
	c, _ = scripted(t, answer{status: 200}, refused)
	u, err := c.RenameUser(t.Context(), "ann", "anna")
	if u != nil || !errors.Is(err, crowd.ErrAmbiguous) || !errors.Is(err, crowd.ErrPermission) {
		t.Errorf("got %+v, %v, want ErrPermission and ErrAmbiguous", u, err)
	}
}

func TestDeletesLosing(t *testing.T) {
	for _, test := range []struct {
		kind crowdtest.FaultKind
		want error
	}{
		{crowdtest.LoseResponse, nil},
		{crowdtest.ResetResponse, nil},
		{crowdtest.LoseRequest, crowd.ErrAmbiguous},
		{crowdtest.AnswerHTML, crowd.ErrAmbiguous},
		{crowdtest.LandLate, crowd.ErrAmbiguous},
	} {
		for resource, call := range map[string]func(context.Context, *crowd.Client) error{
			"user":  func(ctx context.Context, c *crowd.Client) error { return c.DeleteUser(ctx, "ann") },
			"group": func(ctx context.Context, c *crowd.Client) error { return c.DeleteGroup(ctx, "devs") },
		} {
			synctest.Test(t, func(t *testing.T) {
				s, c := serving(t)
				s.Fail(crowdtest.Fault{Method: "DELETE", Kind: test.kind})
				if err := call(t.Context(), c); !errors.Is(err, test.want) {
					t.Errorf("%s, %v: got %v, want %v", resource, test.kind, err, test.want)
				}
				if n := count(s, "DELETE", resource); n != 1 {
					t.Errorf("%s, %v: %d requests to delete, want 1", resource, test.kind, n)
				}
			})
		}
	}
}

func TestAttributes(t *testing.T) {
	for _, option := range []func(*crowdtest.Options){
		func(*crowdtest.Options) {},
		func(o *crowdtest.Options) { o.MissingAttribute404 = true },
		func(o *crowdtest.Options) { o.AttributesReversed = true },
	} {
		_, c := serving(t, option)
		ctx := t.Context()
		for kind, calls := range map[string]struct {
			set    func(crowd.Attributes) error
			remove func(string) error
			read   func() (crowd.Attributes, error)
		}{
			"user": {
				func(a crowd.Attributes) error { return c.SetUserAttributes(ctx, "ann", a) },
				func(name string) error { return c.DeleteUserAttribute(ctx, "ann", name) },
				func() (crowd.Attributes, error) { return c.UserAttributes(ctx, "ann") },
			},
			"group": {
				func(a crowd.Attributes) error { return c.SetGroupAttributes(ctx, "devs", a) },
				func(name string) error { return c.DeleteGroupAttribute(ctx, "devs", name) },
				func() (crowd.Attributes, error) { return c.GroupAttributes(ctx, "devs") },
			},
		} {
			err := errors.Join(
				calls.set(crowd.Attributes{"team": {"red"}, "x&y": {"<1>"}}),
				calls.set(crowd.Attributes{"team": {"green", "black"}}),
				calls.set(nil),
				calls.remove("x&y"),
				calls.remove("never there"),
			)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			got, err := calls.read()
			if err != nil {
				t.Fatal(err)
			}
			if _, there := got["x&y"]; there {
				t.Errorf("%s: a deleted attribute is still there", kind)
			}
			if diff := cmp.Diff(crowd.Attributes{"team": {"black", "green"}}, got, asGiven()); diff != "" {
				t.Errorf("%s: attributes mismatch (-want +got):\n%s", kind, diff)
			}
			if err := calls.set(crowd.Attributes{"team": {}}); !errors.Is(err, crowd.ErrIllegalArgument) {
				t.Errorf("%s: no values: got %v, want ErrIllegalArgument", kind, err)
			}
			if err := calls.remove(""); !errors.Is(err, crowd.ErrIllegalArgument) {
				t.Errorf("%s: no name: got %v, want ErrIllegalArgument", kind, err)
			}
		}
	}
}

// What the application may not do changes nothing, and is said plainly.
func TestDenied(t *testing.T) {
	s, c := serving(t)
	deny(s, crowdtest.AddUser, crowdtest.ModifyUser, crowdtest.RemoveUser, crowdtest.ModifyUserAttributes,
		crowdtest.AddGroup, crowdtest.ModifyGroup, crowdtest.RemoveGroup, crowdtest.ModifyGroupAttributes)
	ctx := t.Context()
	before := stored(t, s)
	denied := map[string]error{
		"update user":            c.UpdateUser(ctx, ann()),
		"delete user":            c.DeleteUser(ctx, "ann"),
		"set attributes":         c.SetUserAttributes(ctx, "ann", crowd.Attributes{"team": {"x"}}),
		"delete attribute":       c.DeleteUserAttribute(ctx, "ann", "team"),
		"set password":           c.SetPassword(ctx, "ann", "p"),
		"clear password":         c.ClearPassword(ctx, "ann"),
		"expire passwords":       c.ExpireAllPasswords(ctx),
		"update group":           c.UpdateGroup(ctx, crowd.Group{Name: "devs"}),
		"delete group":           c.DeleteGroup(ctx, "devs"),
		"set group attributes":   c.SetGroupAttributes(ctx, "devs", crowd.Attributes{"team": {"x"}}),
		"delete group attribute": c.DeleteGroupAttribute(ctx, "devs", "team"),
	}
	_, denied["create user"] = c.CreateUser(ctx, crowd.User{Name: "new"}, "p")
	_, denied["rename user"] = c.RenameUser(ctx, "ann", "anna")
	_, denied["create group"] = c.CreateGroup(ctx, crowd.Group{Name: "new"})
	_, denied["add member"] = c.AddMember(ctx, "devs", "bob")
	_, denied["remove member"] = c.RemoveMember(ctx, "devs", "ann")
	for call, err := range denied {
		if got, want := kinds(err), "permission denied to the application"; got != want {
			t.Errorf("%s: got %v, which is %q, want %q", call, err, got, want)
		}
	}
	if diff := cmp.Diff(before, stored(t, s)); diff != "" {
		t.Errorf("something has changed (-before +after):\n%s", diff)
	}
}

// stored is all that a server holds.
func stored(t *testing.T, s *crowdtest.Server) string {
	t.Helper()
	var doc strings.Builder
	if err := s.Dump(&doc); err != nil {
		t.Fatal(err)
	}
	return doc.String()
}
