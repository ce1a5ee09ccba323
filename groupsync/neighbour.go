package groupsync

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A Neighbour is another connection that provisions the same Crowd directory. An
// engine that knows its neighbours takes nobody out of a Crowd group whom one of
// them granted it, and deletes no Crowd group that one of them fills.
type Neighbour struct {
	// Connection is its name. Required.
	Connection string
	// Groups is how it maps groups; nil means the defaults.
	Groups *mapping.GroupMap
	// Ledger keeps its grants; nil means in Crowd.
	Ledger Ledger
}

type neighbour struct {
	Neighbour
	names names
}

func neighbours(cfg Config) ([]neighbour, error) {
	var all []neighbour
	met := map[string]bool{cfg.Connection: true}
	for _, n := range cfg.Neighbours {
		if !connectionName.MatchString(n.Connection) || met[n.Connection] {
			return nil, fmt.Errorf("groupsync: Config.Neighbours: %q is no name of another connection", n.Connection)
		}
		met[n.Connection] = true
		if n.Groups == nil {
			groups, err := mapping.CompileGroups(mapping.Groups{})
			if err != nil {
				return nil, err
			}
			n.Groups = groups
		}
		if n.Ledger == nil {
			n.Ledger = NewCrowdLedger(cfg.Crowd, n.Connection)
		}
		all = append(all, neighbour{n, namesOf(n.Connection)})
	}
	return all, nil
}

// books reads the book, with the Crowd groups that match one of also, and those
// of the neighbours.
func (e *Engine) books(ctx context.Context, also ...crowd.Restriction) (*Book, error) {
	epoch := e.locks.epoch.Load()
	b, err := e.readBooks(ctx, also)
	if err == nil {
		b.epoch = epoch
	}
	return b, err
}

func (e *Engine) readBooks(ctx context.Context, also []crowd.Restriction) (*Book, error) {
	if len(e.neighbours) == 0 {
		return e.ledger.Book(ctx, also...)
	}
	var b *Book
	others := make([]*Book, len(e.neighbours))
	err := both(ctx, func(ctx context.Context) (err error) {
		b, err = e.ledger.Book(ctx, also...)
		return err
	}, func(ctx context.Context) error {
		return e.each(ctx, len(others), func(ctx context.Context, i int) (err error) {
			others[i], err = e.neighbours[i].Ledger.Book(ctx)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	b.others = others
	return b, nil
}

// heldOfOthers returns what a user holds of each neighbour.
func (e *Engine) heldOfOthers(ctx context.Context, u *crowd.User) ([]Holdings, error) {
	if len(e.neighbours) == 0 {
		return nil, nil
	}
	all := make([]Holdings, len(e.neighbours))
	for i, n := range e.neighbours {
		if u.Attributes.First(n.names.gone) == "yes" {
			continue
		}
		h, err := n.Ledger.Holdings(ctx, u)
		if err != nil {
			return nil, err
		}
		all[i] = h
	}
	return all, nil
}

func (u *User) heldByOthers() bool {
	return slices.ContainsFunc(u.foreign, func(h Holdings) bool { return len(h.Grants) > 0 })
}

// foreignGrants returns the grants of neighbours that fill a target.
func (e *Engine) foreignGrants(b *Book, u *User, target string) []mapping.Grant {
	var all []mapping.Grant
	for i, h := range u.foreign {
		if i >= len(b.others) {
			break
		}
		for _, id := range h.Grants {
			n := b.others[i].live(id)
			if n == nil {
				continue
			}
			for _, t := range e.neighbours[i].Groups.Targets(n.scimGroup()) {
				if crowd.Fold(t.Group) == crowd.Fold(target) {
					all = append(all, mapping.Grant{Group: n.scimGroup(), Live: true, Rule: t.Rule})
				}
			}
		}
	}
	return all
}

// foreignDefault reports whether the target is a default group of all users of
// the neighbour that owns the user.
func (e *Engine) foreignDefault(u *User, target string) bool {
	for _, n := range e.neighbours {
		if n.Connection == u.Owner && u.Crowd.Attributes.First(n.names.gone) != "yes" {
			return containsFolded(n.Groups.DefaultForAllUsers(), target)
		}
	}
	return false
}

// filledByOthers reports whether a live SCIM group of a neighbour fills a Crowd
// group.
func (e *Engine) filledByOthers(b *Book, group string) bool {
	for i, other := range b.others {
		for _, n := range other.all() {
			if hasTarget(e.neighbours[i].Groups.Targets(n.scimGroup()), group) {
				return true
			}
		}
	}
	return false
}

// A StrangerError says that the directory holds the registries of connections
// that the engine does not know as [Config.Neighbours]. Their grants would not
// count, and who holds one would lose it.
type StrangerError struct {
	// Connections are their names.
	Connections []string
}

func (e *StrangerError) Error() string {
	return fmt.Sprintf("groupsync: the Crowd directory holds records of the connections %s, which the configuration does not have. "+
		"Add them to it, so that what they granted counts, or declare them abandoned",
		strings.Join(e.Connections, ", "))
}

// CheckStrangers returns a *[StrangerError] where the directory holds records of
// a connection that is neither this one, nor a neighbour, nor abandoned. It makes
// one call to Crowd.
func (e *Engine) CheckStrangers(ctx context.Context) error {
	where := crowd.StartsWith(crowd.PropertyName, RegistryPrefix)
	var names []string
	for g, err := range e.crowd.Groups(ctx, crowd.Query{Where: where}) {
		if err != nil {
			return fmt.Errorf("groupsync: look for records of other connections: %w", err)
		}
		names = append(names, g.Name)
	}
	return e.strangers(names)
}

// strangers looks among the names of Crowd groups for unknown registries.
func (e *Engine) strangers(groups []string) error {
	known := map[string]bool{e.connection: true}
	for _, n := range e.neighbours {
		known[n.Connection] = true
	}
	for _, name := range e.cfg.Abandoned {
		known[name] = true
	}
	var unknown []string
	for _, g := range groups {
		name, registry := strings.CutPrefix(crowd.Fold(g), RegistryPrefix)
		if registry && connectionName.MatchString(name) && !known[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	slices.Sort(unknown)
	return &StrangerError{slices.Compact(unknown)}
}

// containsFolded reports whether a name is among names, in any case.
func containsFolded(names []string, name string) bool {
	return slices.ContainsFunc(names, func(s string) bool { return crowd.Fold(s) == crowd.Fold(name) })
}
