package scim_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A handler on a Crowd in memory, and an identity provider that creates a user.
func Example() {
	fake := &crowdtest.Server{}
	client, err := crowd.New(crowd.Config{
		BaseURL: "https://crowd.example.com/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: fake}, // leave it out for a real Crowd
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "okta", Crowd: client})
	if err != nil {
		fmt.Println(err)
		return
	}
	secret, token := scim.NewToken()
	auth, err := scim.Tokens(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := scim.New(scim.Config{
		Engine: engine, Auth: auth, Provider: scim.Okta,
		BaseURL: "https://bridge.example.com/scim/v2",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", h))

	r := httptest.NewRequest("POST", "/scim/v2/Users", strings.NewReader(
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"bjensen","name":{"givenName":"Barbara","familyName":"Jensen"}}`))
	r.Header.Set("Authorization", "Bearer "+secret.Reveal())
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	user, _ := fake.User("bjensen")
	fmt.Println(w.Code, user.Name, user.DisplayName, user.Active)
	// Output: 201 bjensen Barbara Jensen true
}

// The secret goes to the identity provider; what is kept tells nothing of it.
func ExampleNewToken() {
	secret, token := scim.NewToken()
	fmt.Println(secret, len(token.SHA256), strings.HasPrefix(secret.Reveal(), "scimcrowd_"))
	// Output: [secret] 64 true
}

// Requests come from one network only, with a token that stands alone in the
// Authorization header if need be, or with what another authenticator knows.
func ExampleNewAuthenticator() {
	secret, token := scim.NewToken()
	token.ID, token.ReadOnly = "monitoring", true
	auth, err := scim.NewAuthenticator(scim.AuthConfig{
		Tokens: []scim.Token{token},
		Access: scim.Access{Raw: true, Addresses: []string{"192.0.2.0/24"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("GET", "/Users", nil)
	r.Header.Set("Authorization", secret.Reveal())
	for _, from := range []string{"192.0.2.7:4711", "198.51.100.1:4711"} {
		r.RemoteAddr = from
		who, err := auth.Authenticate(r)
		fmt.Println(who.Token, who.ReadOnly, err)
	}
	// Output:
	// monitoring true <nil>
	//  false scim: requests from 198.51.100.1 are not taken; the setting access.addresses lists from where they are: forbidden
}

// The settings name another provider than the one that calls.
func ExampleHandler_Findings() {
	client, err := crowd.New(crowd.Config{
		BaseURL: "https://crowd.example.com/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: &crowdtest.Server{}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "idp", Crowd: client})
	if err != nil {
		fmt.Println(err)
		return
	}
	secret, token := scim.NewToken()
	auth, err := scim.Tokens(token)
	if err != nil {
		fmt.Println(err)
		return
	}
	h, err := scim.New(scim.Config{Engine: engine, Auth: auth, Provider: scim.Entra, BaseURL: "https://bridge.example.com/scim/v2"})
	if err != nil {
		fmt.Println(err)
		return
	}
	r := httptest.NewRequest("GET", "/Users?startIndex=1&count=2", nil)
	r.Header.Set("Authorization", "Bearer "+secret.Reveal())
	r.Header.Set("User-Agent", "Okta SCIM Client 1.0.0")
	h.ServeHTTP(httptest.NewRecorder(), r)
	for _, f := range h.Findings() {
		fmt.Printf("%s: %s.\n%s\n", f.Code, f.Problem, f.Remedy)
	}
	// Output:
	// wrong-provider: the requests are those of okta, but the provider is set to entra.
	// Set the provider to "okta", or to "generic".
}
