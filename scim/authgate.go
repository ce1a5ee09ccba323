package scim

import (
	"errors"
	"net/http"
	"path"
	"time"
)

// undecidedRetry is when to ask again after [ErrUndecided].
const undecidedRetry = 10 * time.Second

// authenticate refuses whoever has no valid credential, and holds the refusal
// back the longer the more there were. Whoever has one goes through at once,
// whatever others at the same address do.
func (h *Handler) authenticate(x *exchange) error {
	principal, err := h.auth.Authenticate(x.r)
	if err == nil {
		x.principal, x.authenticated = principal, true
		return authorise(x)
	}
	detail := "the request is not authenticated"
	if e, ok := errors.AsType[*CredentialError](err); ok {
		detail = e.Problem
	}
	switch {
	case errors.Is(err, ErrForbidden):
		return &failure{status: http.StatusForbidden, detail: detail, cause: err}
	case errors.Is(err, ErrUndecided):
		return &failure{status: http.StatusServiceUnavailable, retryAfter: undecidedRetry, detail: detail, cause: err}
	case !h.throttle.failed(x.context(), x.r.RemoteAddr):
		return &failure{
			status: http.StatusTooManyRequests, retryAfter: throttleLongest, cause: err,
			detail: "too many requests without a valid token",
		}
	}
	return unauthorized(x.r, detail, err)
}

// unauthorized is the answer 401 with the challenge of RFC 6750 section 3.
func unauthorized(r *http.Request, detail string, cause error) *failure {
	challenge := `Bearer realm="scim"`
	if r.Header.Get(authorization) != "" {
		challenge += `, error="invalid_token"`
	}
	return &failure{
		status: http.StatusUnauthorized, detail: detail, cause: cause,
		header: http.Header{"Www-Authenticate": {challenge}},
	}
}

// authorise refuses changes by a credential that may only read. A search is
// reading, though it comes by POST (RFC 7644 section 3.4.3).
func authorise(x *exchange) error {
	if !x.principal.ReadOnly {
		return nil
	}
	switch x.r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	case http.MethodPost:
		if path.Base(x.r.URL.Path) == ".search" {
			return nil
		}
	}
	return &failure{status: http.StatusForbidden, detail: "the token may only read; use one that may write for changes"}
}
