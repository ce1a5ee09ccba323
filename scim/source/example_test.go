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
	"github.com/scimcrowd/scimcrowd/scim/source/oktatest"
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

// Okta's people are read with a read-only API token: here the engineers, and the
// groups whose names begin with "jira-".
func ExampleNewOkta() {
	organisation := &oktatest.Server{} // in production https://example.okta.com
	ann := organisation.AddUser(oktatest.User{Profile: map[string]any{
		"login": "ann@example.com", "email": "ann@example.com", "firstName": "Ann", "lastName": "Lind", "department": "Engineering",
	}})
	organisation.AddUser(oktatest.User{Profile: map[string]any{"login": "bob@example.com", "department": "Sales"}})
	organisation.AddGroup("jira-developers", ann)
	organisation.AddGroup("Everyone", ann)

	okta, err := source.NewOkta(source.OktaConfig{
		URL: "https://example.okta.com", Token: oktatest.DefaultToken,
		Search: `profile.department eq "Engineering"`, GroupSearch: `profile.name sw "jira-"`,
		HTTPClient: &http.Client{Transport: organisation},
	})
	if err != nil {
		log.Fatal(err)
	}
	for record, err := range okta.Records(context.Background()) {
		switch {
		case err != nil:
			log.Fatal(err)
		case record.Group == nil:
			fmt.Println("user", record.User["userName"], record.User["name"])
		default:
			fmt.Println("group", record.Group.Name)
			for member, err := range record.Group.Members {
				fmt.Println("  with", member.ID == ann, err)
			}
		}
	}
	// Output:
	// user ann@example.com map[familyName:Lind givenName:Ann]
	// group jira-developers
	//   with true <nil>
}

// What differs between an identity provider and Crowd, before anything is changed.
func ExampleImporter_Compare() {
	fake := new(crowdtest.Server)
	fake.AddUser(crowd.User{Name: "ann", DisplayName: "Ann", Active: true}, crowd.User{Name: "left.long.ago", Active: true})
	fake.AddGroup(crowd.Group{Name: "devs", Active: true})
	fake.AddMember("devs", "left.long.ago")
	importer, err := source.NewImporter(bridge(fake, scim.Users{Existing: groupsync.Link}))
	if err != nil {
		log.Fatal(err)
	}
	file := source.NewJSONLines(strings.NewReader(`
		{"id": "1", "userName": "ann", "displayName": "Ann Lind"}
		{"id": "2", "userName": "bob"}
		{"id": "7", "displayName": "devs", "members": [{"value": "1"}]}
		{"end": {"users": 2, "groups": 1}}`))
	for difference, err := range importer.Compare(context.Background(), file) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(difference)
	}
	// Output:
	// user differs "ann": displayName is "Ann", wanted "Ann Lind"
	// user missing "bob"
	// user extra "left.long.ago": no connection owns the user
	// member extra "left.long.ago" in "devs"
	// member missing "ann" in "devs"
}

// Leavers are deactivated if that is asked for, and never because a source broke off:
// this file has lost its end.
func ExampleImporter_Plan_leavers() {
	fake := new(crowdtest.Server)
	cfg := bridge(fake, scim.Users{})
	cfg.Leavers = true
	importer, err := source.NewImporter(cfg)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for _, text := range []string{
		`{"id": "1", "userName": "ann"}` + "\n" + `{"id": "2", "userName": "bob"}` + "\n" + `{"end": {"users": 2, "groups": 0}}`,
		`{"id": "1", "userName": "ann"}`,
		`{"id": "1", "userName": "ann"}` + "\n" + `{"end": {"users": 1, "groups": 0}}`,
	} {
		plan, err := importer.Plan(ctx, source.NewJSONLines(strings.NewReader(text)))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v, early: %q\n", plan.Outcomes, plan.Early)
		if _, err := importer.Apply(ctx, plan, ""); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// [create user "ann": Crowd has no such user create user "bob": Crowd has no such user], early: ""
	// [], early: "source: json lines: line 1: source: ended early: the last line, such as {\"end\": {\"users\": 1, \"groups\": 0}}, is missing"
	// [deactivate user "bob": the identity provider does not have the user], early: ""
}
