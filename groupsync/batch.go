package groupsync

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A Batch changes many memberships of a directory in one call, where the server has
// such calls: the Memberships of package admin is one. It is best effort: failed has
// those that were refused, each with its cause. With an error nothing is known of the
// others.
type Batch interface {
	AddMembers(ctx context.Context, group string, users []string) (failed map[string]error, err error)
	RemoveMembers(ctx context.Context, group string, users []string) (failed map[string]error, err error)
}

// batchChunk is how many users' memberships are collected for batches: few enough that
// work which is cut short has come some way, enough to fill a call.
const batchChunk = 500

// A queue collects changes of memberships whose records are written, to make them
// together.
type queue struct {
	e       *Engine
	waiting map[queueKey][]queued
}

type queueKey struct {
	target string // folded
	action mapping.Action
}

// A queued change is one of a user's.
type queued struct {
	work   *edges
	target mapping.Target
}

// queue returns an empty queue, nil where there are no batches.
func (e *Engine) queue() *queue {
	if e.cfg.Batch == nil || e.cfg.DryRun {
		return nil
	}
	return &queue{e: e, waiting: map[queueKey][]queued{}}
}

// take moves what was collected for one user into the queue.
func (q *queue) take(w *edges) {
	for _, c := range w.collected {
		key := queueKey{crowd.Fold(c.target.Group), w.last[crowd.Fold(c.target.Group)]}
		q.waiting[key] = append(q.waiting[key], c)
	}
	w.collecting, w.collected = false, nil
}

// flush makes the changes, and returns what became of each user's that failed.
func (q *queue) flush(ctx context.Context) map[*edges]error {
	keys := slices.SortedFunc(maps.Keys(q.waiting), func(x, y queueKey) int {
		return cmp.Or(cmp.Compare(x.action, y.action), cmp.Compare(x.target, y.target))
	})
	failed := map[*edges]error{}
	for _, key := range keys {
		q.send(ctx, key.action, q.waiting[key], failed)
	}
	clear(q.waiting)
	return failed
}

// send makes one kind of change in one group: by a batch, and each that this refuses
// or does not speak of by itself, for a cause of its own.
func (q *queue) send(ctx context.Context, action mapping.Action, all []queued, failed map[*edges]error) {
	singly := all
	if len(all) > 1 {
		refused, err := q.batch(ctx, action, all)
		if err == nil {
			singly = slices.DeleteFunc(slices.Clone(all), func(c queued) bool {
				if refused[c.work.user.Crowd.Name] != nil {
					return false
				}
				if was, known := c.work.members[crowd.Fold(c.target.Group)]; !known || was[crowd.Fold(c.work.user.Crowd.Name)] != (action == mapping.Add) {
					c.work.done(ctx, c.target, action)
				}
				return true
			})
		}
	}
	errs := make([]error, len(singly))
	_ = q.e.each(ctx, len(singly), func(ctx context.Context, i int) error {
		errs[i] = singly[i].work.change(ctx, singly[i].target, action)
		return nil
	})
	for i, err := range errs {
		if err != nil && failed[singly[i].work] == nil {
			failed[singly[i].work] = err
		}
	}
}

func (q *queue) batch(ctx context.Context, action mapping.Action, all []queued) (map[string]error, error) {
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = c.work.user.Crowd.Name
	}
	change := q.e.cfg.Batch.RemoveMembers
	if action == mapping.Add {
		change = q.e.cfg.Batch.AddMembers
	}
	return change(ctx, all[0].target.Group, names)
}

// errorOf returns one of the errors, the same for the same ones.
func errorOf(failed map[*edges]error) error {
	var first *edges
	for w := range failed {
		if first == nil || w.user.ID < first.user.ID {
			first = w
		}
	}
	return failed[first]
}
