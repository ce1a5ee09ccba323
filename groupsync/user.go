package groupsync

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A User is a Crowd user as the connection sees it.
type User struct {
	// Crowd is the user as Crowd has it, with all attributes.
	Crowd crowd.User
	// ID is the SCIM id. It never changes.
	ID string
	// Owner is the connection that created or first linked the user, "" for a
	// user that SCIM never touched. Only the owner changes Crowd's fields.
	Owner string
	// Data is what the connection keeps with the user, as given in
	// [Profile.Data]; nil if there is none.
	Data []byte
	// Grants are the ids of the SCIM groups of this connection that the user was
	// granted.
	Grants []string

	gone       bool // deleted for SCIM
	pending    bool // its creation did not end
	said       *bool
	saidAt     time.Time
	saidBy     string
	externalID string
	refused    string // the e-mail that Crowd refused
	wanted     string // the Crowd fields that go with Data, see fieldsRegister
	holdings   Holdings
	foreign    []Holdings // of each neighbour
	asOf       uint64     // the clock of [Locks] before it was read
}

// A Profile is what the identity provider wants of a user.
type Profile struct {
	// Fields are Crowd's fields, see [mapping.AttributeMap.ToCrowd].
	Fields mapping.Fields
	// ActiveSaid tells that the request names the active flag for its own sake,
	// not as part of a whole resource. It then counts even if it repeats what
	// was said before; otherwise a flag that an administrator changed by hand
	// stays.
	ActiveSaid bool
	// Data is kept with the user. It must be a JSON document. Nil leaves what is
	// kept as it is.
	Data []byte
	// ExternalID and Emails are the values to find the user by, see [UserQuery].
	// They are recorded together with Data.
	ExternalID string
	Emails     []string
	// Password is set if it is not empty. A user created without one gets a
	// random password that nobody knows.
	Password crowd.Secret
}

// view returns what the connection sees in a user as read from Crowd.
func (e *Engine) view(ctx context.Context, u *crowd.User) (*User, error) {
	h, err := e.ledger.Holdings(ctx, u)
	if err != nil {
		return nil, err
	}
	foreign, err := e.heldOfOthers(ctx, u)
	if err != nil {
		return nil, err
	}
	a := u.Attributes
	v := &User{
		Crowd: *u, ID: userID(u.Key), Owner: a.First(attrOwner), Grants: h.Grants, holdings: h, foreign: foreign,
		Data: unpack(a[e.names.data]),
		gone: a.First(e.names.gone) == "yes", pending: a.First(e.names.pending) == "yes" || a.First(e.names.pending) == "again",
		refused: a.First(e.names.emailRefused), wanted: unpackText(a[e.names.fields]),
	}
	if v.refused == none {
		v.refused = ""
	}
	if v.Owner == none {
		v.Owner = ""
	}
	if state, n := readRegister(a[e.names.active], "true", "false"); state != "" {
		said := state == "true"
		v.said, v.saidAt, v.saidBy = &said, n.At, n.Request
	}
	_, n := readRegister(a[e.names.externalID])
	v.externalID = n.ExternalID
	return v, nil
}

// User returns the user with a SCIM id. The error matches [ErrNoUser] if there
// is none.
func (e *Engine) User(ctx context.Context, id string) (*User, error) {
	key, ok := userKey(id)
	if !ok {
		return nil, ErrNoUser
	}
	asOf := e.locks.clock.Load()
	u, err := e.crowd.UserByKey(ctx, key)
	v, err := e.visible(ctx, u, err)
	if err == nil {
		v.asOf = asOf
	}
	return v, err
}

// byKey reads a user, deleted for SCIM or not.
func (e *Engine) byKey(ctx context.Context, key string) (*User, error) {
	asOf := e.locks.clock.Load()
	u, err := e.crowd.UserByKey(ctx, key)
	if err != nil {
		return nil, err
	}
	v, err := e.view(ctx, u)
	if err == nil {
		v.asOf = asOf
	}
	return v, err
}

// UserByName returns the user of a name, in any case. The error matches
// [ErrNoUser] if there is none.
func (e *Engine) UserByName(ctx context.Context, name string) (*User, error) {
	if crowd.ValidateName(name) != nil {
		return nil, ErrNoUser
	}
	u, err := e.crowd.User(ctx, name)
	return e.visible(ctx, u, err)
}

func (e *Engine) visible(ctx context.Context, u *crowd.User, err error) (*User, error) {
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil, ErrNoUser
	}
	if err != nil {
		return nil, err
	}
	v, err := e.view(ctx, u)
	if err != nil {
		return nil, err
	}
	if v.gone {
		return nil, ErrNoUser
	}
	return v, nil
}

// A UserQuery selects users.
type UserQuery struct {
	// ExternalID selects those whose profile was recorded with that value,
	// Email those with one of that value, in any case. Since what is searched is
	// a folded or hashed form, and Crowd's own e-mail, others may come with them.
	ExternalID, Email string
	// Where selects by Crowd's own fields.
	Where crowd.Restriction
	// Start is the number of users to pass over, Max the greatest number
	// returned, 0 for all.
	Start, Max int
	// Census, where it is given, lets Crowd pass over the users before Start
	// instead of reading them. It is for queries for all users.
	Census *Census
}

// A Census is how many users SCIM shows, and where in Crowd's list those stand
// that it does not show. It is out of date as soon as somebody comes or goes, and
// then a page by it may begin some users early or late.
type Census struct {
	// Total is the number of users that are visible over SCIM.
	Total int

	gone []int // places in Crowd's list, ascending
}

// Census counts the users: two calls, of names only.
func (e *Engine) Census(ctx context.Context) (Census, error) {
	gone := map[string]bool{}
	for u, err := range e.crowd.Users(ctx, crowd.Query{Where: crowd.Equals(e.names.gone, "yes"), PageSize: allAtOnce}) {
		if err != nil {
			return Census{}, err
		}
		gone[crowd.Fold(u.Name)] = true
	}
	var c Census
	place := 0
	for u, err := range e.crowd.Users(ctx, crowd.Query{PageSize: allAtOnce}) {
		if err != nil {
			return Census{}, err
		}
		if gone[crowd.Fold(u.Name)] {
			c.gone = append(c.gone, place)
		}
		place++
	}
	c.Total = place - len(c.gone)
	return c, nil
}

// place returns how many users of Crowd's list stand before the n-th that is
// shown, from 0.
func (c *Census) place(n int) int {
	for _, gone := range c.gone {
		if gone > n {
			break
		}
		n++
	}
	return n
}

// Users returns the users that match, by folded name, without those that were
// deleted.
func (e *Engine) Users(ctx context.Context, q UserQuery) iter.Seq2[*User, error] {
	query := crowd.Query{Where: e.where(q), Detail: crowd.WithAttributes}
	if q.Census != nil {
		query.Start, q.Start = q.Census.place(q.Start), 0
	}
	if q.Max > 0 && q.Start == 0 {
		query.PageSize = min(q.Max, mostPerPage)
	}
	return func(yield func(*User, error) bool) {
		passed, given := 0, 0
		for u, err := range e.crowd.Users(ctx, query) {
			if err != nil {
				yield(nil, err)
				return
			}
			v, err := e.view(ctx, u)
			if err != nil {
				yield(nil, err)
				return
			}
			if v.gone {
				continue
			}
			if passed < q.Start {
				passed++
				continue
			}
			if !yield(v, nil) {
				return
			}
			if given++; given == q.Max {
				return
			}
		}
	}
}

// mostPerPage is how many users with their attributes are read by one call.
const mostPerPage = 1000

func (e *Engine) where(q UserQuery) crowd.Restriction {
	var all []crowd.Restriction
	if q.ExternalID != "" {
		all = append(all, crowd.Equals(e.names.externalID, lookupValue(q.ExternalID)))
	}
	if q.Email != "" {
		all = append(all, crowd.Or(
			crowd.Equals(e.names.emails, lookupValue(q.Email)),
			crowd.Equals(crowd.PropertyEmail, q.Email)))
	}
	if len(all) == 0 {
		return q.Where
	}
	return crowd.And(append(all, q.Where)...)
}

// allAtOnce asks for a list as one page: of names only, even a large one is small.
const allAtOnce = 1 << 20

func (e *Engine) countUsers(ctx context.Context, where crowd.Restriction) (int, error) {
	n := 0
	for _, err := range e.crowd.Users(ctx, crowd.Query{Where: where, PageSize: allAtOnce}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// none stands in a register for no value, since Crowd keeps no empty ones.
const none = "-"

// lookupValue returns the form in which a value is recorded to be searched for:
// folded, and its hash where it is long or could be taken for a wildcard.
func lookupValue(s string) string {
	f := crowd.Fold(s)
	if len(f) > 200 || f == none {
		return "sha256:" + hash(f)
	}
	return "=" + f
}

// records returns the attributes that keep a profile's data and look-up values.
func (e *Engine) records(p Profile) crowd.Attributes {
	if p.Data == nil {
		return crowd.Attributes{}
	}
	a := crowd.Attributes{e.names.data: pack(p.Data), e.names.externalID: {none}, e.names.emails: {none}}
	if fields := fieldsRegister(p.Fields, e.now().UTC()); fields != nil {
		a[e.names.fields] = fields
	}
	if p.ExternalID != "" {
		a[e.names.externalID] = register(lookupValue(p.ExternalID), note{ExternalID: p.ExternalID})
	}
	if len(p.Emails) > 0 {
		emails := make([]string, 0, len(p.Emails))
		for _, m := range p.Emails {
			emails = append(emails, lookupValue(m))
		}
		slices.Sort(emails)
		a[e.names.emails] = slices.Compact(emails)
	}
	return a
}

// words are the Crowd fields of a profile, but for the active flag.
type words struct {
	Username    *string `json:"username,omitempty"`
	FirstName   *string `json:"firstName,omitempty"`
	LastName    *string `json:"lastName,omitempty"`
	DisplayName *string `json:"displayName,omitempty"`
	Email       *string `json:"email,omitempty"`
	// At is when it was said.
	At time.Time `json:"at,omitzero"`
}

// fieldsRegister returns the values that keep what the identity provider wants
// Crowd's fields to be, so that an update which overtook another one, with fields
// it had read before, can mend what it undid.
func fieldsRegister(f mapping.Fields, at time.Time) []string {
	w := words{f.Username, f.FirstName, f.LastName, f.DisplayName, f.Email, time.Time{}}
	if w == (words{}) {
		return nil
	}
	w.At = at
	document, err := json.Marshal(w)
	if err != nil {
		panic(err) // strings only
	}
	return pack(document)
}

// readFields is the reverse of fieldsRegister.
func readFields(document string) (f mapping.Fields, at time.Time) {
	var w words
	if json.Unmarshal([]byte(document), &w) != nil {
		return f, at
	}
	return mapping.Fields{Username: w.Username, FirstName: w.FirstName, LastName: w.LastName, DisplayName: w.DisplayName, Email: w.Email}, w.At
}

// activeRegister returns the register of what the identity provider says of the
// active flag.
func (e *Engine) activeRegister(ctx context.Context, active bool) []string {
	return register(strconv.FormatBool(active), e.word(ctx))
}

// word returns when something is said, and by which request.
func (e *Engine) word(ctx context.Context) note {
	return note{At: e.now().UTC(), Request: requestID(ctx)}
}

// customFields adds the mapped custom attributes to a, and returns the names of
// those to be cleared.
func customFields(a crowd.Attributes, custom map[string][]string, now crowd.Attributes) (clear []string) {
	for name, values := range custom {
		switch {
		case len(values) > 0:
			a[name] = values
		case len(now[name]) > 0:
			clear = append(clear, name)
		}
	}
	slices.Sort(clear)
	return clear
}
