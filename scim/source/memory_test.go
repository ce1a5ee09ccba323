package source_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim/source"
)

// What is held does not grow with what a source has: of each, more than 8 MB go by
// and less than 4 stay at any time.
func TestMemory(t *testing.T) {
	const users, perPage, most = 8000, 100, 4 << 20
	text := strings.Repeat("x", 1000)
	oktaPage := transport(func(r *http.Request) (int, http.Header, string) {
		var first int
		_, _ = fmt.Sscan(r.URL.Query().Get("after"), &first) // none on the first page
		var page []any
		for i := range perPage {
			page = append(page, map[string]any{
				"id": fmt.Sprint(first + i), "status": "ACTIVE", "profile": map[string]any{"login": "u", "title": text},
			})
		}
		header := http.Header{"Link": {self}}
		if next := first + perPage; next < users {
			header.Add("Link", fmt.Sprintf(`<https://example.okta.com/api/v1/users?after=%d>; rel="next"`, next))
		}
		return http.StatusOK, header, toJSON(page)
	})
	scimPage := transport(func(r *http.Request) (int, http.Header, string) {
		var first int
		_, _ = fmt.Sscan(r.URL.Query().Get("startIndex"), &first) // always there
		var page []any
		for i := range perPage {
			page = append(page, map[string]any{"id": fmt.Sprint(first + i), "userName": "u", "title": text})
		}
		return http.StatusOK, nil, toJSON(map[string]any{"totalResults": users, "Resources": page})
	})
	for name, s := range map[string]source.Source{
		"json lines": source.NewJSONLines(&longFile{users: users, text: text}),
		"okta":       oktaOf(t, oktaPage, func(c *source.OktaConfig) { c.NoGroups = true }),
		"scim":       scimOf(t, &http.Client{Transport: scimPage}),
	} {
		before, highest, n := heap(), uint64(0), 0
		for _, err := range s.Records(t.Context()) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if n++; n%(users/10) == 0 {
				highest = max(highest, heap())
			}
		}
		if n != users || highest > before+most {
			t.Errorf("%s: %d users, %d KB held, want %d and at most %d", name, n, (highest-before)>>10, users, most>>10)
		}
	}
}

// A longFile is a file of many users, made while it is read.
type longFile struct {
	users, written int
	text           string
	buffer         bytes.Buffer
}

func (f *longFile) Read(p []byte) (int, error) {
	if f.buffer.Len() == 0 && f.written <= f.users {
		if f.written < f.users {
			fmt.Fprintf(&f.buffer, `{"id": "%d", "userName": "u", "title": %q}`+"\n", f.written, f.text)
		} else {
			fmt.Fprintf(&f.buffer, `{"end": {"users": %d, "groups": 0}}`, f.users)
		}
		f.written++
	}
	return f.buffer.Read(p)
}

// heap returns what is held.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func toJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // no value that cannot be
	}
	return string(data)
}
