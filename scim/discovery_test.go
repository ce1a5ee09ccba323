package scim_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim"
)

// TestAuthenticationSchemes checks that the configuration tells of the schemes
// by which a token is taken, and of no others (RFC 7643 section 5).
func TestAuthenticationSchemes(t *testing.T) {
	secret, token := scim.NewToken()
	tests := map[string]struct {
		access  scim.Access
		schemes []string
		header  string // of a request with Basic
		status  int    // of the answer to it
	}{
		"default":          {scim.Access{}, []string{"oauthbearertoken", "httpbasic"}, "Authorization", 200},
		"header by itself": {scim.Access{Header: "X-Api-Key"}, []string{"oauthbearertoken"}, "X-Api-Key", 401},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			auth, err := scim.NewAuthenticator(scim.AuthConfig{Tokens: []scim.Token{token}, Access: test.access})
			if err != nil {
				t.Fatal(err)
			}
			b := newBridge(t, func(b *bridge) { b.cfg.Auth = auth })
			a := b.do("GET", "/ServiceProviderConfig", "", "Authorization: ", test.header+": Bearer "+secret.Reveal())
			var types []string
			list, _ := a.object()["authenticationSchemes"].([]any)
			for _, item := range list {
				scheme, _ := item.(map[string]any)
				kind, _ := scheme["type"].(string)
				types = append(types, kind)
				if text, _ := scheme["description"].(string); !strings.Contains(text, test.header) {
					t.Errorf("%s: the description %q does not name the header %s", kind, text, test.header)
				}
			}
			if diff := cmp.Diff(test.schemes, types); diff != "" {
				t.Errorf("schemes mismatch (-want +got):\n%s", diff)
			}
			basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("any:"+secret.Reveal()))
			if a := b.do("GET", "/Users?count=0", "", "Authorization: ", test.header+": "+basic); a.status != test.status {
				t.Errorf("Basic: %d %s, want %d", a.status, a.text, test.status)
			}
		})
	}
}
