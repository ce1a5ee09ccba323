package scim

import "time"

// Limits bounds what one request may ask for. Its zero value is the default.
type Limits struct {
	// Body is the greatest size of a request body in bytes, answered 413 beyond.
	// Default 8 MiB.
	Body int64 `json:"body,omitempty"`
	// Depth is how deep objects and arrays may be nested in a body. Default 32.
	Depth int `json:"depth,omitempty"`
	// Operations is the greatest number of operations in a PATCH or Bulk
	// request; 413 beyond. Default 1000.
	Operations int `json:"operations,omitempty"`
	// Page is the greatest number of resources in one page, and what a request
	// without count gets. Default 1000, never less than 100: there are clients
	// that add 100 to startIndex whatever they were given.
	Page int `json:"page,omitempty"`
	// Sort is the greatest number of resources sorted for one request, answered
	// 400 tooMany beyond. Default 20000.
	Sort int `json:"sort,omitempty"`
	// Time is how long a request may take. Default 50 seconds, below the 60
	// after which identity providers hang up.
	Time time.Duration `json:"-"`
}

const leastPage = 100

func (l Limits) withDefaults() Limits {
	setDefault(&l.Body, 8<<20)
	setDefault(&l.Depth, 32)
	setDefault(&l.Operations, 1000)
	setDefault(&l.Page, 1000)
	setDefault(&l.Sort, 20000)
	setDefault(&l.Time, 50*time.Second)
	l.Page = max(l.Page, leastPage)
	return l
}

func setDefault[T int | int64 | time.Duration](v *T, fallback T) {
	if *v <= 0 {
		*v = fallback
	}
}
