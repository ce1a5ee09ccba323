package groupsync

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNoUser means that no user has the id or name, or that the one who had
	// it was deleted.
	ErrNoUser = errors.New("groupsync: no such user")
	// ErrNoGroup means that no SCIM group has the id or name.
	ErrNoGroup = errors.New("groupsync: no such group")
)

// A ConflictError says that a name is taken.
type ConflictError struct {
	// Kind is "user" or "group".
	Kind string
	// Name is the name asked for.
	Name string
	// Problem says who has it, Remedy what an administrator can do.
	Problem, Remedy string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s %q: %s. %s", e.Kind, e.Name, e.Problem, e.Remedy)
}

// A BusyError says that another operation is under way on the same thing. The
// same request succeeds once that has ended.
type BusyError struct {
	Name string
	// RetryAfter is how long to wait.
	RetryAfter time.Duration

	mark string // the hash of the id of the SCIM group that has the name still
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("group %q is being changed by another request. Try again in %s", e.Name, e.RetryAfter)
}

// A ProtectedError says that a change would touch a user or group that the
// settings protect.
type ProtectedError struct {
	// Kind is "user" or "group".
	Kind, Name string
	// Setting names the setting that protects it.
	Setting string
}

func (e *ProtectedError) Error() string {
	return fmt.Sprintf("%s %q is protected by the setting %s and is not changed over SCIM. Take it off that list to let the identity provider manage it",
		e.Kind, e.Name, e.Setting)
}

// A RefusedError says that Crowd or the settings refuse a value. Nothing was
// changed, but for a deactivation that the same request asked for.
type RefusedError struct {
	// Attribute is the SCIM attribute, such as "password".
	Attribute string
	// Problem and Remedy are fit for an administrator.
	Problem, Remedy string
	// Err is Crowd's answer, if it was Crowd.
	Err error
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s: %s. %s", e.Attribute, e.Problem, e.Remedy)
}

func (e *RefusedError) Unwrap() error { return e.Err }

// A GuardError says that a plan was refused whole because it would take away
// too much at once. See [Limit].
type GuardError struct {
	// What is counted: "memberships" or "active users".
	What string
	// Count of them would go, of Total there are; the limits are LimitCount and
	// LimitPercent, negative where there is none.
	Count, Total, LimitCount, LimitPercent int
	// Setting names the limit.
	Setting string
	// Fingerprint names the plan for [Engine.Approve].
	Fingerprint string
	// Plan is the plan that was refused.
	Plan *Plan
}

func (e *GuardError) Error() string {
	return fmt.Sprintf("refused: %s would remove %d of %d %s, more than the %d and the %d %% that the setting %s allows at once. "+
		"If it is meant, an administrator raises that setting or approves plan %s once, and the identity provider sends the request again",
		e.Plan.Title, e.Count, e.Total, e.What, e.LimitCount, e.LimitPercent, e.Setting, e.Fingerprint)
}

// A StepError says which step of a plan failed, and why. The steps before it
// have been applied; the same request, sent again, does the rest.
type StepError struct {
	Step Step
	Err  error
}

func (e *StepError) Error() string { return fmt.Sprintf("groupsync: %s: %v", e.Step, e.Err) }
func (e *StepError) Unwrap() error { return e.Err }
