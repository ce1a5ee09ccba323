package scimtest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// Entra ID provisions a user and a group to a server, here one that is composed
// of a configuration.
func Example() {
	fake := &crowdtest.Server{}
	url, token, client := serve(fake)

	idp := scimtest.New(scimtest.Entra, scimtest.Config{BaseURL: url, Token: token, HTTPClient: client})
	report, err := idp.Sync(context.Background(), scimtest.Directory{
		Users:  []scimtest.User{{ID: "1", UserName: "bjensen", GivenName: "Barbara", FamilyName: "Jensen"}},
		Groups: []scimtest.Group{{ID: "2", Name: "Staff", Members: []string{"1"}}},
	})
	fmt.Println(err, report.Err())

	for _, s := range report.Steps {
		fmt.Println(s.Method, s.Status, s.Task)
	}
	fmt.Println(fake.Members("Staff"))
	// Output:
	// <nil> <nil>
	// GET 200 test connection
	// GET 200 test connection
	// GET 200 look up user bjensen
	// POST 201 create user bjensen
	// GET 200 look up group Staff
	// POST 201 create group Staff
	// PATCH 204 change members of group Staff
	// [bjensen]
}

// serve stands for a server under test.
func serve(fake *crowdtest.Server) (url, token string, client *http.Client) {
	secret, entry := scim.NewToken()
	running, err := backup.Build(context.Background(), backup.Connection{
		Name: "entra", Provider: scim.Entra, Path: "/scim/v2", Tokens: []scim.Token{entry},
		Crowd: backup.Crowd{
			URL: "https://crowd.example.com/crowd", Application: crowdtest.DefaultApplication,
			Password: backup.Password{Value: crowdtest.DefaultPassword},
		},
	}, backup.BuildOptions{BaseURL: "https://bridge.example.com", HTTPClient: &http.Client{Transport: fake}})
	if err != nil {
		panic(err)
	}
	return running.BaseURL, secret.Reveal(), &http.Client{Transport: inProcess{running.Handler}}
}

// inProcess reaches a handler without a network.
type inProcess struct{ http.Handler }

// RoundTrip answers a request.
func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, in)
	return w.Result(), nil
}
