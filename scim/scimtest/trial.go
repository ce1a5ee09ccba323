package scimtest

import (
	"context"
	"errors"
)

// A trial is the user and the group that a connection test creates and deletes,
// as JumpCloud does when an integration is activated.
type trial struct {
	name        string
	user, group string // their ids, while they are there
}

// selfTest creates both and deletes them. What a test that failed has left is
// deleted by the next one.
func (c *cycle) selfTest(ctx context.Context, task string) error {
	if err := c.endTrial(ctx, task); err != nil {
		return err
	}
	return errors.Join(c.createTrial(ctx, task), c.endTrial(ctx, task))
}

func (c *cycle) trialUser() User {
	address := c.trial.name + "@example.com"
	return User{ID: c.trial.name, UserName: address, GivenName: "Test", FamilyName: "User", DisplayName: "Test User", Email: address}
}

func (c *cycle) createTrial(ctx context.Context, task string) error {
	u := c.trialUser()
	made, err := c.look(ctx, task, "/Users", c.app.userQuery, u.UserName)
	if err == nil && made == nil {
		made, err = c.make(ctx, task, "/Users", c.app.body(u, true))
	}
	if err != nil {
		return err
	}
	c.trial.user = text("id")(made)
	made, err = c.look(ctx, task, "/Groups", c.app.groupQuery, c.trial.name)
	if err == nil && made == nil {
		members := []member{{c.trial.user, u.UserName}}
		made, err = c.make(ctx, task, "/Groups", c.app.groups.create(Group{Name: c.trial.name}, members))
	}
	if err != nil {
		return err
	}
	c.trial.group = text("id")(made)
	_, err = c.send(ctx, task, "GET", groupPath(c.trial.group), nil)
	return err
}

// endTrial deletes group and user. A user that may not be deleted is
// deactivated.
func (c *cycle) endTrial(ctx context.Context, task string) error {
	if c.trial.group != "" {
		if _, err := c.send(ctx, task, "DELETE", groupPath(c.trial.group), nil); err != nil && !gone(err) {
			return err
		}
		c.trial.group = ""
	}
	if c.trial.user == "" {
		return nil
	}
	_, err := c.send(ctx, task, "DELETE", userPath(c.trial.user), nil)
	switch f, ok := errors.AsType[*Failure](err); {
	case gone(err):
		err = nil
	case ok && f.Status/100 == 4:
		body := c.app.put(resource{"id": c.trial.user}, c.trialUser(), false)
		_, err = c.send(ctx, task, "PUT", userPath(c.trial.user), body)
	}
	if err == nil {
		c.trial.user = ""
	}
	return err
}
