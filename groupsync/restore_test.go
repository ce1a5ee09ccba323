package groupsync_test

import (
	"bytes"
	"context"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/audit"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// A memory is a state that was kept.
type memory struct {
	taken  time.Time
	groups []*groupsync.GroupState
	users  []*groupsync.UserState
}

func (w *world) remember() *memory {
	w.tb.Helper()
	m := &memory{taken: time.Now()}
	for record, err := range w.engine.State(context.Background()) {
		if err != nil {
			w.tb.Fatal(err)
		}
		if record.Group != nil {
			m.groups = append(m.groups, record.Group)
		} else {
			m.users = append(m.users, record.User)
		}
	}
	return m
}

func (m *memory) Connection() string { return "okta" }
func (m *memory) Taken() time.Time   { return m.taken }

func (m *memory) Groups() iter.Seq2[*groupsync.GroupState, error] { return withoutError(m.groups) }
func (m *memory) Users() iter.Seq2[*groupsync.UserState, error]   { return withoutError(m.users) }

func withoutError[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (m *memory) find(is func(*groupsync.UserState) bool) (*groupsync.UserState, error) {
	if i := slices.IndexFunc(m.users, is); i >= 0 {
		return m.users[i], nil
	}
	return nil, nil
}

func (m *memory) User(id string) (*groupsync.UserState, error) {
	return m.find(func(u *groupsync.UserState) bool { return u.ID == id })
}

func (m *memory) UserNamed(name string) (*groupsync.UserState, error) {
	return m.find(func(u *groupsync.UserState) bool { return crowd.Fold(u.Name) == crowd.Fold(name) })
}

func restore(ctx context.Context, e *groupsync.Engine, m *memory, o groupsync.RestoreOptions) (*groupsync.Restoration, error) {
	r, err := e.PlanRestore(ctx, m, o)
	if err != nil {
		return nil, err
	}
	_, err = e.ApplyRestore(groupsync.WithRequestID(ctx, "restore"), r, groupsync.ReconcileOptions{})
	return r, err
}

// undo plans and applies what takes a query back, by the log.
func undo(ctx context.Context, e *groupsync.Engine, log []byte, q groupsync.UndoQuery) (*groupsync.Restoration, error) {
	r, err := planUndo(ctx, e, log, q)
	if err != nil {
		return nil, err
	}
	_, err = e.ApplyRestore(groupsync.WithRequestID(ctx, "undo"), r, groupsync.ReconcileOptions{})
	return r, err
}

func planUndo(ctx context.Context, e *groupsync.Engine, log []byte, q groupsync.UndoQuery) (*groupsync.Restoration, error) {
	return e.PlanUndo(ctx, audit.Events(bytes.NewReader(log), audit.Check{}), q)
}

// audited has a world keep an audit log.
func (w *world) audited() *bytes.Buffer {
	log := new(bytes.Buffer)
	writer := audit.NewWriter(log, audit.Head{})
	seen := w.cfg.Observer
	w.cfg.Observer = func(ctx context.Context, e groupsync.Event) {
		seen(ctx, e)
		writer.Observe(ctx, e)
	}
	w.restart()
	return log
}

// requested runs f as the request of an id, later than what was before.
func (w *world) requested(id string, f func(ctx context.Context) error) {
	w.tb.Helper()
	time.Sleep(time.Minute)
	if err := f(groupsync.WithRequestID(context.Background(), id)); err != nil {
		w.tb.Fatalf("%s: %v", id, err)
	}
}

// emptied sets a stage: ann and bob are in Devs, and dan is there by hand; the
// identity provider then empties Devs by mistake. Since, eva was put into Devs by
// hand, and gus by the identity provider.
func (w *world) emptied(externalID string, also func(context.Context) error) (before *memory, id string) {
	w.tb.Helper()
	w.byHand("Devs", "dan")
	made, err := w.engine.CreateGroup(context.Background(), groupsync.NewGroup{
		Name: "Devs", ExternalID: externalID, Members: []string{w.idOf("ann"), w.idOf("bob")},
	})
	if err != nil {
		w.tb.Fatal(err)
	}
	time.Sleep(time.Hour)
	before = w.remember()
	w.requested("mistake", func(ctx context.Context) error {
		_, err := w.engine.ChangeGroup(ctx, made.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{replace()}})
		if err == nil && also != nil {
			err = also(ctx)
		}
		return err
	})
	w.requested("later", func(ctx context.Context) error {
		_, err := w.engine.ChangeGroup(ctx, made.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{add(w.member("gus"))}})
		return err
	})
	w.byHand("Devs", "eva")
	return before, made.ID
}

// castUsers makes those of the stage.
func (w *world) castUsers() {
	w.tb.Helper()
	for _, name := range []string{"ann", "bob", "gus", "eva"} {
		w.user(name)
	}
}

func (w *world) member(name string) *groupsync.User {
	return &groupsync.User{ID: w.idOf(name)}
}

func inTime(t *testing.T, s setting, f func(t *testing.T, w *world)) {
	t.Helper()
	t.Run(s.name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { f(t, s.world(t)) })
	})
}

// keepsHands reports whether a setting leaves alone who is in a group by hand.
func (s setting) keepsHands() bool { return !strings.Contains(s.name, "nobody kept") }

func TestEmptiedGroupComesBackFromSnapshot(t *testing.T) {
	for _, s := range settings() {
		inTime(t, s, func(t *testing.T, w *world) {
			w.castUsers()
			before, id := w.emptied("", nil)
			if _, err := restore(t.Context(), w.engine, before, groupsync.RestoreOptions{}); err != nil {
				t.Fatal(err)
			}
			w.wantBack(t, s, id, "ann", "bob")
			again, err := w.engine.PlanRestore(t.Context(), before, groupsync.RestoreOptions{})
			if err != nil || len(again.Plan.Steps) > 0 {
				t.Errorf("planned again: %v, %v", again.Plan, err)
			}
		})
	}
}

func TestEmptiedGroupComesBackByUndo(t *testing.T) {
	for _, s := range settings() {
		inTime(t, s, func(t *testing.T, w *world) {
			log := w.audited()
			w.castUsers()
			_, id := w.emptied("", nil)
			if _, err := undo(t.Context(), w.engine, log.Bytes(), groupsync.UndoQuery{Request: "mistake"}); err != nil {
				t.Fatal(err)
			}
			w.wantBack(t, s, id, "ann", "bob", "gus")
			again, err := planUndo(t.Context(), w.engine, log.Bytes(), groupsync.UndoQuery{Request: "mistake"})
			if err != nil || len(again.Plan.Steps) > 0 {
				t.Errorf("planned again: %v, %v", again.Plan, err)
			}
		})
	}
}

// wantBack holds a group's members in SCIM and in Crowd against those wanted, with
// dan and eva, who were put there by hand, in Crowd.
func (w *world) wantBack(t *testing.T, s setting, id string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, w.scimMembers(id)); diff != "" {
		t.Errorf("SCIM members mismatch (-want +got):\n%s", diff)
	}
	for _, target := range w.cfg.Groups.Targets(scimGroup("Devs")) {
		got := slices.DeleteFunc(w.srv.Members(target.Group), func(name string) bool { return name == "hal" })
		slices.Sort(got)
		if !s.keepsHands() { // the push has taken dan out, and a reconcile will take eva
			got = slices.DeleteFunc(got, func(name string) bool { return name == "dan" || name == "eva" })
		} else {
			want := slices.Sorted(slices.Values(append([]string{"dan", "eva"}, want...)))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("members of %s mismatch (-want +got):\n%s", target.Group, diff)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("members of %s mismatch (-want +got):\n%s", target.Group, diff)
		}
	}
	w.reconcile()
	if diff := cmp.Diff(want, w.scimMembers(id)); diff != "" {
		t.Errorf("SCIM members after a reconcile mismatch (-want +got):\n%s", diff)
	}
}

func scimGroup(name string) mapping.SCIMGroup { return mapping.SCIMGroup{Name: name} }
