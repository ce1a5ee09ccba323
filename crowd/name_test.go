package crowd_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestValidateName(t *testing.T) {
	for name, valid := range map[string]bool{
		"a": true, "a b": true, "ÿ": true, strings.Repeat("界", 255): true, strings.Repeat("😀", 127): true,
		"": false, " ": false, "\u00a0": false, " a": false, "a\u2003": false, "a\n": false,
		strings.Repeat("x", 256): false, strings.Repeat("😀", 128): false,
		"a\x00b": false, "a\nb": false, "a\ufffeb": false, "a\xffb": false,
	} {
		err := crowd.ValidateName(name)
		if (err == nil) != valid || err != nil && (!errors.Is(err, crowd.ErrInvalidName) || !strings.HasPrefix(err.Error(), "crowd: invalid name: it ")) {
			t.Errorf("%q: got %v, want valid %t", name, err, valid)
		}
	}
	for _, name := range awkwardNames() {
		if err := crowd.ValidateName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// The client refuses a name if and only if the server would.
func TestNameRuleIsTheServers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(
			rapid.String(),
			rapid.StringOfN(rapid.RuneFrom([]rune("a\t \n\u00a0\u2028\x7f\u0085\ufffe\ufffd😀é")), 0, 4, -1),
			rapid.StringOfN(rapid.RuneFrom([]rune("x界😀")), 120, 260, -1),
		).Draw(rt, "name")
		if !utf8.ValidString(name) {
			return // no JSON can say it
		}
		s := new(crowdtest.Server)
		body, err := json.Marshal(map[string]any{"name": name, "type": "GROUP"})
		if err != nil {
			rt.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, testBase+"/rest/usermanagement/1/group", strings.NewReader(string(body)))
		if err != nil {
			rt.Fatal(err)
		}
		r.SetBasicAuth(crowdtest.DefaultApplication, crowdtest.DefaultPassword.Reveal())
		r.Header.Set("Content-Type", typeJSON)
		response, err := s.RoundTrip(r)
		if err != nil {
			rt.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		_, err = clientOf(t, new(crowdtest.Server), crowd.Config{}).CreateGroup(t.Context(), crowd.Group{Name: name})
		if refused := errors.Is(err, crowd.ErrInvalidName); refused != (response.StatusCode == 400) {
			rt.Fatalf("%q: the server answers %d, the client %v", name, response.StatusCode, err)
		}
	})
}
