package admin_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// exampleCrowd is a Crowd in memory with the directories Crowd, Staff and LDAP.
func exampleCrowd() admin.Config {
	srv := &crowdtest.Server{}
	srv.AddAdministrator("root", "secret")
	srv.AddDirectory(crowdtest.Directory{Name: "Staff"})
	srv.AddDirectory(crowdtest.Directory{Name: "LDAP", Type: "CONNECTOR"})
	srv.In("Staff").AddUser(crowd.User{Name: "ann", Active: true}, crowd.User{Name: "bob", Active: true})
	srv.In("Staff").AddGroup(crowd.Group{Name: "devs", Active: true})
	return admin.Config{
		BaseURL: "http://crowd.test/crowd", Administrator: "root", Password: "secret",
		HTTPClient: &http.Client{Transport: srv},
	}
}

// Which directories does Crowd have, and which of them can be provisioned?
func Example() {
	client, err := admin.New(exampleCrowd())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	for d, err := range client.Directories(ctx, "") {
		if err != nil {
			log.Fatal(err)
		}
		if d.Type.Writable() {
			fmt.Printf("%s (%s): can be provisioned\n", d.Name, d.Type)
		} else {
			fmt.Printf("%s (%s): is a copy of another\n", d.Name, d.Type)
		}
	}
	// Output:
	// Crowd (internal): can be provisioned
	// Administrators (internal): can be provisioned
	// Staff (internal): can be provisioned
	// LDAP (ldap): is a copy of another
}

// Which directories does the application "scim" see, and what may it do there?
func ExampleClient_Mappings() {
	client, err := admin.New(exampleCrowd())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	application, err := client.ApplicationNamed(ctx, "scim")
	if err != nil {
		log.Fatal(err)
	}
	for m, err := range client.Mappings(ctx, application.ID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Name, m.Permissions)
	}
	// Output:
	// Crowd [CREATE_USER UPDATE_USER DELETE_USER UPDATE_USER_ATTRIBUTE CREATE_GROUP UPDATE_GROUP DELETE_GROUP UPDATE_GROUP_ATTRIBUTE]
}

// Three users are put into a group with one call; one of them does not exist.
func ExampleMemberships() {
	client, err := admin.New(exampleCrowd())
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	staff, err := client.DirectoryNamed(ctx, "Staff")
	if err != nil {
		log.Fatal(err)
	}
	failed, err := client.Memberships(staff.ID).AddMembers(ctx, "devs", []string{"ann", "bob", "eve"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(failed["eve"])
	for u, err := range client.Members(ctx, staff.ID, "devs") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("member:", u.Name)
	}
	// Output:
	// crowd: add member eve of devs: user not found (USER_NOT_FOUND)
	// member: ann
	// member: bob
}
