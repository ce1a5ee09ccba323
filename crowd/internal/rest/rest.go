// Package rest is what package crowd gives to the packages below it: a way to
// make calls of Crowd's other APIs over the same transport, with the same
// limits, repetitions and errors as those of its own.
package rest

import (
	"context"
	"net/http"
	"net/url"
)

// An API is one of Crowd's REST APIs, or of a plugin's.
type API struct {
	// Path is its place below the base URL, such as "rest/admin/1.0".
	Path string
	// Refusal explains an answer that is no success: from what the API puts into
	// its errors, never from prose. A nil Kind leaves it to the status.
	Refusal func(Refused) Told
}

// Refused is an answer that is no success.
type Refused struct {
	Status int
	// JSON is the body where it is of that type and whole, nil otherwise.
	JSON []byte
	// Optional and Missing are those of the request.
	Optional bool
	Missing  error
}

// Told is what a refusal says.
type Told struct {
	Reason, Message string
	Kind            error // what errors.Is is to match
}

// A Request is one call.
type Request struct {
	Op, Name string // for the error

	Method   string
	Resource string     // the path below the API's, escaped
	Params   url.Values // of the query
	Body     any        // JSON; nil for none

	Query    bool     // a POST that changes nothing
	Repeat   bool     // safe to repeat whatever became of the first try
	Optional bool     // a resource that not every version has
	Missing  error    // what a 404 says is not there
	Secrets  []string // what no message of the server may carry on

	// Into is what the JSON of the answer is decoded into; nil ignores it.
	Into any
	// Check refuses an answer that was decoded and says nothing of use.
	Check func() error
}

// A Caller makes calls of one API. Its errors are those of package crowd.
type Caller func(context.Context, Request) error

// Reads reports whether the request changes nothing.
func (r *Request) Reads() bool { return r.Method == http.MethodGet || r.Query }
