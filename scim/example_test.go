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
