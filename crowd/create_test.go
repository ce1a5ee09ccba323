package crowd_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func ann() crowd.User {
	return crowd.User{
		Name: "ann", FirstName: "Ann", LastName: "Lee", DisplayName: "Ann Lee",
		Email: "ann@example.com", Active: true, Attributes: crowd.Attributes{"team": {"red", "blue"}},
	}
}

// asGiven compares users in what a caller gives.
func asGiven() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreFields(crowd.User{}, "Key", "Created", "Updated"),
		cmpopts.IgnoreMapEntries(func(name string, _ []string) bool { return name != "team" }),
		cmpopts.SortSlices(strings.Compare),
	}
}

// count returns how many calls of that method and resource the server had.
func count(s *crowdtest.Server, method, resource string) int {
	n := 0
	for _, call := range s.Calls() {
		if call.Method == method && call.Resource == resource {
			n++
		}
	}
	return n
}

func TestCreateUser(t *testing.T) {
	for _, version := range []string{"2.8", "6.3.0"} {
		t.Run(version, func(t *testing.T) {
			s := new(crowdtest.Server)
			s.SetOptions(func(o *crowdtest.Options) { o.Version = version })
			c := clientOf(t, s, crowd.Config{})
			got, err := c.CreateUser(t.Context(), ann(), "p")
			if err != nil {
				t.Fatal(err)
			}
			want := ann()
			if diff := cmp.Diff(&want, got, asGiven()); diff != "" {
				t.Errorf("user mismatch (-want +got):\n%s", diff)
			}
			there, err := c.User(t.Context(), "ANN")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, there, asGiven()); diff != "" {
				t.Errorf("stored user mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCreateUserTakesOneCall(t *testing.T) {
	s := new(crowdtest.Server)
	c := clientOf(t, s, crowd.Config{})
	if _, err := c.CreateUser(t.Context(), ann(), "p"); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Calls()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestCreateUserRefusesBeforeTheCall(t *testing.T) {
	s := new(crowdtest.Server)
	c := clientOf(t, s, crowd.Config{})
	for _, test := range []struct {
		user crowd.User
		want error
	}{
		{crowd.User{Name: ""}, crowd.ErrInvalidName},
		{crowd.User{Name: " ann"}, crowd.ErrInvalidName},
		{crowd.User{Name: strings.Repeat("x", 256)}, crowd.ErrInvalidName},
		{crowd.User{Name: "ann", Attributes: crowd.Attributes{"team": nil}}, crowd.ErrIllegalArgument},
		{crowd.User{Name: "ann", Attributes: crowd.Attributes{"": {"x"}}}, crowd.ErrIllegalArgument},
		{crowd.User{Name: "ann", Attributes: crowd.Attributes{"x": {"\xff"}}}, crowd.ErrIllegalArgument},
	} {
		if _, err := c.CreateUser(t.Context(), test.user, "p"); !errors.Is(err, test.want) {
			t.Errorf("%+v: got %v, want %v", test.user, err, test.want)
		}
	}
	if n := len(s.Calls()); n != 0 {
		t.Errorf("%d calls, want none", n)
	}
}

func TestCreateTaken(t *testing.T) {
	s := new(crowdtest.Server)
	s.AddUser(ann())
	s.AddGroup(crowd.Group{Name: "devs", Description: "old", Active: true})
	c := clientOf(t, s, crowd.Config{})
	user, err := c.CreateUser(t.Context(), crowd.User{Name: "ANN", Active: true}, "p")
	if !errors.Is(err, crowd.ErrExists) || user == nil || user.Name != "ann" || user.Key == "" {
		t.Errorf("user: got %+v, %v, want ann and ErrExists", user, err)
	}
	group, err := c.CreateGroup(t.Context(), crowd.Group{Name: "Devs", Active: true})
	if !errors.Is(err, crowd.ErrExists) || group == nil || group.Name != "devs" || group.Description != "old" {
		t.Errorf("group: got %+v, %v, want devs and ErrExists", group, err)
	}
}

func TestCreateInvalid(t *testing.T) {
	s := new(crowdtest.Server)
	s.SetOptions(func(o *crowdtest.Options) { o.StrictNames = true })
	c := clientOf(t, s, crowd.Config{})
	user, err := c.CreateUser(t.Context(), crowd.User{Name: "ann"}, "p")
	if !errors.Is(err, crowd.ErrInvalidUser) || errors.Is(err, crowd.ErrExists) || user != nil {
		t.Errorf("got %+v, %v, want ErrInvalidUser", user, err)
	}
}

// TestCreateLosing loses each single call of a creation in each way.
func TestCreateLosing(t *testing.T) {
	kinds := []crowdtest.FaultKind{
		crowdtest.LoseRequest, crowdtest.LoseResponse, crowdtest.ResetRequest, crowdtest.ResetResponse,
		crowdtest.Answer, crowdtest.AnswerHTML, crowdtest.CutBody,
	}
	for _, version := range []string{"2.8", "6.3.0"} {
		for _, kind := range kinds {
			for _, resource := range []string{"user", "group", "user/attribute"} {
				synctest.Test(t, func(t *testing.T) {
					s := new(crowdtest.Server)
					s.SetOptions(func(o *crowdtest.Options) { o.Version = version })
					s.Fail(crowdtest.Fault{Method: "POST", Resource: resource, Kind: kind})
					c := clientOf(t, s, crowd.Config{})
					user, err := c.CreateUser(t.Context(), ann(), "p")
					if errors.Is(err, crowd.ErrExists) && version == "2.8" && resource == "user" {
						if user == nil || !errors.Is(err, crowd.ErrAmbiguous) {
							t.Errorf("%v: got %+v, %v, want doubt about a user without the attributes", kind, user, err)
						}
						return
					}
					if err != nil {
						t.Errorf("%s, %v of %s: user: %v", version, kind, resource, err)
						return
					}
					want := ann()
					if diff := cmp.Diff(&want, user, asGiven()); diff != "" {
						t.Errorf("%s, %v of %s: user mismatch (-want +got):\n%s", version, kind, resource, diff)
					}
					if _, err := c.CreateGroup(t.Context(), crowd.Group{Name: "devs", Description: "d", Active: true}); err != nil {
						t.Errorf("%s, %v of %s: group: %v", version, kind, resource, err)
					}
				})
			}
		}
	}
}

// A name that another takes while our request is lost is not ours.
func TestCreateLostToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(crowdtest.Server)
		other := ann()
		other.Email = "other@example.com"
		s.AddUser(other)
		s.Fail(crowdtest.Fault{Method: "POST", Resource: "user", Kind: crowdtest.LoseRequest})
		c := clientOf(t, s, crowd.Config{})
		user, err := c.CreateUser(t.Context(), ann(), "p")
		if !errors.Is(err, crowd.ErrExists) || errors.Is(err, crowd.ErrAmbiguous) || user == nil || user.Email != other.Email {
			t.Errorf("got %+v, %v, want the other and ErrExists", user, err)
		}
	})
}

// A request that lands after the client gave up on it counts, whenever.
func TestCreateLandsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(crowdtest.Server)
		s.Fail(crowdtest.Fault{Method: "POST", Resource: "user", Kind: crowdtest.LandLate})
		c := clientOf(t, s, crowd.Config{})
		user, err := c.CreateUser(t.Context(), ann(), "p")
		if err != nil || user == nil {
			t.Fatalf("got %+v, %v", user, err)
		}
		s.Land()
		if names := s.UserNames(); len(names) != 1 {
			t.Errorf("users are %v", names)
		}
		if n := count(s, "POST", "user"); n != 2 {
			t.Errorf("%d requests to create, want 2", n)
		}
	})
}

// When nothing can be found out, the caller learns just that.
func TestCreateAmbiguous(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(crowdtest.Server)
		s.Fail(
			crowdtest.Fault{Method: "POST", Kind: crowdtest.LoseResponse},
			crowdtest.Fault{Method: "GET", Times: -1, Kind: crowdtest.LoseRequest},
		)
		c := clientOf(t, s, crowd.Config{})
		_, err := c.CreateUser(t.Context(), ann(), "p")
		if !errors.Is(err, crowd.ErrAmbiguous) || !errors.Is(err, crowd.ErrUnavailable) {
			t.Errorf("got %v, want an ambiguous one", err)
		}
		if n := count(s, "POST", "user"); n != 1 {
			t.Errorf("%d requests to create, want 1", n)
		}
	})
}

// Crowd cuts what is too long; that is no other user.
func TestCreateLostAndCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(crowdtest.Server)
		s.Fail(crowdtest.Fault{Method: "POST", Kind: crowdtest.LoseResponse})
		c := clientOf(t, s, crowd.Config{})
		u := ann()
		u.DisplayName = strings.Repeat("ä", 300)
		u.Attributes["team"] = []string{strings.Repeat("é", 256), "b", "b"}
		if _, err := c.CreateUser(t.Context(), u, "p"); err != nil {
			t.Error(err)
		}
	})
}

// A group of the same description that is not active is another.
func TestCreateGroupLostToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(crowdtest.Server)
		s.AddGroup(crowd.Group{Name: "devs", Description: "d"})
		s.Fail(crowdtest.Fault{Method: "POST", Resource: "group", Kind: crowdtest.LoseRequest})
		group, err := clientOf(t, s, crowd.Config{}).CreateGroup(t.Context(), crowd.Group{Name: "devs", Description: "d", Active: true})
		if !errors.Is(err, crowd.ErrExists) || group == nil || group.Active {
			t.Errorf("got %+v, %v, want the other and ErrExists", group, err)
		}
	})
}

// JSON would write another text in the place of what is not UTF-8.
func TestRefusesInvalidText(t *testing.T) {
	c, s := scripted(t, answer{status: 204})
	ctx, bad := t.Context(), "a\xff"
	_, user := c.CreateUser(ctx, crowd.User{Name: "ann", LastName: bad}, "p")
	_, password := c.CreateUser(ctx, crowd.User{Name: "ann"}, crowd.Secret(bad))
	_, group := c.CreateGroup(ctx, crowd.Group{Name: "devs", Description: bad})
	_, authenticate := c.Authenticate(ctx, "ann", crowd.Secret(bad))
	_, session := c.CreateSession(ctx, crowd.SessionRequest{User: "ann", Password: crowd.Secret(bad)})
	_, factor := c.CreateSession(ctx, crowd.SessionRequest{User: "ann", Factors: []crowd.Factor{{Name: "x", Value: bad}}})
	_, validate := c.ValidateSession(ctx, "t", crowd.Factor{Name: bad})
	for name, err := range map[string]error{
		"create user": user, "password of a new user": password, "create group": group,
		"authenticate": authenticate, "create session": session, "factor": factor, "validate session": validate,
		"update user":  c.UpdateUser(ctx, crowd.User{Name: "ann", Email: bad}),
		"update group": c.UpdateGroup(ctx, crowd.Group{Name: "devs", Description: bad}),
		"set password": c.SetPassword(ctx, "ann", crowd.Secret(bad)),
	} {
		if !errors.Is(err, crowd.ErrIllegalArgument) {
			t.Errorf("%s: got %v, want ErrIllegalArgument", name, err)
		}
	}
	if n := len(s.requests()); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

// An answer that leaves the attributes out does not hide that they were stored.
func TestCreateUserAnswersWithoutAttributes(t *testing.T) {
	c, _ := scripted(t, answer{status: 201, media: typeJSON, body: `{"name":"ann","key":"1:2","attributes":{"attributes":[]}}`})
	sent := crowd.Attributes{"team": {"red"}}
	u, err := c.CreateUser(t.Context(), crowd.User{Name: "ann", Attributes: sent}, "p")
	if err != nil || u.Key != "1:2" {
		t.Fatalf("got %+v, %v", u, err)
	}
	sent["team"][0] = "changed by the caller"
	if diff := cmp.Diff(crowd.Attributes{"team": {"red"}}, u.Attributes); diff != "" {
		t.Errorf("attributes mismatch (-want +got):\n%s", diff)
	}
}

// What neither the caller nor the answer tells is not told to be empty.
func TestCreateUserKnowsNoAttributes(t *testing.T) {
	s := new(crowdtest.Server)
	s.SetOptions(func(o *crowdtest.Options) { o.WritesOmitAttributes = true })
	u, err := clientOf(t, s, crowd.Config{}).CreateUser(t.Context(), crowd.User{Name: "ann"}, "p")
	if err != nil || u.Attributes != nil {
		t.Errorf("got %+v, %v, want no attributes at all", u, err)
	}
}

// A user whose texts Crowd has cut is the one that was sent, wherever the cut
// comes to lie among characters that are two in UTF-16.
func TestCreateLostOfLongText(t *testing.T) {
	for _, before := range []int{250, 251, 252} {
		synctest.Test(t, func(t *testing.T) {
			long := strings.Repeat("x", before) + "😀😀😀"
			u := ann()
			u.FirstName, u.Attributes = long, crowd.Attributes{"team": {long}}
			s := new(crowdtest.Server)
			s.Fail(crowdtest.Fault{Method: "POST", Resource: "user", Kind: crowdtest.LoseResponse})
			got, err := clientOf(t, s, crowd.Config{}).CreateUser(t.Context(), u, "p")
			if err != nil || !strings.HasSuffix(got.FirstName, "...") || !utf8.ValidString(got.FirstName) {
				t.Errorf("%d characters before: got %+v, %v", before, got, err)
			}
		})
	}
}

// On old servers a user may be left without the attributes.
func TestCreateUserHalfDone(t *testing.T) {
	for name, resource := range map[string]string{"attributes": "user/attribute", "last read": "user"} {
		synctest.Test(t, func(t *testing.T) {
			s := new(crowdtest.Server)
			s.SetOptions(func(o *crowdtest.Options) { o.Version = "2.8" })
			method := map[string]string{"user": "GET", "user/attribute": "POST"}[resource]
			s.Fail(crowdtest.Fault{Method: method, Resource: resource, Times: -1, Kind: crowdtest.Answer, Status: 403, Reason: "PERMISSION_DENIED"})
			_, err := clientOf(t, s, crowd.Config{}).CreateUser(t.Context(), ann(), "p")
			if !errors.Is(err, crowd.ErrAmbiguous) || !errors.Is(err, crowd.ErrPermission) {
				t.Errorf("%s: got %v, want ErrPermission and ErrAmbiguous", name, err)
			}
			if n := count(s, "POST", "user"); n != 1 || len(s.UserNames()) != 1 {
				t.Errorf("%s: %d requests to create, users %v", name, n, s.UserNames())
			}
		})
	}
}

// A lost answer is looked for within the caller's time.
func TestCreateOutOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, s := scripted(t, answer{err: errors.New("reset")}, answer{status: 404, media: typeJSON})
		time.AfterFunc(10*time.Millisecond, cancel)
		_, err := c.CreateGroup(ctx, crowd.Group{Name: "devs"})
		if !errors.Is(err, crowd.ErrAmbiguous) || s.methods() != "POST GET" {
			t.Errorf("got %v after %s, want an ambiguous one after POST GET", err, s.methods())
		}
	})
}
