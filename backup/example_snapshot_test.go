package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/groupsync/audit"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// bridge returns a connection over a Crowd in memory, with ann and bob in devs.
func bridge(observe func(context.Context, groupsync.Event)) (*groupsync.Engine, *crowdtest.Server, string) {
	ctx := context.Background()
	fake := &crowdtest.Server{}
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.example.com/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: fake},
	})
	if err != nil {
		panic(err)
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: client, Observer: observe})
	if err != nil {
		panic(err)
	}
	team := groupsync.NewGroup{Name: "devs"}
	for _, name := range []string{"ann", "bob"} {
		u, err := engine.CreateUser(ctx, groupsync.Profile{Fields: mapping.Fields{Username: &name}}, groupsync.Conflict)
		if err != nil {
			panic(err)
		}
		team.Members = append(team.Members, u.ID)
	}
	g, err := engine.CreateGroup(ctx, team)
	if err != nil {
		panic(err)
	}
	return engine, fake, g.ID
}

// empty is the mistake: the identity provider pushes a group without members.
var empty = groupsync.GroupChange{Members: []groupsync.MemberChange{{Op: groupsync.ReplaceMembers}}}

// A group that was emptied by mistake in the identity provider is brought back.
func ExampleWriteSnapshot() {
	ctx := context.Background()
	engine, fake, devs := bridge(nil)
	var file bytes.Buffer
	if err := backup.WriteSnapshot(ctx, &file, engine, time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)); err != nil {
		fmt.Println(err)
		return
	}
	if _, err := engine.ChangeGroup(ctx, devs, empty); err != nil {
		fmt.Println(err)
		return
	}
	fake.AddUser(crowd.User{Name: "cat", Active: true})
	fake.AddMember("devs", "cat") // by hand

	snapshot, err := backup.OpenSnapshot(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(snapshot)
	for change, err := range snapshot.Compare(ctx, engine) {
		fmt.Println(change, err)
	}
	restoration, err := engine.PlanRestore(ctx, snapshot, groupsync.RestoreOptions{Groups: []string{"devs"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, step := range restoration.Plan.Steps {
		fmt.Println(step.Op, step.User, "in", step.Group)
	}
	_, err = engine.ApplyRestore(groupsync.WithRequestID(ctx, "restore-1"), restoration, groupsync.ReconcileOptions{})
	fmt.Println(fake.Members("devs"), err)
	// Output:
	// connection okta as of 2026-11-25T09:00:00Z: 1 SCIM groups, 2 users
	// user "ann": grant "devs": granted -> not granted <nil>
	// user "ann": membership "devs": made by grants -> none <nil>
	// user "bob": grant "devs": granted -> not granted <nil>
	// user "bob": membership "devs": made by grants -> none <nil>
	// grant ann in devs
	// grant bob in devs
	// [ann bob cat] <nil>
}

// What one request changed is taken back, by the audit log alone.
func ExampleSnapshot_undo() {
	ctx := context.Background()
	var log bytes.Buffer
	engine, fake, devs := bridge(audit.NewWriter(&log, audit.Head{}).Observe)
	if _, err := engine.ChangeGroup(groupsync.WithRequestID(ctx, "request-7"), devs, empty); err != nil {
		fmt.Println(err)
		return
	}
	events := audit.Events(bytes.NewReader(log.Bytes()), audit.Check{})
	undo, err := engine.PlanUndo(ctx, events, groupsync.UndoQuery{Request: "request-7"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(undo.Plan.Title)
	_, err = engine.ApplyRestore(groupsync.WithRequestID(ctx, "undo-1"), undo, groupsync.ReconcileOptions{})
	fmt.Println(fake.Members("devs"), err)
	// Output:
	// undo the changes of the connection "okta": request "request-7"
	// [ann bob] <nil>
}

// A document is exported, and restored where there is another Crowd: it is held
// against that first, then put into use.
func ExampleReviewChange() {
	ctx := context.Background()
	config, err := backup.Read(strings.NewReader(strings.Replace(text, `"password"`, `"directory": {"name": "Employees"}, "password"`, 1)))
	if err != nil {
		fmt.Println(err)
		return
	}
	config.Connections[0].Groups.DefaultForAllUsers = []string{"employees"}
	config.Connections[0].Users.Leads = backup.Leads{Project: "cat"}
	exported, needs, err := backup.Export(ctx, config, backup.ExportOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("supply", needs[0].Text)

	fresh := &crowdtest.Server{Application: "scim", Password: "s3cret"} // another Crowd
	fresh.AddAdministrator("root", "t0psecret")
	options := backup.ReviewOptions{
		Build: backup.BuildOptions{
			BaseURL:    "https://bridge.example.com",
			HTTPClient: &http.Client{Transport: fresh},
			Resolve: backup.References(func(string) (string, bool) { return "s3cret", true }, // os.LookupEnv
				nil),
		},
		Administration: func(c backup.Connection) (backup.Administration, error) {
			return admin.New(admin.Config{
				BaseURL: c.Crowd.URL, Administrator: "root", Password: "t0psecret", HTTPClient: &http.Client{Transport: fresh},
			})
		},
	}
	review, err := backup.ReviewChange(ctx, nil, exported, options)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, problem := range review.Problems {
		fmt.Println(problem, problem.Stops)
	}
	fresh.AddDirectory(crowdtest.Directory{Name: "Employees"})
	fresh.UpdateApplication("scim", func(a *crowdtest.Application) { a.Directories = []crowdtest.Mapping{{Directory: "Employees"}} })
	fresh.In("Employees").AddUser(crowd.User{Name: "cat", Active: true})
	fresh.In("Employees").AddGroup(crowd.Group{Name: "employees", Active: true})
	review, err = backup.ReviewChange(ctx, nil, exported, options)
	if err != nil || review.Stops() {
		fmt.Println(review.Problems, err)
		return
	}
	live, err := backup.NewLive(ctx, exported, options.Build) // an http.Handler
	fmt.Println(live.Running()[0].BaseURL, err)
	// Output:
	// supply the environment variable CROWD_PASSWORD_OKTA: the password of the application "scim" in Crowd at https://crowd.example.com/crowd
	// /connections/0/crowd/directory/name: the application sees no directory "Employees". Create it in Crowd and map it to the application, or correct the name true
	// /connections/0/crowd/application: what the application may do in Crowd was not tried out. Review with a probe, which makes a user and two groups and removes them, or look in Crowd false
	// /connections/0/users/leads/project: Crowd has no user "cat". Create the user, or name another true
	// /connections/0/groups/defaultForAllUsers/0: Crowd has no group "employees". Create the group, or correct the name false
	// https://bridge.example.com/scim/okta/v2 <nil>
}
