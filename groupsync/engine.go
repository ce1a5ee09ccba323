package groupsync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/scimcrowd/scimcrowd/mapping"
)

// Config says what an [Engine] works on.
type Config struct {
	// Connection is the name of the connection: 1 to 32 lower-case letters,
	// digits and hyphens. Required. What is recorded in Crowd bears it, so it
	// cannot be changed later.
	Connection string
	// Crowd is the directory. Required.
	Crowd Directory
	// Ledger keeps grants and SCIM groups; nil means in Crowd.
	Ledger Ledger
	// Attributes maps users, nil means the defaults.
	Attributes *mapping.AttributeMap
	// Groups maps groups, nil means the defaults.
	Groups *mapping.GroupMap
	// Neighbours are the other connections that provision the same directory.
	// Engines that share one must know each other.
	Neighbours []Neighbour
	// Abandoned names connections whose records are left in the directory and
	// count no more. See [StrangerError].
	Abandoned []string
	// Policy limits what one request may take away.
	Policy Policy
	// ProtectedUsers names users whose name, e-mail, password, active flag and
	// existence are never changed.
	ProtectedUsers []string
	// RejectEmail refuses a change of e-mail that Crowd refuses, with a
	// [RefusedError]. By default the rest of the update is done without it, and
	// an event tells.
	RejectEmail bool
	// FlattenGroups puts the members of a SCIM group that is a member of another
	// into the Crowd groups that the outer one fills. By default the Crowd group of
	// the inner one becomes a member of that of the outer one, where the directory
	// supports that and both are mapped by name; else the request is refused.
	FlattenGroups bool
	// RejectUnknownMembers refuses a change of members that names a user Crowd
	// does not have. By default such members are passed over, and an event tells.
	RejectUnknownMembers bool
	// KeepEmptyGroups keeps the Crowd groups of deleted and renamed SCIM groups.
	// By default those that this connection created are deleted, once nobody
	// else is in them.
	KeepEmptyGroups bool
	// SplitWrites sends what a membership was before its grant, as a request of
	// its own. Needed where Crowd does not apply the attributes of one request
	// together.
	SplitWrites bool
	// Replicas says whether this process alone provisions the directory; the default
	// is [ManyReplicas].
	Replicas Replicas
	// Batch changes many memberships in one call, as full pushes and reconciles do
	// where there is one; what it refuses is changed by calls of its own. Nil means
	// one call for each.
	Batch Batch
	// Locks are shared by the engines of one directory where Replicas is
	// [OneReplica]; nil means an engine's own, which will do where there is one
	// connection and its engine is never replaced.
	Locks *Locks
	// DryRun plans and reports every change and applies none.
	DryRun bool
	// Hooks are run when a user is deactivated or deleted.
	Hooks []Hook
	// HookTimeout bounds how long all hooks together may put off that a leaver is
	// locked out; each has an equal share. Default 10 s, and at most half of what is
	// left of the call's time.
	HookTimeout time.Duration
	// RequireHooks makes a call return a *[HookError] where a hook failed, so that
	// the identity provider sends the request again. By default an event tells, and
	// the next reconcile sees to it.
	RequireHooks bool
	// Parallel is the greatest number of users worked on at the same time by one
	// call; 8 by default.
	Parallel int
	// Observer is told every event; it must be quick and safe for concurrent
	// use. Nil means nobody.
	Observer func(context.Context, Event)
	// Logger gets events at level debug, and warnings. Nil discards.
	Logger *slog.Logger
	// Now tells the time; nil means [time.Now].
	Now func() time.Time
}

// An Engine changes a Crowd directory on behalf of one connection. It is safe
// for concurrent use and keeps nothing but counts for the guard.
type Engine struct {
	connection string
	crowd      Directory
	ledger     Ledger
	attributes *mapping.AttributeMap
	groups     *mapping.GroupMap
	policy     Policy
	protected  map[string]bool
	cfg        Config
	names      names
	neighbours []neighbour
	observer   func(context.Context, Event)
	logger     *slog.Logger
	now        func() time.Time
	guard      guard
	locks      *Locks
}

var connectionName = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// New returns an engine, or an error that says what is wrong with cfg.
func New(cfg Config) (*Engine, error) {
	if !connectionName.MatchString(cfg.Connection) {
		return nil, errors.New("groupsync: Config.Connection must be 1 to 32 lower-case letters, digits and hyphens")
	}
	if cfg.Crowd == nil {
		return nil, errors.New("groupsync: Config.Crowd is required")
	}
	if err := fillMaps(&cfg); err != nil {
		return nil, err
	}
	if cfg.Groups.Exclusive() && len(cfg.Neighbours) > 0 {
		return nil, errors.New("groupsync: exclusive groups have room for one connection. Set onTheFly.exclusive to false, or give each connection a directory of its own")
	}
	others, err := neighbours(cfg)
	if err != nil {
		return nil, err
	}
	if err := checkHooks(&cfg); err != nil {
		return nil, err
	}
	switch {
	case cfg.Replicas != "" && cfg.Replicas != OneReplica && cfg.Replicas != ManyReplicas:
		return nil, fmt.Errorf("groupsync: Config.Replicas is %q, must be %q or %q", cfg.Replicas, OneReplica, ManyReplicas)
	case cfg.Replicas == OneReplica && len(cfg.Neighbours) > 0 && cfg.Locks == nil:
		return nil, errors.New("groupsync: Config.Locks is required where connections share a directory and Replicas is \"one\". Give all their engines the same")
	}
	if cfg.Locks == nil {
		cfg.Locks = NewLocks()
	}
	if cfg.Parallel <= 0 {
		cfg.Parallel = 8
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Ledger == nil {
		cfg.Ledger = NewCrowdLedger(cfg.Crowd, cfg.Connection)
	}
	e := &Engine{
		connection: cfg.Connection, crowd: cfg.Crowd, ledger: cfg.Ledger,
		attributes: cfg.Attributes, groups: cfg.Groups, policy: cfg.Policy,
		protected: foldedSet(cfg.ProtectedUsers), cfg: cfg, names: namesOf(cfg.Connection), neighbours: others,
		observer: cfg.Observer, logger: cfg.Logger, now: cfg.Now, locks: cfg.Locks,
	}
	e.guard.approved = map[string]time.Time{}
	e.guard.removals = map[string]*tally{}
	return e, nil
}

func fillMaps(cfg *Config) error {
	var err error
	if cfg.Attributes == nil {
		if cfg.Attributes, err = mapping.CompileAttributes(nil, mapping.AttributeOptions{}); err != nil {
			return err
		}
	}
	if cfg.Groups == nil {
		cfg.Groups, err = mapping.CompileGroups(mapping.Groups{})
	}
	return err
}

// apply holds the plan against the guard and applies its steps in order.
func (e *Engine) apply(ctx context.Context, p *Plan) error {
	if err := e.check(ctx, p); err != nil {
		return err
	}
	for _, s := range p.Steps {
		if err := e.step(ctx, s); err != nil && s.Op != OpHandOver { // a hook keeps nobody in
			return err
		}
	}
	return nil
}

// applyAll is apply for steps that do not depend on each other.
func (e *Engine) applyAll(ctx context.Context, p *Plan) error {
	if err := e.check(ctx, p); err != nil {
		return err
	}
	return e.each(ctx, len(p.Steps), func(ctx context.Context, i int) error {
		return e.step(ctx, p.Steps[i])
	})
}

// applyAsOne is apply for steps that are applied together, by run.
func (e *Engine) applyAsOne(ctx context.Context, p *Plan, run func(context.Context) error) error {
	if err := e.check(ctx, p); err != nil {
		return err
	}
	if !e.cfg.DryRun {
		last := p.Steps[len(p.Steps)-1]
		if err := run(ctx); err != nil {
			e.report(ctx, EventFailed, last, err.Error())
			return &StepError{last, err}
		}
	}
	for _, s := range p.Steps {
		if e.cfg.DryRun {
			e.report(ctx, EventPlanned, s, "")
			continue
		}
		if s.Op == OpHandOver {
			continue // has told by itself what became of it
		}
		e.guard.note(s, e.now())
		e.report(ctx, EventApplied, s, "")
	}
	return nil
}

func (e *Engine) step(ctx context.Context, s Step) error {
	if err := ctx.Err(); err != nil {
		return &StepError{s, err}
	}
	if e.cfg.DryRun {
		e.report(ctx, EventPlanned, s, "")
		return nil
	}
	if err := s.run(ctx); err != nil {
		kind := EventFailed
		if errors.Is(err, errStale) {
			kind = EventStale
		}
		e.report(ctx, kind, s, err.Error())
		return &StepError{s, err}
	}
	e.guard.note(s, e.now())
	e.report(ctx, EventApplied, s, "")
	return nil
}

// each calls f for 0 to n-1, a few at the same time. Once one fails no further
// is begun; those begun are finished.
func (e *Engine) each(ctx context.Context, n int, f func(ctx context.Context, i int) error) error {
	var g errgroup.Group
	g.SetLimit(e.cfg.Parallel)
	var p panics
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for i := range n {
		if inner.Err() != nil {
			break
		}
		g.Go(func() error {
			err := p.catch(func() error { return f(ctx, i) })
			if err != nil {
				cancel(err)
			}
			return err
		})
	}
	err := g.Wait()
	p.raise()
	if err == nil {
		err = ctx.Err() // some may not have been begun
	}
	return err
}
