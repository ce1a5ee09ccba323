package backup_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
)

// The document says which directory a connection provisions, and that it is to be
// created; an administrator's password lets that happen before the connection is
// built.
func ExampleEnsureDirectories() {
	config, err := backup.Read(strings.NewReader(`{
	  "format": "scimcrowd/v1",
	  "connections": [{
	    "name": "okta", "provider": "okta", "path": "/scim/okta",
	    "tokens": [{"id": "1", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
	    "crowd": {
	      "url": "https://crowd.example.com/crowd", "application": "scim", "password": {"value": "crowdtest-password"},
	      "directory": {"name": "Employees", "create": true}
	    }
	  }]
	}`))
	if err != nil {
		log.Fatal(err)
	}

	srv := &crowdtest.Server{} // stands for Crowd
	srv.SetOptions(func(o *crowdtest.Options) { o.Plugin = crowdtest.ConfAPI })
	srv.AddAdministrator("root", "secret")
	network := &http.Client{Transport: srv}

	ensured, err := backup.EnsureDirectories(context.Background(), config, backup.DirectoryOptions{
		Build: backup.BuildOptions{HTTPClient: network},
		Means: func(ctx context.Context, c backup.Connection) (directory.Means, error) {
			return directory.Connect(ctx, admin.Config{
				BaseURL: c.Crowd.URL, Administrator: "root", Password: "secret", HTTPClient: network,
			})
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range ensured {
		fmt.Printf("%s: created %t, no longer seen %v\n", d.Connection, d.Created, d.Unmapped)
	}
	// Output:
	// okta: created true, no longer seen [Crowd]
}
