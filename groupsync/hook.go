package groupsync

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A Hook does what a leaver leaves to do outside of Crowd. It is run when the
// identity provider deactivates or deletes a user whom the connection owns, just
// before the user is locked out. Those of packages scim/jiraleads and scim/webhook
// are hooks.
//
// A hook keeps nobody in: it has [Config.HookTimeout] to plan and to act, and where
// it fails or takes longer the user is locked out all the same. What it did not end
// stands on record with the user, and each [Engine.Reconcile] tries it again. So a
// hook may be run for one leaver several times, by several replicas at once.
//
// Its methods may be called concurrently. They must return soon after their context
// is done; a call waits for one that does not, though not before the leaver is out.
// Their errors show in events and logs: they must hold no secret.
type Hook interface {
	// Name tells the hook apart from others: 1 to 32 lower-case letters, digits and
	// hyphens. What is recorded bears it, so it cannot be changed later.
	Name() string
	// Plan returns what there is to do for a leaver, nothing if it is done. It
	// changes nothing. Its steps do not depend on each other.
	Plan(ctx context.Context, l Leaver) ([]HookStep, error)
	// Do takes a step, by this hook's Plan or by that of another replica, maybe of
	// yesterday. A step that is done already is no error. An error that matches
	// [ErrStalePlan] says that the step is not called for any more.
	Do(ctx context.Context, l Leaver, s HookStep) error
}

// A Leaver is a user who is about to be locked out, or was.
type Leaver struct {
	// Connection is the name of the connection that owns the user.
	Connection string
	// ID is the SCIM id, Key the one of Crowd, Name the user name.
	ID, Key, Name string
	// FormerName is the user name at the time when the user left, where it was
	// changed since. Somebody else may have it by now.
	FormerName string
	// Email, DisplayName and ExternalID are what Crowd and the identity provider
	// say of the user; they may be empty.
	Email, DisplayName, ExternalID string
	// Deleted tells that the identity provider deleted the user.
	Deleted bool
	// At is when the identity provider said so, and Request the id of its request.
	// They stay the same when a hook is run again.
	At      time.Time
	Request string
}

// A HookStep is a single change that a [Hook] makes.
type HookStep struct {
	// Object says to the hook itself what is changed, such as "project 10000".
	Object string
	// Changes shows people what changes, without secrets.
	Changes []Change
}

// A HookError says that a hook failed. The leaver is locked out all the same.
type HookError struct {
	// Hook is its name, User the leaver's.
	Hook, User string
	Err        error
}

func (e *HookError) Error() string {
	return fmt.Sprintf("the hook %q failed for the leaver %q, who is locked out; a reconcile tries it again: %v", e.Hook, e.User, e.Err)
}

func (e *HookError) Unwrap() error { return e.Err }

// defaultHookTimeout leaves most of a request's time to what locks the leaver out.
const defaultHookTimeout = 10 * time.Second

// checkHooks fills the default in and refuses names that do not fit.
func checkHooks(cfg *Config) error {
	seen := map[string]bool{}
	for i, h := range cfg.Hooks {
		if h == nil {
			return fmt.Errorf("groupsync: Config.Hooks[%d] is nil", i)
		}
		name := h.Name()
		if !connectionName.MatchString(name) {
			return fmt.Errorf("groupsync: the name of Config.Hooks[%d] must be 1 to 32 lower-case letters, digits and hyphens", i)
		}
		if seen[name] {
			return fmt.Errorf("groupsync: two of Config.Hooks have the name %q", name)
		}
		seen[name] = true
	}
	if cfg.HookTimeout < 0 {
		return errors.New("groupsync: Config.HookTimeout must not be negative")
	}
	if cfg.HookTimeout == 0 {
		cfg.HookTimeout = defaultHookTimeout
	}
	return nil
}

// hook returns the hook of a name, nil if there is none.
func (e *Engine) hook(name string) Hook {
	for _, h := range e.cfg.Hooks {
		if h.Name() == name {
			return h
		}
	}
	return nil
}

// leaver returns what hooks are told of a user.
func (e *Engine) leaver(u *User, word note, deleted bool) Leaver {
	l := Leaver{
		Connection: e.connection, ID: u.ID, Key: u.Crowd.Key, Name: u.Crowd.Name, Email: u.Crowd.Email,
		DisplayName: u.Crowd.DisplayName, ExternalID: u.externalID, Deleted: deleted || u.gone, At: word.At, Request: word.Request,
	}
	if word.Name != "" && word.Name != l.Name {
		l.FormerName = word.Name
	}
	return l
}
