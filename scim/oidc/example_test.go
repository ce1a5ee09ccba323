package oidc_test

import (
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/oidc"
)

// A connection takes tokens of its own, and besides them those that Entra ID
// makes for one tenant.
func Example() {
	secret, token := scim.NewToken()
	token.ID = "monitoring"
	auth, err := scim.NewAuthenticator(scim.AuthConfig{
		Tokens:  []scim.Token{token},
		Access:  scim.Access{Issuers: []scim.Issuer{{EntraTenant: "3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1"}}},
		Issuers: oidc.Accept,
	})
	if err != nil {
		log.Fatal(err)
	}

	r := httptest.NewRequest("GET", "/Users", nil)
	r.Header.Set("Authorization", "Bearer "+secret.Reveal())
	who, err := auth.Authenticate(r)
	fmt.Println(who.Token, err)

	// A token that names another tenant is refused without asking anybody.
	r.Header.Set("Authorization", "Bearer e30.eyJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC9vdGhlci8ifQ.eA")
	_, err = auth.Authenticate(r)
	fmt.Println(err)
	// Output:
	// monitoring <nil>
	// scim: the token is not one of this connection's; give the identity provider a current one; or: the token is not from https://sts.windows.net/3f0a8b52-0d7e-4c1e-9c51-6a20f0d9e0a1/, whose tokens are accepted here: no credential of this kind
}
