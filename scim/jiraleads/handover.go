package jiraleads

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// Plan returns a step for each project and each component that a leaver leads and that
// has a default lead. It changes nothing. The error says what is wrong with a default
// lead that is needed, or with Jira; it matches *[Error] for the latter.
func (h *Hook) Plan(ctx context.Context, l groupsync.Leaver) ([]groupsync.HookStep, error) {
	leaver, err := h.jira.find(ctx, l)
	if err != nil {
		return nil, err
	}
	led, err := h.led(ctx, leaver, l)
	if err != nil {
		return nil, err
	}
	heirs := map[string]*account{}
	var steps []groupsync.HookStep
	for _, it := range led {
		if heirs[it.kind] == nil {
			if heirs[it.kind], err = h.heir(ctx, it.kind, leaver, l); err != nil {
				return nil, err
			}
		}
		steps = append(steps, step(it, heirs[it.kind]))
	}
	return steps, nil
}

func step(it item, heir *account) groupsync.HookStep {
	return groupsync.HookStep{Object: it.object(), Changes: []groupsync.Change{
		{Field: it.label(), Before: it.lead.label(), After: heir.label()},
	}}
}

// led returns what a leaver leads, in a fixed order. What is in the settings of nobody
// is not asked for.
func (h *Hook) led(ctx context.Context, leaver *account, l groupsync.Leaver) ([]item, error) {
	var all, led []item
	err := h.jira.projects(ctx, func(it item) error {
		all = append(all, item{kind: it.kind, id: it.id, project: it.project})
		if h.project != "" && h.jira.is(it.lead, leaver, l) {
			led = append(led, it)
		}
		return nil
	})
	if err != nil || h.component == "" {
		return led, err
	}
	var mu sync.Mutex // guards led
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(h.parallel)
	for _, project := range all {
		g.Go(func() error {
			return h.jira.components(inner, project, func(it item) error {
				if !h.jira.is(it.lead, leaver, l) {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				led = append(led, it)
				return nil
			})
		})
	}
	err = g.Wait()
	slices.SortFunc(led, func(x, y item) int {
		return cmp.Or(-cmp.Compare(x.kind, y.kind), cmp.Compare(x.project, y.project), cmp.Compare(x.name, y.name), cmp.Compare(x.id, y.id))
	})
	return led, err
}

// default leads, as settings call them.
var settings = map[string]string{projectKind: "project lead", componentKind: "component lead"}

// heir returns who takes over what is of a kind.
func (h *Hook) heir(ctx context.Context, kind string, leaver *account, l groupsync.Leaver) (*account, error) {
	name := h.project
	if kind == componentKind {
		name = h.component
	}
	a, err := h.jira.lookUp(ctx, name)
	if err != nil {
		return nil, err
	}
	if problem := unfit(a); problem != "" {
		return nil, fmt.Errorf("jiraleads: the default %s %q %s", settings[kind], name, problem)
	}
	if leaver != nil && a.id() == leaver.id() || leaver == nil && h.jira.is(a, nil, l) {
		return nil, fmt.Errorf("jiraleads: the default %s %q is the leaver. Name another in the settings", settings[kind], name)
	}
	return a, nil
}

// unfit says why an account cannot lead anything, "" if it can.
func unfit(a *account) string {
	switch {
	case a == nil:
		return "does not exist in Jira. Create the user there, or name another in the settings"
	case !a.Active || a.Deleted:
		return "is not active in Jira. Activate the user there, or name another in the settings"
	case a.Type != "" && a.Type != "atlassian":
		return "is not a person's account in Jira. Name another in the settings"
	}
	return ""
}

// mostWrites bounds the attempts to change one lead.
const mostWrites = 3

// Do hands one project or component over, if the leaver leads it still.
func (h *Hook) Do(ctx context.Context, l groupsync.Leaver, s groupsync.HookStep) error {
	kind, id, ok := strings.Cut(s.Object, " ")
	if !ok || id == "" || settings[kind] == "" || len(s.Changes) != 1 {
		return fmt.Errorf("jiraleads: %q is no step of this hook", s.Object)
	}
	if kind == projectKind && h.project == "" || kind == componentKind && h.component == "" {
		return fmt.Errorf("jiraleads: %w", groupsync.ErrStalePlan)
	}
	leaver, err := h.jira.find(ctx, l)
	if err != nil {
		return err
	}
	heir, err := h.heir(ctx, kind, leaver, l)
	if err != nil {
		return err
	}
	if heir.label() != s.Changes[0].After {
		return fmt.Errorf("jiraleads: another default %s: %w", settings[kind], groupsync.ErrStalePlan)
	}
	return h.give(ctx, kind, id, leaver, heir, l)
}

// give reads the lead, changes it, and where the answer was lost looks again.
func (h *Hook) give(ctx context.Context, kind, id string, leaver, heir *account, l groupsync.Leaver) error {
	var last error
	for try := range mostWrites {
		it, err := h.jira.read(ctx, kind, id)
		switch {
		case err != nil:
			return errors.Join(err, last)
		case it == nil:
			return fmt.Errorf("jiraleads: the %s is gone: %w", kind, groupsync.ErrStalePlan)
		case it.lead != nil && it.lead.id() == heir.id():
			return nil
		case !h.jira.is(it.lead, leaver, l):
			return fmt.Errorf("jiraleads: the %s of %s is another by now: %w", settings[kind], it.project, groupsync.ErrStalePlan)
		}
		if try == 0 {
			if err := h.mayLead(ctx, it, heir); err != nil {
				return err
			}
		}
		if last = h.jira.setLead(ctx, it, heir); last == nil || !uncertain(last) {
			return last
		}
	}
	return last
}

// mayLead refuses a lead whom Jira could not assign issues to. Where Jira does not
// tell, that is no reason against it.
func (h *Hook) mayLead(ctx context.Context, it *item, heir *account) error {
	may, err := h.jira.assignable(ctx, heir, it.project)
	if e, ok := errors.AsType[*Error](err); ok && (e.Status == 403 || e.Status == 404) {
		return nil
	}
	if err == nil && !may {
		err = fmt.Errorf("jiraleads: %q cannot be assigned issues of the project %s, so cannot lead it. "+
			"Give that user the permission Assignable User there, or name another in the settings", heir.label(), it.project)
	}
	return err
}
