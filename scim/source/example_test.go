package source_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// Example imports a file. The plan comes first, for an administrator to look at;
// applying it does just what it says.
func Example() {
	fake := new(crowdtest.Server)
	fake.AddUser(crowd.User{Name: "Bob", Email: "bob@example.com", Active: true})
	importer, err := source.NewImporter(bridge(fake, scim.Users{Existing: groupsync.Link}))
	if err != nil {
		log.Fatal(err)
	}
	file := source.NewJSONLines(strings.NewReader(`
		{"id": "1", "userName": "ann", "name": {"givenName": "Ann", "familyName": "Lind"}, "emails": [{"value": "ann@example.com"}]}
		{"id": "2", "userName": "bob", "displayName": "Bob", "emails": [{"value": "bob@example.com"}]}
		{"id": "7", "displayName": "devs", "members": [{"value": "1"}, {"value": "2"}]}
		{"end": {"users": 2, "groups": 1}}`))
	ctx := context.Background()
	plan, err := importer.Plan(ctx, file)
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range plan.Outcomes {
		fmt.Println(o)
	}
	if _, err := importer.Apply(ctx, plan, ""); err != nil {
		log.Fatal(err)
	}
	fmt.Println("devs:", fake.Members("devs"))
	// Output:
	// create user "ann": Crowd has no such user
	// link user "bob": has the same name
	// create group "devs": the connection has no such group
	// devs: [ann bob]
}

// bridge returns what an import into a Crowd needs: the engine and the handler of a
// connection. Where there is a configuration document, backup.Build makes both.
func bridge(fake *crowdtest.Server, users scim.Users) source.ImporterConfig {
	client, err := crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: fake},
	})
	if err != nil {
		log.Fatal(err)
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: client})
	if err != nil {
		log.Fatal(err)
	}
	_, token := scim.NewToken()
	auth, err := scim.Tokens(token)
	if err != nil {
		log.Fatal(err)
	}
	handler, err := scim.New(scim.Config{Engine: engine, Auth: auth, Users: users, BaseURL: "https://bridge.example.com/scim/v2"})
	if err != nil {
		log.Fatal(err)
	}
	return source.ImporterConfig{Engine: engine, Handler: handler}
}
