package directory_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
)

// connect returns an administrator's means in a Crowd in memory with the given
// plugin, and a client for its application "scim".
func connect(plugin crowdtest.Plugin) (directory.Means, *crowd.Client) {
	srv := &crowdtest.Server{}
	srv.SetOptions(func(o *crowdtest.Options) { o.Plugin = plugin })
	srv.AddAdministrator("root", "secret")
	network := &http.Client{Transport: srv}
	means, err := directory.Connect(context.Background(), admin.Config{
		BaseURL: "http://crowd.test/crowd", Administrator: "root", Password: "secret", HTTPClient: network,
	})
	if err != nil {
		log.Fatal(err)
	}
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: "scim", Password: crowdtest.DefaultPassword, HTTPClient: network,
	})
	if err != nil {
		log.Fatal(err)
	}
	return means, client
}

// The directory Employees is to be there, and the application scim to see it
// alone. The first run creates and binds it; the second finds nothing to do.
func Example() {
	means, client := connect(crowdtest.ConfAPI)
	for range 2 {
		result, err := directory.Ensure(context.Background(), directory.Config{
			Name: "Employees", Create: true, Application: "scim", Client: client,
		}, means)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("created: %t, mapped: %t, no longer seen: %v\n", result.Created, result.Mapped, result.Unmapped)
	}
	// Output:
	// created: true, mapped: true, no longer seen: [Crowd]
	// created: false, mapped: false, no longer seen: []
}

// Where nothing can create a directory, the error says how an administrator does.
func ExampleEnsure() {
	means, client := connect(crowdtest.NoPlugin)
	_, err := directory.Ensure(context.Background(), directory.Config{
		Name: "Employees", Create: true, Application: "scim", Client: client,
	}, means)
	problem, ok := errors.AsType[*directory.Error](err)
	if !ok {
		log.Fatal(err)
	}
	fmt.Println(problem.Problem)
	fmt.Println(strings.Join(problem.Clicks, "\n"))
	// Output:
	// there is no directory "Employees", and neither Crowd nor a plugin in it can create one
	// Log in as an administrator and choose "Directories", then "Add directory".
	// Choose "Internal", then "Next".
	// Enter the name "Employees", leave "Active" ticked, fill in what else the kind needs, and save.
	// On the tab "Permissions" leave all permissions ticked.
}
