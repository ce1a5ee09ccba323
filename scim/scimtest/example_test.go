package scimtest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

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

// What a server gets wrong is told in the words of whoever set the identity
// provider up: this one loses titles, and takes no group.
func ExampleReport() {
	url, token, client := serve(&crowdtest.Server{})
	client.Transport = forgetful{client.Transport}

	idp := scimtest.New(scimtest.Okta, scimtest.Config{BaseURL: url, Token: token, HTTPClient: client})
	report, err := idp.Sync(context.Background(), scimtest.Directory{
		Users:  []scimtest.User{{ID: "1", UserName: "bjensen", GivenName: "Barbara", Title: "Tour Guide"}},
		Groups: []scimtest.Group{{ID: "2", Name: "Staff", Members: []string{"1"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Err())
	// Output:
	// scimtest: create group Staff: status 501: no groups here
	// scimtest: user bjensen: title is "", want "Tour Guide"
	// scimtest: group Staff: exists is "no", want "yes"
}

// A forgetful server has no titles, and makes no groups.
type forgetful struct{ http.RoundTripper }

// RoundTrip answers a request.
func (f forgetful) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/Groups") {
		w := httptest.NewRecorder()
		w.WriteHeader(http.StatusNotImplemented)
		fmt.Fprint(w, `{"status":"501","detail":"no groups here"}`)
		return w.Result(), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(body, []byte(`"title"`), []byte(`"label"`))))
	r.ContentLength = int64(len(body))
	return f.RoundTripper.RoundTrip(r)
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
