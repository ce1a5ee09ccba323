package scimtest

import "context"

// syncUsers brings users to what is wanted and deactivates leavers.
func (c *cycle) syncUsers(ctx context.Context, want Directory) error {
	c.users.tried = 0
	for _, u := range want.Users {
		l, active := c.users.link(u.ID), c.active(u)
		if l.settled(u, active) {
			continue
		}
		if err := c.attempt(&l.backOff, &c.users.tried, func() error { return c.bring(ctx, l, u, active) }); err != nil {
			return err
		}
	}
	if c.cfg.Leavers == Delete && !c.app.softDelete {
		return nil
	}
	for _, l := range c.leavers(want) {
		if l.left {
			continue
		}
		if err := c.attempt(&l.backOff, &c.users.tried, func() error { return c.deactivate(ctx, l) }); err != nil {
			return err
		}
	}
	return nil
}

// active tells what the server is to think of a user.
func (c *cycle) active(u User) bool { return !u.Suspended || c.app.hidesSuspension }

func (l *userLink) settled(u User, active bool) bool {
	return !l.left && !l.deleted && l.sent != nil && *l.sent == sent{u, active}
}

// leavers are the users the server may have that are no longer wanted.
func (c *cycle) leavers(want Directory) []*userLink {
	return c.users.others(func(id string) bool {
		_, ok := want.user(id)
		return ok
	})
}

// bring makes the server have a user as it is wanted.
func (c *cycle) bring(ctx context.Context, l *userLink, u User, active bool) error {
	if l.deleted || l.left && c.app.relookup {
		*l = userLink{backOff: l.backOff}
	}
	known, before := l.id != "", l.sent
	l.user, l.sent = u, nil
	had, err := c.have(ctx, l)
	if err == nil && l.id == "" {
		err = c.create(ctx, l, active)
	} else if err == nil {
		err = c.update(ctx, l, active, had, before)
	}
	if known && gone(err) && c.app.rematch {
		*l = userLink{backOff: l.backOff}
		return c.bring(ctx, l, u, active)
	}
	if err == nil {
		l.sent, l.left, l.unsure = &sent{u, active}, false, false
	}
	return err
}

// have returns the user as the server shows it: one that is not known yet is
// looked up, and nil if there is none.
func (c *cycle) have(ctx context.Context, l *userLink) (resource, error) {
	if l.id == "" {
		had, err := c.look(ctx, "look up user "+l.user.UserName, "/Users", c.app.userQuery, l.user.UserName)
		if had != nil {
			c.claim(l, text("id")(had))
		}
		return had, err
	}
	if !c.app.readUser {
		return nil, nil
	}
	a, err := c.send(ctx, "read user "+l.user.UserName, "GET", userPath(l.id), nil)
	if err != nil {
		return nil, err
	}
	return a.content, nil
}

// claim notes the id of a user. Whoever had it is known no more: a new user
// took over the one of the server.
func (c *cycle) claim(l *userLink, id string) {
	for _, other := range c.users.links {
		if other != l && other.id == id {
			*other = userLink{user: other.user, left: true}
		}
	}
	l.id = id
}

func (c *cycle) create(ctx context.Context, l *userLink, active bool) error {
	if !active && c.app.skipsInactive {
		return nil
	}
	task := "create user " + l.user.UserName
	r, err := c.make(ctx, task, "/Users", c.app.body(l.user, active))
	if err != nil {
		l.unsure = l.unsure || unanswered(err)
		return err
	}
	c.claim(l, text("id")(r))
	return c.checkActive(task, r, active)
}

// update sends what differs between what the server has and what is wanted. Had
// is nil where the user has not been read; then it is what was sent before, if
// that is certain.
func (c *cycle) update(ctx context.Context, l *userLink, active bool, had resource, before *sent) error {
	task := "update user " + l.user.UserName
	if c.app.operations != nil {
		base := c.unknown(active)
		switch {
		case had != nil:
			base = c.app.shown(had)
		case before != nil:
			base = c.app.wanted(before.User, before.active)
		}
		return c.patchUser(ctx, task, l, c.app.operations(base, c.app.wanted(l.user, active)))
	}
	if had == nil {
		had = resource{"id": l.id}
	}
	if c.app.activate != nil && had["active"] != active {
		if err := c.patchUser(ctx, task, l, c.app.activate(active)); err != nil {
			return err
		}
	}
	return c.putUser(ctx, task, l, c.app.put(had, l.user, active), active)
}

// unknown is the base from which every attribute is sent.
func (c *cycle) unknown(active bool) known {
	base := c.app.wanted(User{}, !active)
	for i := range base.values {
		base.values[i].text = "\x00"
	}
	return base
}

func (c *cycle) patchUser(ctx context.Context, task string, l *userLink, operations []operation) error {
	if len(operations) == 0 {
		return nil
	}
	_, err := c.send(ctx, task, "PATCH", userPath(l.id), patch(operations))
	return err
}

func (c *cycle) putUser(ctx context.Context, task string, l *userLink, body resource, active bool) error {
	a, err := c.send(ctx, task, "PUT", userPath(l.id), body)
	if err != nil {
		return err
	}
	return c.checkActive(task, a.content, active)
}

// checkActive compares what an answer shows, as Okta does: it takes another
// value for a delay of the server.
func (c *cycle) checkActive(task string, r resource, active bool) error {
	if !c.app.checksActive || r == nil || r["active"] == active {
		return nil
	}
	return &Failure{Task: task, Status: 200, Detail: "the answer shows another value of active than was sent"}
}

// deactivate tells the server that a user left. One that it does not have needs
// nothing; apps that would not create it again call that a failure.
func (c *cycle) deactivate(ctx context.Context, l *userLink) error {
	l.sent = nil
	had, err := c.leaving(ctx, l)
	if err == nil && l.id != "" {
		err = c.inactive(ctx, l, had)
	}
	if gone(err) {
		l.left = true
		if c.app.rematch {
			return nil
		}
	}
	if err == nil {
		l.left, l.unsure = true, false
	}
	return err
}

// leaving returns the user as the server shows it. It looks up one that an
// unanswered create may have made.
func (c *cycle) leaving(ctx context.Context, l *userLink) (resource, error) {
	if l.id == "" && !l.unsure || c.app.activate != nil && l.id != "" {
		return nil, nil
	}
	return c.have(ctx, l)
}

func (c *cycle) inactive(ctx context.Context, l *userLink, had resource) error {
	task := "deactivate user " + l.user.UserName
	switch {
	case c.app.activate != nil:
		return c.patchUser(ctx, task, l, c.app.activate(false))
	case c.app.operations != nil:
		now := c.app.wanted(l.user, true)
		if had != nil {
			now = c.app.shown(had)
		}
		return c.patchUser(ctx, task, l, c.app.operations(now, known{values: now.values}))
	case had == nil:
		had = resource{"id": l.id}
	}
	return c.putUser(ctx, task, l, c.app.put(had, l.user, false), false)
}

// deleteLeavers deletes leavers, where that is wanted. A server without them is
// as good.
func (c *cycle) deleteLeavers(ctx context.Context, want Directory) error {
	if c.cfg.Leavers != Delete {
		return nil
	}
	for _, l := range c.leavers(want) {
		if l.deleted || c.app.softDelete && !l.left {
			continue
		}
		if err := c.attempt(&l.backOff, &c.users.tried, func() error { return c.remove(ctx, l) }); err != nil {
			return err
		}
	}
	return nil
}

func (c *cycle) remove(ctx context.Context, l *userLink) error {
	if l.id == "" && l.unsure {
		if _, err := c.have(ctx, l); err != nil {
			return err
		}
	}
	if l.id != "" {
		_, err := c.send(ctx, "delete user "+l.user.UserName, "DELETE", userPath(l.id), nil)
		if err != nil && !gone(err) {
			return err
		}
	}
	for _, g := range c.groups.links {
		delete(g.members, l.id)
	}
	l.left, l.deleted, l.unsure = true, true, false
	return nil
}
