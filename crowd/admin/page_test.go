package admin_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/admin"
)

// TestPagesThatRepeat holds that a server which gives the first page for ever, since
// it does not go by the start, is an error and no endless list.
func TestPagesThatRepeat(t *testing.T) {
	for _, last := range []string{"", `, "isLastPage": false`} {
		asked := 0
		office := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked++; asked > 5 {
				w.WriteHeader(http.StatusGone) // an end for a client that asks on
				return
			}
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"values": [{"id": "1-QQ", "name": "a"}, {"id": "1-Qg", "name": "b"}]%s}`, last)
		}))
		defer office.Close()
		client := clientOf(t, admin.Config{BaseURL: office.URL, Administrator: "root", Password: password, Tries: 1})
		var names []string
		var failure error
		for g, err := range client.Groups(t.Context(), 1, "") {
			if err != nil {
				failure = err
				break
			}
			names = append(names, g.Name)
		}
		if failure == nil || !strings.Contains(failure.Error(), "the page from 2 on begins like the one before it") {
			t.Errorf("got %v", failure)
		}
		if len(names) != 2 || asked != 2 {
			t.Errorf("names %v after %d pages", names, asked)
		}
	}
}
