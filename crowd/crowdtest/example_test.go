package crowdtest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// clientOf returns a client that calls srv without a network. Tests have
// [crowdtest.Server.Client] for that.
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

func Example() {
	ctx := context.Background()
	srv := &crowdtest.Server{}
	srv.AddUser(crowd.User{Name: "ann", Active: true})
	srv.AddGroup(crowd.Group{Name: "devs", Active: true})
	client := clientOf(srv)

	changed, err := client.AddMember(ctx, "devs", "ann")
	fmt.Println(changed, err)
	_, err = client.User(ctx, "bob")
	fmt.Println(errors.Is(err, crowd.ErrUserNotFound))

	fmt.Println(srv.Members("devs"))
	for _, call := range srv.Calls() {
		fmt.Println(call)
	}
	// Output:
	// true <nil>
	// true
	// [ann]
	// POST group/user/direct?groupname=devs 201
	// GET user?expand=attributes&username=bob 404
}

// A write whose answer gets lost has taken effect nevertheless.
func ExampleServer_Fail() {
	srv := &crowdtest.Server{}
	srv.Fail(crowdtest.Fault{Method: "POST", Resource: "group", Kind: crowdtest.LoseResponse})

	group, err := clientOf(srv).CreateGroup(context.Background(), crowd.Group{Name: "devs", Active: true})
	fmt.Println(group.Name, err)
	fmt.Print(srv.Counts())
	// Output:
	// devs <nil>
	//      1 GET group
	//      1 POST group
}

// Two clients add the same member, one after the other has looked.
func ExampleServer_SetGate() {
	ctx := context.Background()
	srv := &crowdtest.Server{}
	srv.AddUser(crowd.User{Name: "ann", Active: true})
	srv.AddGroup(crowd.Group{Name: "devs", Active: true})
	client := clientOf(srv)
	first := true
	srv.SetGate(func(ctx context.Context, call crowdtest.Call, at crowdtest.Moment) crowdtest.FaultKind {
		if first && at == crowdtest.BeforeEffect {
			first = false
			changed, err := client.AddMember(ctx, "devs", "ann")
			fmt.Println("meanwhile:", changed, err)
		}
		return crowdtest.NoFault
	})

	fmt.Println(client.AddMember(ctx, "devs", "ann"))
	// Output:
	// meanwhile: true <nil>
	// false <nil>
}

// Crowd forbids applications to change e-mail addresses since version 4.4.
func ExampleServer_SetOptions() {
	ctx := context.Background()
	srv := &crowdtest.Server{}
	srv.AddUser(crowd.User{Name: "ann", Email: "ann@example.com", Active: true})
	for _, version := range []string{"6.3.0", "4.3.5"} {
		srv.SetOptions(func(o *crowdtest.Options) { o.Version = version })
		err := clientOf(srv).UpdateUser(ctx, crowd.User{Name: "ann", Email: "ann@example.org", Active: true})
		fmt.Println(version, errors.Is(err, crowd.ErrPermission))
	}
	// Output:
	// 6.3.0 true
	// 4.3.5 false
}

// The document that Load reads and Dump writes is also that of the program
// examples/fakecrowd.
func ExampleServer_Load() {
	srv := &crowdtest.Server{}
	err := srv.Load(strings.NewReader(`{"directories": [{
		"name": "People",
		"users": [{"name": "ann", "email": "ann@example.com", "password": "secret"}, {"name": "bob"}],
		"groups": [{"name": "devs", "members": ["ann"]}]
	}]}`))
	fmt.Println(err, srv.UserNames(), srv.Members("devs"))
	// Output: <nil> [ann bob] [ann]
}

// An administrator looks at the directories through the administration API.
func ExampleServer_AddAdministrator() {
	srv := &crowdtest.Server{}
	srv.AddDirectory(crowdtest.Directory{Name: "LDAP", Type: "CONNECTOR"})
	srv.AddAdministrator("root", "secret")

	client, err := admin.New(admin.Config{
		BaseURL: "http://crowd.test/crowd", Administrator: "root", Password: "secret", HTTPClient: &http.Client{Transport: srv},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for d, err := range client.Directories(context.Background(), "") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(d.Name, d.Type)
	}
	// Output:
	// Crowd internal
	// LDAP ldap
	// Administrators internal
}

func ExampleReadFaults() {
	faults, err := crowdtest.ReadFaults(strings.NewReader(
		`[{"method": "POST", "resource": "group/*", "nth": 2, "kind": "answer", "status": 503, "retryAfter": "1s"}]`))
	fmt.Println(faults[0].Kind, faults[0].Status, err)
	_, err = crowdtest.ReadFaults(strings.NewReader(`[{"kind": "explode"}]`))
	fmt.Println(err)
	// Output:
	// answer 503 <nil>
	// crowdtest: read faults: "explode" is no kind of fault; the kinds are none, lose-request, lose-response, land-late, delay-request, delay-response, reset-request, reset-response, answer, answer-html, cut-body
}
