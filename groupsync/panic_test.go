package groupsync_test

import (
	"context"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A bomb panics when a user is read by key, or the registry is.
type bomb struct {
	groupsync.Directory
	armed bool
}

func (b *bomb) UserByKey(ctx context.Context, key string) (*crowd.User, error) {
	if b.armed {
		panic("boom")
	}
	return b.Directory.UserByKey(ctx, key)
}

// TestPanicsReachTheCaller holds that a panic in a goroutine of the engine goes on
// in the goroutine of the caller, who may guard itself.
func TestPanicsReachTheCaller(t *testing.T) {
	w := newWorld(t)
	b := &bomb{Directory: w.srv.Client(t)}
	w.cfg.Crowd = b
	w.restart()
	ann, ben := w.user("ann"), w.user("ben")
	g := w.group("Devs")
	b.armed = true
	defer func() {
		if v, _ := recover().(string); !strings.Contains(v, "boom") || !strings.Contains(v, "UserByKey") {
			t.Errorf("recovered %q, want the panic and where it was", v)
		}
	}()
	w.change(g.ID, add(ann, ben))
}
