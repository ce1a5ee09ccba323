package groupsync_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// clientOf returns a client of a fake Crowd. Without a network:
func clientOf(srv *crowdtest.Server) *crowd.Client {
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: srv},
	})
	if err != nil {
		panic(err)
	}
	return client
}

// named is the profile of a user of whom no more is known.
func named(name string) groupsync.Profile {
	return groupsync.Profile{Fields: mapping.Fields{Username: &name}}
}

// joined creates users.
func joined(engine *groupsync.Engine, names ...string) (ids []string, err error) {
	for _, name := range names {
		u, err := engine.CreateUser(context.Background(), named(name), groupsync.Conflict)
		if err != nil {
			return nil, err
		}
		ids = append(ids, u.ID)
	}
	return ids, nil
}

// The shortest whole use: a user, a group on the fly, a member who comes and goes.
// Whom an administrator put into the group stays.
func Example() {
	crowdServer := new(crowdtest.Server) // in production a Crowd
	crowdServer.AddUser(crowd.User{Name: "cem", Active: true})
	crowdServer.AddGroup(crowd.Group{Name: "devs", Active: true})
	crowdServer.AddMember("devs", "cem")

	ctx := context.Background()
	engine, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: clientOf(crowdServer)})
	if err != nil {
		fmt.Println(err)
		return
	}
	ann, err := engine.CreateUser(ctx, named("ann"), groupsync.Conflict)
	if err != nil {
		fmt.Println(err)
		return
	}
	devs, err := engine.CreateGroup(ctx, groupsync.NewGroup{Name: "devs", Members: []string{ann.ID}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("pushed: ", crowdServer.Members("devs"))

	_, err = engine.ChangeGroup(ctx, devs.ID, groupsync.GroupChange{Members: []groupsync.MemberChange{
		{Op: groupsync.ReplaceMembers}, // with nobody
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("emptied:", crowdServer.Members("devs"))
	// Output:
	// pushed:  [ann cem]
	// emptied: [cem]
}

// A reconcile in two steps: see what it would do, then do that and nothing else.
func ExampleEngine_Apply() {
	crowdServer := new(crowdtest.Server)
	ctx := context.Background()
	engine, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: clientOf(crowdServer)})
	if err != nil {
		fmt.Println(err)
		return
	}
	ids, err := joined(engine, "ann", "ben")
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := engine.CreateGroup(ctx, groupsync.NewGroup{Name: "devs", Members: ids}); err != nil {
		fmt.Println(err)
		return
	}
	crowdServer.In("").RemoveMember("devs", "ann", "ben") // a slip of an administrator

	plan, err := engine.Plan(ctx, groupsync.ReconcileOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(plan)
	crowdServer.AddMember("devs", "ben") // mended meanwhile: costs no write

	result, err := engine.Apply(ctx, plan, groupsync.ReconcileOptions{})
	fmt.Println(result.Applied, "applied,", len(result.Stale), "out of date,", err)
	fmt.Println(crowdServer.Members("devs"))
	// Output:
	// reconcile the connection "okta"
	//   1. add member "ann" in "devs"
	//   2. add member "ben" in "devs"
	// 2 applied, 0 out of date, <nil>
	// [ann ben]
}

// A push that would empty a group is refused, and passes once an administrator has
// approved it.
func ExampleEngine_Approve() {
	crowdServer := new(crowdtest.Server)
	ctx := context.Background()
	one, half := 1, 50
	engine, err := groupsync.New(groupsync.Config{
		Connection: "okta", Crowd: clientOf(crowdServer),
		Policy: groupsync.Policy{Removals: groupsync.Limit{Count: &one, Percent: &half}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ids, err := joined(engine, "ann", "ben", "cem")
	if err != nil {
		fmt.Println(err)
		return
	}
	devs, err := engine.CreateGroup(ctx, groupsync.NewGroup{Name: "devs", Members: ids})
	if err != nil {
		fmt.Println(err)
		return
	}

	empty := groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: groupsync.ReplaceMembers}}}
	_, err = engine.ChangeGroup(ctx, devs.ID, empty)
	refused, ok := errors.AsType[*groupsync.GuardError](err)
	if !ok {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d of %d %s would go: %v stay\n", refused.Count, refused.Total, refused.What, crowdServer.Members("devs"))

	engine.Approve(refused.Fingerprint)
	_, err = engine.ChangeGroup(ctx, devs.ID, empty)
	fmt.Println("approved:", crowdServer.Members("devs"), err)
	// Output:
	// 3 of 3 memberships would go: [ann ben cem] stay
	// approved: [] <nil>
}

// Two identity providers that share a Crowd directory: a membership goes with the
// last grant of both.
func ExampleNeighbour() {
	crowdServer := new(crowdtest.Server)
	ctx := context.Background()
	connection := func(name, other string) *groupsync.Engine {
		engine, err := groupsync.New(groupsync.Config{
			Connection: name, Crowd: clientOf(crowdServer), Neighbours: []groupsync.Neighbour{{Connection: other}},
		})
		if err != nil {
			panic(err)
		}
		return engine
	}
	okta, entra := connection("okta", "entra"), connection("entra", "okta")
	ids, err := joined(okta, "ann")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, engine := range []*groupsync.Engine{okta, entra} {
		if _, err := engine.CreateGroup(ctx, groupsync.NewGroup{Name: "devs", Members: ids}); err != nil {
			fmt.Println(err)
			return
		}
	}
	for _, engine := range []*groupsync.Engine{okta, entra} {
		devs, err := engine.GroupByName(ctx, "devs")
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := engine.DeleteGroup(ctx, devs.ID); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(crowdServer.GroupsOf("ann"))
	}
	// Output:
	// [devs]
	// []
}

// An observer hears of every change, and why it was made.
func ExampleEvent() {
	crowdServer := new(crowdtest.Server)
	engine, err := groupsync.New(groupsync.Config{
		Connection: "okta", Crowd: clientOf(crowdServer),
		Observer: func(_ context.Context, e groupsync.Event) {
			var why []string
			for _, r := range e.Step.Reasons {
				why = append(why, r.String())
			}
			fmt.Println(e.Request, e.Kind, e.Step, e.Step.Why+strings.Join(why, ", "))
		},
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
	ctx := groupsync.WithRequestID(context.Background(), "r-17")
	if _, err := engine.CreateGroup(ctx, groupsync.NewGroup{Name: "devs", Members: ids}); err != nil {
		fmt.Println(err)
	}
	// Output:
	//  applied create user "ann": username "" -> "ann" the identity provider created the user
	// r-17 applied create group "devs" the identity provider created the group
	// r-17 membership add member "ann" in "devs" granted by devs, on the fly
	// r-17 applied grant "ann" in "devs" the identity provider put the user into the group
}
