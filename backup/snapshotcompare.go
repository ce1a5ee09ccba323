package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A StateChange is one difference between a snapshot and now.
type StateChange struct {
	// Kind is "group" or "user", Name the name that it has now, or had.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// What is a field, such as "externalId", or `grant "devs"` or
	// `membership "devs"`; "" where the whole has come or gone.
	What string `json:"what,omitempty"`
	// Before is as in the snapshot, After as it is now.
	Before string `json:"before"`
	After  string `json:"after"`
}

// String returns the difference in a line of words.
func (c StateChange) String() string {
	text := c.Kind + " " + quote(c.Name) + ": "
	if c.What != "" {
		text += c.What + ": "
	}
	return text + c.Before + " -> " + c.After
}

// Compare returns what is different now, groups first, then users in no promised
// order, then users who are gone. Users are read page by page, and those of the
// snapshot one by one beside them. Of what is kept of users beside Crowd's fields it
// tells that it differs, not how.
func (s *Snapshot) Compare(ctx context.Context, e *groupsync.Engine) iter.Seq2[StateChange, error] {
	return func(yield func(StateChange, error) bool) {
		c := &comparing{snapshot: s, yield: yield, names: map[string]string{}, met: make([]bool, len(s.ids)), now: map[string]*groupsync.GroupState{}}
		if err := c.run(ctx, e); err != nil && !errors.Is(err, errEnough) {
			yield(StateChange{}, err)
		}
	}
}

// errEnough says that the caller wants no more.
var errEnough = errors.New("backup: enough")

type comparing struct {
	snapshot *Snapshot
	yield    func(StateChange, error) bool
	now      map[string]*groupsync.GroupState // by id
	names    map[string]string                // of groups now and then, by id
	told     bool                             // of the groups
	met      []bool                           // users of the snapshot, by place in its index
}

func (c *comparing) run(ctx context.Context, e *groupsync.Engine) error {
	if c.snapshot.Connection() != e.Connection() {
		return fmt.Errorf("backup: compare: the snapshot is of the connection %s, not of %s", quote(c.snapshot.Connection()), quote(e.Connection()))
	}
	for record, err := range e.State(ctx) {
		if err != nil {
			return err
		}
		if record.Group != nil {
			c.now[record.Group.ID] = record.Group
			continue
		}
		if err := c.groups(); err != nil {
			return err
		}
		if err := c.user(record.User); err != nil {
			return err
		}
	}
	if err := c.groups(); err != nil {
		return err
	}
	return c.gone()
}

func (c *comparing) say(changes ...StateChange) error {
	for _, change := range changes {
		if change.Before != change.After && !c.yield(change, nil) {
			return errEnough
		}
	}
	return nil
}

// The words for what is or is not.
const (
	isThere, isNot = "there", "none"
	granted        = "granted"
	notGranted     = "not granted"
)

// groups tells of the groups, once.
func (c *comparing) groups() error {
	if c.told {
		return nil
	}
	c.told = true
	then := map[string]bool{}
	for _, g := range c.snapshot.groups {
		then[g.ID], c.names[g.ID] = true, g.Name
	}
	for id, g := range c.now {
		c.names[id] = g.Name
	}
	for _, g := range c.snapshot.groups {
		if err := c.group(g, c.now[g.ID]); err != nil {
			return err
		}
	}
	var since []string
	for id, g := range c.now {
		if !then[id] {
			since = append(since, g.Name)
		}
	}
	slices.Sort(since)
	for _, name := range since {
		if err := c.say(StateChange{"group", name, "", isNot, isThere}); err != nil {
			return err
		}
	}
	return nil
}

func (c *comparing) group(then, now *groupsync.GroupState) error {
	if now == nil {
		return c.say(StateChange{"group", then.Name, "", isThere, isNot})
	}
	return c.say(
		StateChange{"group", now.Name, "displayName", quote(then.Name), quote(now.Name)},
		StateChange{"group", now.Name, "externalId", quote(then.ExternalID), quote(now.ExternalID)},
		StateChange{"group", now.Name, "fills", listed(then.Fills), listed(now.Fills)},
		StateChange{"group", now.Name, "groups within it", c.named(then.Groups), c.named(now.Groups)},
	)
}

func (c *comparing) named(ids []string) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = c.name(id)
	}
	return listed(names)
}

func (c *comparing) name(id string) string {
	if name, known := c.names[id]; known {
		return name
	}
	return id
}

func listed(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	slices.Sort(quoted)
	if len(quoted) == 0 {
		return isNot
	}
	return strings.Join(quoted, ", ")
}

// user tells of a user who is there now.
func (c *comparing) user(now *groupsync.UserState) error {
	i, found := c.snapshot.find(c.snapshot.ids, now.ID)
	if !found {
		return c.say(StateChange{"user", now.Name, "", isNot, isThere})
	}
	c.met[i] = true
	then, err := c.snapshot.at(c.snapshot.ids[i])
	if err != nil {
		return err
	}
	said := func(b *bool) string {
		if b == nil {
			return "never said"
		}
		return strconv.FormatBool(*b)
	}
	if err := c.say(
		StateChange{"user", now.Name, "username", quote(then.Name), quote(now.Name)},
		StateChange{"user", now.Name, "owner", quote(then.Owner), quote(now.Owner)},
		StateChange{"user", now.Name, "active", strconv.FormatBool(then.Active), strconv.FormatBool(now.Active)},
		StateChange{"user", now.Name, "active, as the identity provider says", said(then.Said), said(now.Said)},
		StateChange{"user", now.Name, "deleted", strconv.FormatBool(then.Deleted), strconv.FormatBool(now.Deleted)},
		StateChange{"user", now.Name, "firstName", quote(then.FirstName), quote(now.FirstName)},
		StateChange{"user", now.Name, "lastName", quote(then.LastName), quote(now.LastName)},
		StateChange{"user", now.Name, "displayName", quote(then.DisplayName), quote(now.DisplayName)},
		StateChange{"user", now.Name, "email", quote(then.Email), quote(now.Email)},
		StateChange{"user", now.Name, "externalId", quote(then.ExternalID), quote(now.ExternalID)},
	); err != nil {
		return err
	}
	if err := c.custom(then, now); err != nil {
		return err
	}
	if string(then.Data) != string(now.Data) {
		if err := c.say(StateChange{"user", now.Name, "what is kept", "as in the snapshot", "another"}); err != nil {
			return err
		}
	}
	if err := c.edges(now.Name, "grant", c.grants(then), c.grants(now), notGranted); err != nil {
		return err
	}
	return c.edges(now.Name, "membership", memberships(then), memberships(now), isNot)
}

func (c *comparing) custom(then, now *groupsync.UserState) error {
	names := map[string]bool{}
	for name := range then.Custom {
		names[name] = true
	}
	for name := range now.Custom {
		names[name] = true
	}
	for _, name := range sortedKeys(names) {
		if err := c.say(StateChange{"user", now.Name, name, listed(then.Custom[name]), listed(now.Custom[name])}); err != nil {
			return err
		}
	}
	return nil
}

// grants returns what a user holds, by name of the group.
func (c *comparing) grants(u *groupsync.UserState) map[string]string {
	all := map[string]string{}
	for _, g := range u.Grants {
		all[c.name(g.Group)] = granted
	}
	return all
}

// memberships returns how a user is in Crowd's groups.
func memberships(u *groupsync.UserState) map[string]string {
	words := map[string]string{"made": "made by grants", "found": "by hand, and granted", "left": "given up by grants", "": "by hand"}
	all := map[string]string{}
	for _, m := range u.Memberships {
		word, known := words[m.Origin]
		if !known {
			word = "by hand"
		}
		switch {
		case m.Member && m.Origin == "left":
			word = "by hand, since grants gave it up"
		case !m.Member && m.Origin == "left":
			continue // there is none
		case !m.Member:
			word = "missing, though " + word
		}
		all[crowd.Fold(m.Group)] = word
	}
	return all
}

func (c *comparing) edges(user, what string, then, now map[string]string, none string) error {
	names := map[string]bool{}
	for name := range then {
		names[name] = true
	}
	for name := range now {
		names[name] = true
	}
	for _, name := range sortedKeys(names) {
		before, was := then[name]
		after, is := now[name]
		if !was {
			before = none
		}
		if !is {
			after = none
		}
		if err := c.say(StateChange{"user", user, what + " " + quote(name), before, after}); err != nil {
			return err
		}
	}
	return nil
}

// gone tells of users who are known no more.
func (c *comparing) gone() error {
	for then, err := range c.snapshot.Users() {
		if err != nil {
			return err
		}
		if i, _ := c.snapshot.find(c.snapshot.ids, then.ID); !c.met[i] {
			if err := c.say(StateChange{"user", then.Name, "", isThere, isNot}); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedKeys(set map[string]bool) []string {
	var keys []string
	for k := range set {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
