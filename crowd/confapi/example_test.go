package confapi_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/confapi"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// A directory is created, in a Crowd where one of the plugins is installed, and
// closed to changes of its users later on.
func Example() {
	srv := &crowdtest.Server{}
	srv.SetOptions(func(o *crowdtest.Options) { o.Plugin = crowdtest.BootstrAPI })
	srv.AddAdministrator("root", "secret")

	ctx := context.Background()
	client, err := confapi.Find(ctx, admin.Config{
		BaseURL: "http://crowd.test/crowd", Administrator: "root", Password: "secret",
		HTTPClient: &http.Client{Transport: srv},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("found", client.Plugin())

	d, err := client.Create(ctx, confapi.Directory{Type: confapi.Internal, Name: "Employees"})
	if err != nil {
		log.Fatal(err)
	}
	d, err = client.Change(ctx, d.ID, confapi.Directory{Permissions: &confapi.Permissions{ModifyUser: new(false)}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Name, d.Type, "denies", d.Permissions.Denied())
	// Output:
	// found bootstrapi
	// Employees internal denies [modifyUser]
}
