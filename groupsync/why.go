package groupsync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A WhyQuery selects memberships for [Engine.Why]: those of a user, those in a
// Crowd group, or with both the one.
type WhyQuery struct {
	// User is the name of a user, Group that of a Crowd group.
	User, Group string
}

// An Explanation says why a user is in a Crowd group, or should be.
type Explanation struct {
	User   string `json:"user"`
	UserID string `json:"userId"`
	Group  string `json:"group"`
	// Member tells whether the user is a direct member in Crowd.
	Member bool `json:"member"`
	// Reasons are all that ask for the membership; else the one that leaves or
	// ends it.
	Reasons []Ground `json:"reasons"`
}

// A Ground is one reason for a membership.
type Ground struct {
	// Kind is one of mapping's reasons: "grant" and "default" ask for the
	// membership, "by-hand" leaves it to whoever made it, and "revoked", "gone" and
	// "not-kept" say why the next reconcile ends it.
	Kind string `json:"kind"`
	// Connection, Group and ID are those of a grant, Rule is how the SCIM group
	// fills the Crowd group.
	Connection string `json:"connection,omitempty"`
	Group      string `json:"group,omitempty"`
	ID         string `json:"id,omitempty"`
	Rule       string `json:"rule,omitempty"`
	// Since is when it was said, Request by which request; zero where that is not
	// recorded.
	Since   time.Time `json:"since,omitzero"`
	Request string    `json:"request,omitempty"`
}

// String returns the reason in words.
func (g Ground) String() string {
	words := mapping.Reason{Kind: g.Kind, Group: g.Group, ID: g.ID, Rule: g.Rule}.String()
	if g.Connection != "" {
		words += ", by " + g.Connection
	}
	if !g.Since.IsZero() {
		words += ", since " + g.Since.UTC().Format(time.RFC3339)
	}
	if g.Request != "" {
		words += ", request " + g.Request
	}
	return words
}

// String returns the explanation in words.
func (x Explanation) String() string {
	is := "is in"
	if !x.Member {
		is = "is not in"
	}
	var reasons []string
	for _, r := range x.Reasons {
		reasons = append(reasons, r.String())
	}
	return fmt.Sprintf("%s %s %s: %s", x.User, is, x.Group, strings.Join(reasons, "; "))
}

// Why explains memberships, of this connection and its neighbours: of a user all
// that it has or should have, by folded name of the group; of a group all its
// members, then those missing. The error matches [ErrNoUser] for
// a user whom Crowd does not have.
func (e *Engine) Why(ctx context.Context, q WhyQuery) iter.Seq2[Explanation, error] {
	return func(yield func(Explanation, error) bool) {
		var err error
		switch {
		case q.User != "":
			err = e.whyUser(ctx, q, yield)
		case q.Group != "":
			err = e.whyGroup(ctx, q.Group, yield)
		default:
			err = errors.New("groupsync: WhyQuery needs a user or a group")
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield(Explanation{}, err)
		}
	}
}

// errEnough says that the caller wants no more.
var errEnough = errors.New("groupsync: enough")

func (e *Engine) whyUser(ctx context.Context, q WhyQuery, yield func(Explanation, error) bool) error {
	c, err := e.crowd.User(ctx, q.User)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return fmt.Errorf("%w: %q", ErrNoUser, q.User)
	}
	if err != nil {
		return err
	}
	u, err := e.view(ctx, c)
	if err != nil {
		return err
	}
	b, err := e.books(ctx)
	if err != nil {
		return err
	}
	in, err := e.groupsOf(ctx, u)
	if err != nil {
		return err
	}
	exact := e.exactTargets(b)
	all := e.candidates(b, u, in, exact)
	for _, g := range in {
		all = append(all, e.targetOr(b, exact, g))
	}
	if q.Group != "" {
		all = append(all, e.targetOr(b, exact, q.Group))
	}
	all = slices.DeleteFunc(onceEach(all), func(t mapping.Target) bool {
		return q.Group != "" && crowd.Fold(t.Group) != crowd.Fold(q.Group) || strings.HasPrefix(crowd.Fold(t.Group), RegistryPrefix)
	})
	slices.SortFunc(all, func(x, y mapping.Target) int { return strings.Compare(crowd.Fold(x.Group), crowd.Fold(y.Group)) })
	for _, t := range all {
		x := e.explain(b, exact, u, t, containsFolded(in, t.Group))
		if !x.Member && q.Group == "" && !x.wanted() {
			continue
		}
		if !yield(x, nil) {
			return errEnough
		}
	}
	return nil
}

// targetOr returns a Crowd group as the target that it is of SCIM groups, or as
// one of none.
func (e *Engine) targetOr(b *Book, exact exactTargets, group string) mapping.Target {
	if t, ok := exact.derived[crowd.Fold(group)]; ok {
		return t
	}
	for _, n := range b.all() {
		for _, t := range e.targets(b, n.id) {
			if crowd.Fold(t.Group) == crowd.Fold(group) {
				return t
			}
		}
	}
	return e.bare(group)
}

// whyGroup explains the members that Crowd has, then those whom a SCIM group would
// put in. Of a large group the whole directory is walked.
func (e *Engine) whyGroup(ctx context.Context, group string, yield func(Explanation, error) bool) error {
	members, err := e.crowdOf(ctx, group)
	if err != nil {
		return err
	}
	b, err := e.books(ctx)
	if err != nil {
		return err
	}
	exact := e.exactTargets(b)
	t := e.targetOr(b, exact, group)
	seen := crowdOf{}
	tell := func(u *User) error {
		f := crowd.Fold(u.Crowd.Name)
		x := e.explain(b, exact, u, t, members[f])
		if seen[f] || !x.Member && !x.wanted() {
			return nil
		}
		seen[f] = true
		if !yield(x, nil) {
			return errEnough
		}
		return nil
	}
	if len(members) > bulkMin {
		return e.walk(ctx, tell)
	}
	users, err := e.named(ctx, slices.Sorted(maps.Keys(members)))
	if err != nil {
		return err
	}
	for _, u := range users {
		if err := tell(u); err != nil {
			return err
		}
	}
	return e.holdersOf(ctx, b, t, tell)
}

// named reads the users of the names, without those whom Crowd does not have.
func (e *Engine) named(ctx context.Context, names []string) ([]*User, error) {
	users := make([]*User, len(names))
	err := e.each(ctx, len(names), func(ctx context.Context, i int) error {
		c, err := e.crowd.User(ctx, names[i])
		if errors.Is(err, crowd.ErrUserNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		users[i], err = e.view(ctx, c)
		return err
	})
	return slices.DeleteFunc(users, func(u *User) bool { return u == nil }), err
}

// holdersOf calls f for the users who hold a SCIM group that fills a target.
func (e *Engine) holdersOf(ctx context.Context, b *Book, t mapping.Target, f func(*User) error) error {
	for _, n := range b.all() {
		if !hasTarget(e.targets(b, n.id), t.Group) {
			continue
		}
		for c, err := range e.ledger.Holders(ctx, n.id, 0) {
			if err != nil {
				return err
			}
			u, err := e.view(ctx, c)
			if err != nil {
				return err
			}
			if err := f(u); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x Explanation) wanted() bool {
	return slices.ContainsFunc(x.Reasons, func(g Ground) bool {
		return g.Kind == mapping.ReasonGrant || g.Kind == mapping.ReasonDefault
	})
}

// explain says why a user is, or should be, in a Crowd group.
func (e *Engine) explain(b *Book, exact exactTargets, u *User, t mapping.Target, member bool) Explanation {
	x := Explanation{User: u.Crowd.Name, UserID: u.ID, Group: t.Group, Member: member}
	if !u.gone {
		x.Reasons = grounds(e.connection, e.groups, b, u.holdings, t)
	}
	for i, h := range u.foreign {
		n := e.neighbours[i]
		x.Reasons = append(x.Reasons, grounds(n.Connection, n.Groups, b.others[i], h, t)...)
	}
	if n := exact.direct[crowd.Fold(t.Group)]; n != nil && member && !u.gone {
		x.Reasons = []Ground{{Kind: mapping.ReasonGrant, Connection: e.connection, Group: n.name, ID: n.id, Rule: t.Rule}}
		return x
	}
	made, _ := u.holdings.Membership(t.Group)
	_, reasons := e.derive(b, u, u.holdings, t)
	for _, r := range reasons {
		if r.Kind != mapping.ReasonGrant {
			x.Reasons = append(x.Reasons, Ground{Kind: r.Kind, Since: made.At, Request: made.Request})
		}
	}
	return x
}

// grounds returns the grants of a connection that fill a target.
func grounds(connection string, groups *mapping.GroupMap, b *Book, h Holdings, t mapping.Target) []Ground {
	var all []Ground
	for _, id := range h.Grants {
		n := b.live(id)
		if n == nil {
			continue
		}
		for _, own := range groups.Targets(n.scimGroup()) {
			if crowd.Fold(own.Group) != crowd.Fold(t.Group) {
				continue
			}
			f, _ := h.Grant(id)
			all = append(all, Ground{
				Kind: mapping.ReasonGrant, Connection: connection, Group: n.name, ID: id, Rule: own.Rule,
				Since: f.At, Request: f.Request,
			})
		}
	}
	return all
}
