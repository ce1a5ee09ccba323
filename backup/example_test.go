package backup_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
)

// text is a document as an administrator writes it.
const text = `{
  "format": "scimcrowd/v1",
  "connections": [
    {
      "name": "okta",
      "provider": "okta",
      "path": "/scim/okta/v2",
      "tokens": [
        {
          "id": "2026-11",
          "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
        }
      ],
      "crowd": {
        "url": "https://crowd.example.com/crowd",
        "application": "scim",
        "password": {
          "file": "/run/secrets/crowd"
        }
      }
    }
  ]
}
`

// From a document to a server: what a program does at its start.
func Example() {
	config, err := backup.Read(strings.NewReader(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	for _, connection := range config.Connections {
		running, err := backup.Build(context.Background(), connection, backup.BuildOptions{
			BaseURL: "https://bridge.example.com",
			Resolve: backup.References(os.LookupEnv, func(string) ([]byte, error) { // os.ReadFile
				return []byte("s3cret\n"), nil
			}),
			HTTPClient: &http.Client{Transport: &crowdtest.Server{}}, // leave it out for a real Crowd
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		running.Mount(mux)
		fmt.Println("serving", running.Name, "at", running.BaseURL)
	}
	// Output: serving okta at https://bridge.example.com/scim/okta/v2
}

// All that is wrong is told at once.
func ExampleRead() {
	_, err := backup.Read(strings.NewReader(`{"format": "scimcrowd/v1", "connections": [{
		"name": "Okta", "path": "/scim", "tokens": [], "provider": "oktaa",
		"crowd": {"url": "https://crowd.example.com/crowd", "application": "scim", "password": "s3cret"}}]}`))
	fmt.Println(err)
	// Output:
	// /connections/0/name: it is not 1 to 32 lower-case letters, digits and hyphens. Write for example "okta"
	// /connections/0/tokens: the list is empty. Write at least one, as in [{"id": "2026-11", "sha256": "..."}]
	// /connections/0/provider: "oktaa" is not known. Did you mean "okta"?
	// /connections/0/crowd/password: it is a text, not an object. Write an object in braces
}

// A configuration made in a program is written in the canonical form.
func ExampleWrite() {
	config := &backup.Config{Connections: []backup.Connection{{
		Name:   "entra",
		Path:   "/scim/entra",
		Tokens: []scim.Token{{ID: "a", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}},
		Crowd: backup.Crowd{
			URL: "https://crowd.example.com/crowd", Application: "scim", Password: backup.Password{Env: "CROWD_PASSWORD"},
		},
		Users: backup.Users{Users: scim.Users{Create: new(false)}},
	}}}
	if err := backup.Write(os.Stdout, config); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {
	//   "format": "scimcrowd/v1",
	//   "connections": [
	//     {
	//       "name": "entra",
	//       "path": "/scim/entra",
	//       "tokens": [
	//         {
	//           "id": "a",
	//           "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	//         }
	//       ],
	//       "crowd": {
	//         "url": "https://crowd.example.com/crowd",
	//         "application": "scim",
	//         "password": {
	//           "env": "CROWD_PASSWORD"
	//         }
	//       },
	//       "users": {
	//         "create": false
	//       }
	//     }
	//   ]
	// }
}

// An export without secrets lists what a restore needs.
func ExampleExport() {
	config, err := backup.Read(strings.NewReader(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	exported, needs, err := backup.Export(context.Background(), config, backup.ExportOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("password:", exported.Connections[0].Crowd.Password)
	for _, need := range needs {
		fmt.Println(need)
	}
	// Output:
	// password: environment variable CROWD_PASSWORD_OKTA
	// connection okta: the environment variable CROWD_PASSWORD_OKTA: the password of the application "scim" in Crowd at https://crowd.example.com/crowd
}

// What would change, in words.
func ExampleDiff() {
	before, err := backup.Read(strings.NewReader(text))
	if err != nil {
		fmt.Println(err)
		return
	}
	after := *before
	after.Connections = append([]backup.Connection(nil), before.Connections...)
	okta := &after.Connections[0]
	okta.Users.Delete = "delete"
	okta.Groups.Protected = []string{"crowd-administrators"}
	okta.Crowd.Password = backup.Password{Value: crowd.Secret("s3cret")}
	for _, change := range backup.Diff(before, &after) {
		fmt.Println(change)
	}
	// Output:
	// connection okta: crowd.password: written in the document, file /run/secrets/crowd before
	// connection okta: users.delete: "delete" instead of the default "deactivate"
	// connection okta: groups.protected: "crowd-administrators", not set before
}
