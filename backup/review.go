package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// ReviewOptions is what a review needs beyond the documents.
type ReviewOptions struct {
	// Build is how the connections will be built. Observers hear nothing of a
	// review.
	Build BuildOptions
	// Probe has Crowd's permissions tried out, see [crowd.Client.Check], which makes
	// a user and two groups and removes them. Without it a review writes nothing, and
	// goes by what an administrator is told.
	Probe bool
	// Administration returns what asks the Crowd of a connection as an administrator,
	// nil for nobody. An application cannot ask which directories it sees, nor, without
	// a probe, what it may do: without an administrator the review tells that it does
	// not know.
	Administration func(c Connection) (Administration, error)
}

// A Problem is something that Crowd does not have or does not allow, and that a
// document asks for.
type Problem struct {
	Connection string `json:"connection"`
	Pointer    string `json:"pointer"`
	Text       string `json:"text"`
	Remedy     string `json:"remedy"`
	// Stops tells that the document cannot be put into use as it is; others are
	// worth a look.
	Stops bool `json:"stops,omitempty"`
}

// String returns the problem as faults of a document are shown.
func (p Problem) String() string { return p.Pointer + ": " + p.Text + ". " + p.Remedy }

// An Effect is a change that the next reconcile makes for the new settings' sake, and
// would not make under those of before: who gains and who loses what.
type Effect struct {
	Connection string         `json:"connection"`
	Step       groupsync.Step `json:"step"`
}

// String returns who gains or loses what, and why.
func (e Effect) String() string {
	s := e.Step
	text := s.String()
	switch s.Op {
	case groupsync.OpAddMember:
		text = fmt.Sprintf("%s gains %s", s.User, quote(s.Group))
	case groupsync.OpRemoveMember:
		text = fmt.Sprintf("%s loses %s", s.User, quote(s.Group))
	}
	var reasons []string
	for _, r := range s.Reasons {
		reasons = append(reasons, r.String())
	}
	if len(reasons) > 0 {
		text += ": " + strings.Join(reasons, "; ")
	}
	return "connection " + e.Connection + ": " + text
}

// A Review is what it would mean to put a document in the place of another.
type Review struct {
	// Changes are the differences of the documents, in words.
	Changes []Change `json:"changes,omitempty"`
	// Problems are what does not fit Crowd.
	Problems []Problem `json:"problems,omitempty"`
	// Effects are what the next reconcile would change, and Attributes the fields that
	// users get otherwise from the identity provider's next word on.
	Effects    []Effect          `json:"effects,omitempty"`
	Attributes []AttributeChange `json:"attributes,omitempty"`

	before, after *Config
}

// Stops reports whether a problem stands in the way.
func (r *Review) Stops() bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Stops })
}

// ReviewChange holds a document against Crowd, and against the document in use: what
// differs, whether Crowd has the directories, groups and users that it names, lets its
// applications in and gives them the permissions they need, and who would gain and lose
// what. It changes nothing, but for what
// ReviewOptions.Probe asks for. A nil before is a fresh start.
//
// The error is of type [mapping.Faults] where a document is not valid; what is wrong
// with Crowd is a [Problem].
func ReviewChange(ctx context.Context, before, after *Config, o ReviewOptions) (*Review, error) {
	r := &reviewing{Review: &Review{}, options: o}
	r.options.Build.DryRun, r.options.Build.Observer = true, nil
	var err error
	if r.after, err = after.clone(); err != nil {
		return nil, err
	}
	if before != nil {
		if r.before, err = before.clone(); err != nil {
			return nil, err
		}
		r.Changes = Diff(r.before, r.after)
	} else {
		r.Changes = Diff(&Config{}, r.after)
	}
	for i := range r.after.Connections {
		if err := r.connection(ctx, i); err != nil {
			return nil, err
		}
	}
	return r.Review, nil
}

type reviewing struct {
	*Review
	options ReviewOptions
}

// A reviewed is a connection under review.
type reviewed struct {
	*reviewing
	Connection
	pointer string
	running *Running
}

func (r *reviewing) connection(ctx context.Context, i int) error {
	v := &reviewed{reviewing: r, Connection: r.after.Connections[i], pointer: fmt.Sprintf("/connections/%d", i)}
	var err error
	if v.running, err = buildOne(ctx, r.after, i, r.options.Build); err != nil {
		v.stop("/crowd", err, "Correct that, and supply what the document refers to")
		return ctx.Err()
	}
	if err := v.reach(ctx); err != nil {
		v.stop("/crowd", err, "Check address, application and password, and that Crowd lets the application in from here")
		return ctx.Err()
	}
	for _, check := range []func(context.Context) error{v.access, v.leads, v.users, v.groups} {
		if err := check(ctx); err != nil {
			v.stop("/crowd", err, "Try again")
			return ctx.Err()
		}
	}
	if err := v.effects(ctx); err != nil {
		v.stop("", err, "Correct that, so that what would change can be told")
	}
	return ctx.Err()
}

// buildOne builds a connection with those that share its directory as neighbours.
func buildOne(ctx context.Context, c *Config, i int, o BuildOptions) (*Running, error) {
	o.Neighbours = nil
	for j, other := range c.Connections {
		if i != j && c.Connections[i].SharesDirectory(other) {
			o.Neighbours = append(o.Neighbours, other)
		}
	}
	return Build(ctx, c.Connections[i], o)
}

func (v *reviewed) stop(pointer string, err error, remedy string) {
	v.problem(pointer, err.Error(), remedy, true)
}

func (v *reviewed) problem(pointer, text, remedy string, stops bool) {
	v.Problems = append(v.Problems, Problem{v.Name, v.pointer + pointer, strings.TrimRight(text, "."), remedy, stops})
}

// reach asks Crowd for anything.
func (v *reviewed) reach(ctx context.Context) error {
	for _, err := range v.running.Client.Groups(ctx, crowd.Query{PageSize: 1}) {
		return err
	}
	return nil
}

// users looks for the users whom the settings name, but for those who take over leads.
func (v *reviewed) users(ctx context.Context) error {
	for i, name := range v.Users.Protected {
		if err := v.userExists(ctx, fmt.Sprintf("/users/protected/%d", i), name, false); err != nil {
			return err
		}
	}
	return nil
}

// userExists looks for a user whom a setting names, if it does.
func (v *reviewed) userExists(ctx context.Context, pointer, name string, stops bool) error {
	if name == "" {
		return nil
	}
	_, err := v.running.Client.User(ctx, name)
	if errors.Is(err, crowd.ErrUserNotFound) {
		v.problem(pointer, "Crowd has no user "+quote(name), "Create the user, or name another", stops)
		return nil
	}
	return err
}

// groups looks for the Crowd groups that the settings name. A missing one stops
// nothing: who should be in it is put there by the first reconcile after it is made.
func (v *reviewed) groups(ctx context.Context) error {
	for _, n := range v.namedGroups() {
		_, err := v.running.Client.Group(ctx, n[1])
		if errors.Is(err, crowd.ErrGroupNotFound) {
			v.problem(n[0], "Crowd has no group "+quote(n[1]), "Create the group, or correct the name", false)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// namedGroups returns pointers and names of the Crowd groups that the settings name.
func (v *reviewed) namedGroups() [][2]string {
	var named [][2]string
	list := func(pointer string, names []string) {
		for i, name := range names {
			named = append(named, [2]string{fmt.Sprintf("%s/%d", pointer, i), name})
		}
	}
	list("/groups/defaultForNewUsers", v.Groups.DefaultForNewUsers)
	list("/groups/defaultForAllUsers", v.Groups.DefaultForAllUsers)
	list("/groups/protected", v.Groups.Protected)
	for i, rule := range v.Groups.Manual.Rules {
		if rule.FromPattern == "" { // else the names hold what the pattern matches
			list(fmt.Sprintf("/groups/manual/rules/%d/to", i), rule.To)
		}
	}
	return named
}
