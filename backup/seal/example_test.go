package seal_test

import (
	"context"
	"fmt"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/backup/seal"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A document with its secrets sealed is complete: whoever has the passphrase
// gets back what was exported.
func Example() {
	passphrase, err := seal.New("correct horse battery staple")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, token := scim.NewToken()
	config := &backup.Config{Connections: []backup.Connection{{
		Name: "okta", Path: "/scim/okta/v2", Tokens: []scim.Token{token},
		Crowd: backup.Crowd{URL: "https://crowd.example.com/crowd", Application: "scim", Password: backup.Password{Value: "s3cret"}},
	}}}

	sealed, needs, err := backup.Export(context.Background(), config, backup.ExportOptions{Secrets: backup.Sealed, Sealer: passphrase})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sealed.Connections[0].Crowd.Password)
	fmt.Println(needs[0])

	opened, err := backup.Unseal(sealed, passphrase)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(opened.Connections[0].Crowd.Password.Value.Reveal())
	// Output:
	// sealed in the document
	// connection okta: the passphrase that opens the password of the application "scim" in Crowd at https://crowd.example.com/crowd
	// s3cret
}
