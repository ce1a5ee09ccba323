package groupsync

import (
	"context"
	"errors"
	"iter"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// names are the attribute and group names of a connection.
type names struct {
	registry                         string // group
	issued, renamed, external, dead  string // prefixes, on the registry
	nested                           string // prefix, on the registry
	reconciled                       string // on the registry
	id, orphan                       string // on Crowd groups
	grant                            string // prefix, on users
	active, data, fields             string // on users
	gone, pending                    string // on users
	externalID, emails, emailRefused string // on users
	hook                             string // prefix, on users
	doomed                           string // on users
}

// The attributes on users that all connections share.
const (
	attrOwner  = "scim.owner"
	attrOrigin = "scim.made."
)

// RegistryPrefix begins the names of the Crowd groups that keep registries. They
// are never shown over SCIM nor filled.
const RegistryPrefix = "scim-registry-"

func namesOf(connection string) names {
	p := "scim." + connection + "."
	return names{
		registry: RegistryPrefix + connection,
		issued:   p + "issued.", renamed: p + "name.", external: p + "external.", dead: p + "dead.", nested: p + "nested.",
		reconciled: p + "reconciled", id: p + "id", orphan: p + "orphan", grant: p + "grant.",
		active: p + "active", data: p + "data", fields: p + "fields", gone: p + "gone", pending: p + "pending",
		externalID: p + "externalId", emails: p + "emails", emailRefused: p + "emailRefused",
		hook: p + "hook.", doomed: p + "doomed",
	}
}

// The states of registers.
const (
	stateSaid    = "said"
	stateGranted = "granted"
	stateRevoked = "revoked"
	stateMade    = "made"
	stateFound   = "found"
	stateLeft    = "left@" // with the Unix time
)

type crowdLedger struct {
	crowd Directory
	names names
}

// NewCrowdLedger returns the [Ledger] that keeps a connection's records in
// attributes of the users and of one inactive group of Crowd.
func NewCrowdLedger(d Directory, connection string) Ledger {
	return &crowdLedger{d, namesOf(connection)}
}

// Book reads the registry and the groups asked for in one search. A registry
// that a search does not show is asked for by itself, so that none is ever
// taken for empty.
func (l *crowdLedger) Book(ctx context.Context, also ...crowd.Restriction) (*Book, error) {
	b := NewBook()
	var registry *crowd.Group
	if len(also) > 0 {
		where := crowd.Or(append([]crowd.Restriction{crowd.Equals(crowd.PropertyName, l.names.registry)}, also...)...)
		for g, err := range l.crowd.Groups(ctx, crowd.Query{Where: where, Detail: crowd.WithAttributes}) {
			if err != nil {
				return nil, err
			}
			if crowd.Fold(g.Name) == l.names.registry {
				registry = g
			} else {
				b.Crowd[crowd.Fold(g.Name)] = g
			}
		}
	}
	if registry == nil {
		g, err := l.crowd.Group(ctx, l.names.registry)
		if errors.Is(err, crowd.ErrGroupNotFound) {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		registry = g
	}
	l.fill(b, registry.Attributes)
	return b, nil
}

func (l *crowdLedger) fill(b *Book, registry crowd.Attributes) {
	kinds := []struct {
		prefix string
		kind   GroupFactKind
	}{{l.names.issued, Issued}, {l.names.renamed, Renamed}, {l.names.external, Externalised}, {l.names.dead, Dead}}
	for name, values := range registry {
		if strings.HasPrefix(name, l.names.nested) {
			l.fillNested(b, values)
			continue
		}
		for _, k := range kinds {
			h, found := strings.CutPrefix(name, k.prefix)
			if !found {
				continue
			}
			_, n := readRegister(values)
			b.addHashed(h, GroupFact{
				Kind: k.kind, ID: n.ID, Name: n.Name, ExternalID: n.ExternalID, Members: n.Members, Made: n.Made, At: n.At, Request: n.Request,
			})
		}
	}
	_, n := readRegister(registry[l.names.reconciled])
	b.Reconciled = n.At
}

func (l *crowdLedger) fillNested(b *Book, values []string) {
	state, n := readRegister(values, stateRevoked, stateGranted)
	f := GroupFact{Kind: Nested, ID: n.ID, Child: n.Child, Granted: state == stateGranted, At: n.At, Request: n.Request}
	if n.Found {
		f.Origin = Found
	}
	b.Add(f)
}

// nestedRegister returns the register that keeps whether a group is within another.
func (l *crowdLedger) nestedRegister(f GroupFact) crowd.Attributes {
	state := stateRevoked
	if f.Granted {
		state = stateGranted
	}
	n := note{ID: f.ID, Child: f.Child, Found: f.Origin == Found, At: f.At, Request: f.Request}
	return crowd.Attributes{l.names.nested + hash(f.ID+"\n"+f.Child): register(state, n)}
}

func (l *crowdLedger) RecordGroup(ctx context.Context, f GroupFact) error {
	if f.Kind == Nested {
		return l.write(ctx, l.nestedRegister(f))
	}
	prefix := map[GroupFactKind]string{
		Issued: l.names.issued, Renamed: l.names.renamed, Externalised: l.names.external, Dead: l.names.dead,
	}[f.Kind]
	values := register(stateSaid, note{
		ID: f.ID, Name: f.Name, ExternalID: f.ExternalID, Members: f.Members, Made: f.Made, At: f.At, Request: f.Request,
	})
	return l.write(ctx, crowd.Attributes{prefix + hash(f.ID): values})
}

// write writes to the registry, which is created when it is first needed.
func (l *crowdLedger) write(ctx context.Context, a crowd.Attributes) error {
	err := l.crowd.SetGroupAttributes(ctx, l.names.registry, a)
	if !errors.Is(err, crowd.ErrGroupNotFound) {
		return err
	}
	_, err = l.crowd.CreateGroup(ctx, crowd.Group{
		Name:        l.names.registry,
		Description: "Keeps the records of SCIM provisioning. Do not delete, rename or fill.",
	})
	if err != nil && !errors.Is(err, crowd.ErrExists) {
		return err
	}
	return l.crowd.SetGroupAttributes(ctx, l.names.registry, a)
}

func (l *crowdLedger) Holdings(_ context.Context, u *crowd.User) (Holdings, error) {
	var h Holdings
	for name, values := range u.Attributes {
		if strings.HasPrefix(name, l.names.grant) {
			state, n := readRegister(values, stateRevoked, stateGranted)
			if state == stateGranted && n.ID != "" {
				h.Add(UserFact{GroupID: n.ID, Granted: true, At: n.At, Request: n.Request})
			}
		} else if target, found := strings.CutPrefix(name, attrOrigin); found {
			h.addOrigin(target, readOrigin(values))
		}
	}
	return h, nil
}

// readOrigin reads the register of an origin. When a membership was left also
// stands in the state, in seconds, for the case that the note is lost.
func readOrigin(values []string) UserFact {
	state, n := readRegister(values, stateMade, stateFound)
	f := UserFact{Target: n.Name, At: n.At, Request: n.Request}
	switch state {
	case stateMade:
		f.Origin = Made
		return f
	case stateFound:
		f.Origin = Found
		return f
	}
	for _, v := range values {
		at, found := strings.CutPrefix(v, stateLeft)
		if seconds, err := strconv.ParseInt(at, 10, 64); found && err == nil {
			f.Origin = Left
			if f.At.Unix() != seconds {
				f.At = time.Unix(seconds, 0)
			}
			return f
		}
	}
	return UserFact{}
}

func (l *crowdLedger) RecordUser(ctx context.Context, u *crowd.User, facts []UserFact, extra crowd.Attributes) error {
	a := maps.Clone(extra)
	if a == nil {
		a = crowd.Attributes{}
	}
	for _, f := range facts {
		name, values := l.attribute(f)
		a[name] = values
	}
	return l.crowd.SetUserAttributes(ctx, u.Name, a)
}

func (l *crowdLedger) attribute(f UserFact) (name string, values []string) {
	n := note{At: f.At, Request: f.Request}
	if f.GroupID != "" {
		n.ID = f.GroupID
		state := stateRevoked
		if f.Granted {
			state = stateGranted
		}
		return l.names.grant + hash(f.GroupID), register(state, n)
	}
	n.Name = f.Target
	state := map[Origin]string{Made: stateMade, Found: stateFound, Left: stateLeft + strconv.FormatInt(f.At.Unix(), 10)}[f.Origin]
	return attrOrigin + targetHash(f.Target), register(state, n)
}

// pagesAhead is how many pages of users may be on their way before they are needed:
// what the engine and the client have in flight by default.
const pagesAhead = 8

func (l *crowdLedger) Holders(ctx context.Context, groupID string, about int) iter.Seq2[*crowd.User, error] {
	return l.crowd.Users(ctx, crowd.Query{
		Where:  crowd.Equals(l.names.grant+hash(groupID), stateGranted),
		Detail: crowd.WithAttributes, Ahead: pagesAhead, Expect: about,
	})
}

func (l *crowdLedger) RecordReconciled(ctx context.Context, began time.Time) error {
	return l.write(ctx, crowd.Attributes{l.names.reconciled: register(stateSaid, note{At: began})})
}

func (l *crowdLedger) Edges(ctx context.Context, groupID string, about int) iter.Seq2[*crowd.User, error] {
	attribute := l.names.grant + hash(groupID)
	return l.crowd.Users(ctx, crowd.Query{
		Where:  crowd.Or(crowd.Equals(attribute, stateGranted), crowd.Equals(attribute, stateRevoked)),
		Detail: crowd.WithAttributes, Ahead: pagesAhead, Expect: about,
	})
}
