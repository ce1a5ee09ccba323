package groupsync_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// alone is the setting of one process, whose engines share locks.
func alone(c *groupsync.Config) {
	c.Replicas, c.Locks = groupsync.OneReplica, groupsync.NewLocks()
}

// TestCallsByReplicas holds that the promise of one replica spares the second look
// at each change of a membership, with a record of grants and without.
func TestCallsByReplicas(t *testing.T) {
	for _, mode := range []struct {
		name                                                                string
		change                                                              []func(*groupsync.Config)
		first, remove, add, again, replace, rename, deleteGroup, deleteUser int
	}{
		{"many", nil, 6, 5, 5, 3, 4 + 3, 9 + 3, 7 + 1, 5},
		{"one", []func(*groupsync.Config){alone}, 5, 4, 4, 3, 4 + 2, 9 + 2, 7 + 1, 5},
		{"many, exclusive", []func(*groupsync.Config){exclusively}, 4, 4, 4, 4, 6, 11, 7, 7},
		{"one, exclusive", []func(*groupsync.Config){exclusively, alone}, 3, 3, 3, 3, 5, 11, 7, 7},
	} {
		t.Run(mode.name, func(t *testing.T) {
			w := newWorld(t, mode.change...)
			ann, ben := w.user("ann"), w.user("ben")
			w.group("first") // makes the registry
			devs := w.group("devs")
			ops := w.group("ops", ben)
			w.wantCalls("add one member", mode.first, func() { w.change(devs.ID, add(ann)) })
			w.wantCalls("remove one member", mode.remove, func() { w.change(devs.ID, remove(ann)) })
			w.wantCalls("add again", mode.add, func() { w.change(devs.ID, add(ann)) })
			w.wantCalls("add what is there", mode.again, func() { w.change(devs.ID, add(ann)) })
			w.change(devs.ID, add(ben))
			w.wantCalls("replace, one difference", mode.replace, func() { w.change(devs.ID, replace(ann)) })
			w.wantCalls("rename", mode.rename, func() { w.rename(devs.ID, "builders") })
			w.wantMembers("builders", "ann")
			w.wantCalls("delete group", mode.deleteGroup, func() {
				if err := w.engine.DeleteGroup(t.Context(), devs.ID); err != nil {
					t.Fatal(err)
				}
			})
			w.change(ops.ID, remove(ben))
			w.wantCalls("delete user", mode.deleteUser, func() {
				if err := w.engine.DeleteUser(t.Context(), ben.ID, groupsync.Deactivate); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestOneReplicaWaits holds that two changes of one user take turns, that whoever
// waits sees what was written meanwhile, and that it waits no longer than its request
// lasts.
func TestOneReplicaWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worldOver(t, new(crowdtest.Server), alone)
		ann := w.user("ann")
		devs, ops := w.group("devs"), w.group("ops")
		stop := make(chan struct{})
		w.srv.SetGate(func(ctx context.Context, c crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
			if at == crowdtest.BeforeEffect && c.Resource == "group/user/direct" && c.Method == "POST" && c.Params.Get("groupname") == "devs" {
				<-stop
			}
			return crowdtest.NoFault
		})
		first := make(chan error, 1)
		go func() {
			_, err := w.engine.ChangeGroup(t.Context(), devs.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{add(ann)}})
			first <- err
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := w.replica().ChangeGroup(ctx, ops.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{add(ann)}})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a change that waits for another ends with %v", err)
		}
		close(stop)
		if err := <-first; err != nil {
			t.Error(err)
		}
		w.wantMembers("devs", "ann")
		w.wantMembers("ops")
	})
}

// TestReplicasAreChecked holds what is refused of the promise.
func TestReplicasAreChecked(t *testing.T) {
	client := crowdtest.NewServer(t).Client(t)
	for want, cfg := range map[string]groupsync.Config{
		`"few"`: {Replicas: "few"},
		"Locks": {Replicas: groupsync.OneReplica, Neighbours: []groupsync.Neighbour{{Connection: "entra"}}},
	} {
		cfg.Connection, cfg.Crowd = "okta", client
		if _, err := groupsync.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to speak of %s", err, want)
		}
	}
}

// TestEveryInterleavingOfOneReplica is TestEveryInterleaving, and that beside
// reconciles, for engines of one process that has the promise to be the only one.
func TestEveryInterleavingOfOneReplica(t *testing.T) {
	clean, _ := besideReconcile()
	var all []*meeting
	for _, s := range settings() {
		s.name += ", one replica"
		for _, r := range append(races(), clean...) {
			others := r.change
			r.change = func(c *groupsync.Config) {
				if alone(c); others != nil {
					others(c)
				}
			}
			m := &meeting{race: r, setting: s}
			if len(r.ops) == 1 {
				m.beside = 1
			}
			all = append(all, m)
		}
	}
	explore(t, 2, 3, all)
}
