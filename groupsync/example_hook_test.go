package groupsync_test

import (
	"context"
	"fmt"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A keyring is a hook that gives a leaver's keys to the janitor.
type keyring map[string]string // holders by key

func (k keyring) Name() string { return "keyring" }

func (k keyring) Plan(_ context.Context, l groupsync.Leaver) ([]groupsync.HookStep, error) {
	var steps []groupsync.HookStep
	for key, holder := range k {
		if holder == l.Name {
			steps = append(steps, groupsync.HookStep{
				Object: key, Changes: []groupsync.Change{{Field: "key of the " + key, Before: holder, After: "janitor"}},
			})
		}
	}
	return steps, nil
}

func (k keyring) Do(_ context.Context, l groupsync.Leaver, s groupsync.HookStep) error {
	switch k[s.Object] {
	case "janitor":
		return nil // done already
	case l.Name:
		k[s.Object] = "janitor"
		return nil
	}
	return groupsync.ErrStalePlan // somebody else has it by now
}

// A hook sees a leaver off before the user is locked out.
func ExampleHook() {
	keys := keyring{"garage": "ann", "cellar": "bob"}
	engine, err := groupsync.New(groupsync.Config{
		Connection: "okta", Crowd: clientOf(new(crowdtest.Server)), Hooks: []groupsync.Hook{keys},
		Observer: func(_ context.Context, e groupsync.Event) { fmt.Println(e.Kind, e.Step) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ids, err := joined(engine, "ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = engine.DeleteUser(context.Background(), ids[0], groupsync.Deactivate)
	fmt.Println("the garage is the", keys["garage"]+"'s", err)
	// Output:
	// applied create user "ann": username "" -> "ann"
	// applied hand over "ann" by "keyring": key of the garage "ann" -> "janitor"
	// applied deactivate user "ann"
	// applied delete user "ann"
	// applied end sessions "ann"
	// the garage is the janitor's <nil>
}
