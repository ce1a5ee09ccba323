package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// An AttributeChange is a field that users get otherwise under other settings.
type AttributeChange struct {
	Connection string `json:"connection"`
	Field      string `json:"field"`
	// Users counts those whose field would get another value, Example is one.
	Users   int            `json:"users"`
	Example mapping.Change `json:"example"`
}

// String tells how many users' field would change, and of one how.
func (a AttributeChange) String() string {
	users := "1 user"
	if a.Users != 1 {
		users = fmt.Sprintf("%d users", a.Users)
	}
	return fmt.Sprintf("connection %s: %s of %s will change, such as %s", a.Connection, quote(a.Field), users, a.Example)
}

// effects finds out who gains and loses what: what a reconcile under the new settings
// would do and one under the settings before would not.
func (v *reviewed) effects(ctx context.Context) error {
	after, err := v.running.Engine.Plan(ctx, groupsync.ReconcileOptions{})
	if err != nil {
		return err
	}
	old, err := v.old(ctx)
	if err != nil {
		v.problem("", "what is in use cannot be looked at: "+err.Error(), "What follows is told as if there were nothing in use", false)
	}
	before := &groupsync.Plan{}
	if old != nil {
		if before, err = old.Engine.Plan(ctx, groupsync.ReconcileOptions{}); err != nil {
			return err
		}
	}
	for _, s := range groupsync.DiffPlans(before, after).Added {
		v.Effects = append(v.Effects, Effect{v.Name, s})
	}
	if old == nil {
		return nil
	}
	return v.attributeChanges(ctx)
}

// place returns the connection in use of the same name and Crowd, and where it is.
func (v *reviewed) place() (int, bool) {
	if v.before == nil {
		return 0, false
	}
	for i, c := range v.before.Connections {
		if c.Name == v.Name && c.SharesDirectory(v.Connection) {
			return i, true
		}
	}
	return 0, false
}

func (v *reviewed) old(ctx context.Context) (*Running, error) {
	i, found := v.place()
	if !found {
		return nil, nil
	}
	return buildOne(ctx, v.before, i, v.options.Build)
}

// attributeChanges counts the users whose fields the new mapping would make others, of
// what is kept of them.
func (v *reviewed) attributeChanges(ctx context.Context) error {
	i, _ := v.place()
	before, err := v.before.Connections[i].attributes()
	if err != nil {
		return err
	}
	after, err := v.attributes()
	if err != nil {
		return err
	}
	at := map[string]int{} // in v.Attributes, by field
	for u, err := range v.running.Engine.Users(ctx, groupsync.UserQuery{}) {
		if err != nil {
			return err
		}
		if u.Owner != v.Name {
			continue
		}
		for _, c := range before.Changes(after, resourceOf(before, u)) {
			n, known := at[c.Target]
			if !known {
				n = len(v.Attributes)
				at[c.Target] = n
				v.Attributes = append(v.Attributes, AttributeChange{Connection: v.Name, Field: c.Target, Example: c})
			}
			v.Attributes[n].Users++
		}
	}
	return nil
}

// resourceOf returns a user as the identity provider sees it: what package scim keeps,
// and Crowd's fields.
func resourceOf(m *mapping.AttributeMap, u *groupsync.User) map[string]any {
	var kept struct {
		Resource map[string]any `json:"r"`
	}
	d := json.NewDecoder(bytes.NewReader(u.Data))
	d.UseNumber()
	if len(u.Data) > 0 && d.Decode(&kept) != nil {
		kept.Resource = nil
	}
	c := u.Crowd
	return m.ToSCIM(mapping.Fields{
		Username: &c.Name, FirstName: &c.FirstName, LastName: &c.LastName, DisplayName: &c.DisplayName,
		Email: &c.Email, Active: &c.Active, Custom: c.Attributes,
	}, kept.Resource)
}
