package confapi_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/confapi"
)

// canned answers every request in the same way.
type canned struct {
	status      int
	media, body string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Request: r, Header: http.Header{"Content-Type": {c.media}}, Body: io.NopCloser(strings.NewReader(c.body)),
	}, nil
}

// FuzzAnswers reads answers that no plugin should give. What comes back is a
// directory or an error of package crowd, on one line and without the passwords.
func FuzzAnswers(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(200, "application/json", string(text))
		f.Add(200, "application/json", `{"directories": [`+string(text)+`]}`)
		f.Add(200, "application/json", `{"x": `+string(text)+`}`)
	}
	f.Add(200, "application/json", `{"id": 1, "name": "x", "createdDate": "2024-01-02T03:04:05.000+0000", "updatedDate": 1700000000000}`)
	f.Add(400, "application/json", `{"errorMessages": ["a\nb", "connector-password"]}`)
	f.Add(404, "text/html", `<html>`)
	f.Fuzz(func(t *testing.T, status int, media, body string) {
		if status < 200 || status > 599 {
			return
		}
		client, err := confapi.New(admin.Config{
			BaseURL: "http://crowd.test", Administrator: "root", Password: password, Tries: 1,
			HTTPClient: &http.Client{Transport: canned{status, media, body}},
		}, confapi.BootstrAPI)
		if err != nil {
			t.Fatal(err)
		}
		sent := confapi.Directory{Type: confapi.Delegating, Name: "x", Connector: &confapi.Connector{Password: "connector-password"}}
		made, createErr := client.Create(t.Context(), sent)
		changed, changeErr := client.Change(t.Context(), 1, sent)
		read, readErr := client.Directory(t.Context(), 1)
		all, listErr := client.Directories(t.Context())
		for _, d := range append(all, made, changed, read) {
			if d != nil && d.Name == "" {
				t.Errorf("a directory without a name: %+v", d)
			}
		}
		for _, err := range []error{createErr, changeErr, readErr, listErr, client.Delete(t.Context(), 1)} {
			if err == nil {
				continue
			}
			if _, known := errors.AsType[*crowd.Error](err); !known || strings.ContainsFunc(err.Error(), unicode.IsControl) {
				t.Errorf("error %q", err)
			}
		}
		for _, err := range []error{createErr, changeErr} {
			if err != nil && strings.Contains(err.Error(), "connector-password") {
				t.Errorf("the password is in %q", err)
			}
		}
	})
}
