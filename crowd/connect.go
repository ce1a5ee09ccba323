package crowd

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"

	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// Connect is for the packages below this one, which speak Crowd's other APIs
// over the same transport; nobody else can call it. Application and Password are
// then those of whomever the API lets in.
func (cfg Config) Connect(api rest.API) (rest.Caller, error) {
	c, err := New(cfg)
	if err != nil {
		return nil, err
	}
	base, err := parseBase(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	c.api = base + "/" + api.Path + "/"
	return func(ctx context.Context, r rest.Request) error { return c.do(ctx, foreign(api, r)) }, nil
}

// foreign returns a request of another API as a call.
func foreign(api rest.API, r rest.Request) call {
	k := call{
		op: r.Op, name: r.Name,
		method: r.Method, resource: r.Resource, params: r.Params, body: r.Body,
		query: r.Query, repeat: r.Repeat || r.Reads(), optional: r.Optional, missing: r.Missing,
	}
	for _, secret := range r.Secrets {
		k.secrets = append(k.secrets, Secret(secret))
	}
	if r.Into != nil {
		k.read = func(a *http.Response) error {
			reflect.ValueOf(r.Into).Elem().SetZero() // of what an earlier answer had that made no sense
			err := into(r.Into)(a)
			if err == nil && r.Check != nil {
				err = r.Check()
			}
			return err
		}
	}
	k.told = func(a *http.Response) rest.Told {
		return api.Refusal(rest.Refused{
			Status: a.StatusCode, JSON: wholeJSON(a), Optional: r.Optional, Missing: r.Missing,
		})
	}
	return k
}

// wholeJSON returns the body of a refusal where it is JSON, and not cut off.
func wholeJSON(a *http.Response) []byte {
	if mediaType(a.Header) != mediaJSON {
		drain(a.Body)
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(a.Body, maxRefusal))
	if err != nil || !json.Valid(body) {
		return nil
	}
	return body
}
