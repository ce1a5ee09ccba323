package source_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// A server that repeats the token in what it says does not bring it into an error,
// however it is written there and wherever the text is cut.
func TestErrorsWithholdTheToken(t *testing.T) {
	const token = "tok-0123456789/ABCDEFGH"
	access := func(context.Context) (crowd.Secret, error) { return token, nil }
	echoes := []string{
		"bad token " + token, token, strings.Repeat("x", 290) + token, token + token,
		`tok-0123456789\/ABCDEFGH`, `Authorization: Bearer ` + token + `.`,
	}
	for _, echo := range echoes {
		client := &http.Client{Transport: transport(func(*http.Request) (int, http.Header, string) {
			return http.StatusUnauthorized, nil, `{"errorCode": "` + echo + `", "errorSummary": "` + echo + `", "scimType": "` + echo + `", "detail": "` + echo + `"}`
		})}
		for name, s := range map[string]source.Source{
			"scim":       scimOf(t, client, func(c *source.SCIMConfig) { c.Token = token }),
			"scim OAuth": scimOf(t, client, func(c *source.SCIMConfig) { c.Token, c.AccessToken = "", access }),
			"okta":       oktaOf(t, client.Transport, func(c *source.OktaConfig) { c.Token = token }),
			"okta OAuth": oktaOf(t, client.Transport, func(c *source.OktaConfig) { c.Token, c.AccessToken = "", access }),
		} {
			_, err := told(t.Context(), s)
			e, ok := errors.AsType[*source.Error](err)
			if !ok || e.Status != http.StatusUnauthorized || !strings.Contains(e.Message, "[secret]") && !strings.HasPrefix(e.Message, "xxx") {
				t.Fatalf("%s: error is %v", name, err)
			}
			if strings.Contains(err.Error(), "0123456") {
				t.Errorf("%s: the error tells the token: %v", name, err)
			}
		}
	}
}

// broken fails as net/http does where an answer is not HTTP: with what came.
type broken struct{ text string }

func (b broken) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("malformed HTTP response " + b.text)
}

func TestTransportErrorsWithholdTheToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const token = "tok-0123456789"
		_, err := told(t.Context(), oktaOf(t, broken{token}, func(c *source.OktaConfig) { c.Token = token }))
		if err == nil || !strings.HasSuffix(err.Error(), "malformed HTTP response [secret]") {
			t.Errorf("error is %v", err)
		}
	})
}
