package scim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Finding is something about the settings, here or at the identity provider,
// that does not fit the requests that come.
type Finding struct {
	// Code names the kind: "wrong-provider", "two-providers", "entra-flag",
	// "put-for-patch", "assigned-and-pushed", "token-expiring", "token-expired",
	// "token-alone", "base-url" or "scim-1.1".
	Code string `json:"code"`
	// Problem says what is wrong, and Remedy what to do.
	Problem string `json:"problem"`
	Remedy  string `json:"remedy"`
	// Time is when it was first seen.
	Time time.Time `json:"time"`
}

// Findings returns what is known to be wrong with the settings, the oldest
// first. Each handler tells of the requests that it served itself since it was
// made; several behind a load balancer may know different things.
func (h *Handler) Findings() []Finding {
	h.doctor.mu.Lock()
	defer h.doctor.mu.Unlock()
	return slices.Clone(h.doctor.findings)
}

// Recognised returns the provider whose requests come, by what only it sends.
// It is "" while that is not known: not every request gives its sender away,
// and some senders never do. Only requests with a valid credential count.
func (h *Handler) Recognised() Provider {
	h.doctor.mu.Lock()
	defer h.doctor.mu.Unlock()
	return h.doctor.recognise()
}

// A doctor looks at requests after they were answered, and never changes an
// answer. What it remembers is bounded.
type doctor struct {
	provider Provider
	table    map[Provider]traits
	observer func(context.Context, Finding)
	logger   *slog.Logger
	now      func() time.Time

	mu       sync.Mutex // guards what follows
	marks    mark
	capitals int // PATCH requests with Add, Replace or Remove
	pushes   pushes
	told     map[string]bool
	findings []Finding
}

// mostFindings bounds what is remembered. There is one of most kinds, and one
// for each token of others.
const mostFindings = 64

func newDoctor(cfg Config) *doctor {
	p := cfg.Provider
	if p == "" {
		p = Generic
	}
	return &doctor{
		provider: p, table: providers(), observer: cfg.Observer, logger: cfg.Logger, now: cfg.Now,
		told: map[string]bool{}, pushes: newPushes(),
	}
}

// see looks at a request that has been answered. Known says whether its path is
// that of an endpoint.
func (d *doctor) see(x *exchange, known bool) {
	var found []Finding
	var marks mark
	path := strings.Trim(x.r.URL.Path, "/")
	if x.authenticated {
		marks = marksOfRequest(x.r, path) | x.seen.marks
	}
	d.mu.Lock()
	if x.authenticated {
		found = d.examine(x, path, marks)
		if !known {
			found = append(found, baseURLFinding(path)...)
		}
	} else {
		found = d.credential(x)
	}
	found = d.fresh(found)
	d.mu.Unlock()
	for _, f := range found {
		d.logger.WarnContext(x.context(), "settings do not fit the requests", "code", f.Code, "problem", f.Problem, "remedy", f.Remedy)
		if d.observer != nil {
			d.observer(x.context(), f)
		}
	}
}

// fresh keeps what has not been told before.
func (d *doctor) fresh(found []Finding) []Finding {
	var list []Finding
	for _, f := range found {
		key := f.Code + " " + f.Problem
		if d.told[key] || len(d.findings) == mostFindings {
			continue
		}
		d.told[key] = true
		f.Time = d.now()
		d.findings = append(d.findings, f)
		list = append(list, f)
	}
	return list
}

// credential looks at a request that was refused. Whoever sends nonsense must
// not make findings, so only tokens count that would be good otherwise.
func (d *doctor) credential(x *exchange) []Finding {
	if x.failure == nil {
		return nil
	}
	if e, ok := errors.AsType[*expiredToken](error(x.failure)); ok {
		return []Finding{{
			Code: "token-expired", Problem: fmt.Sprintf("the token %q is still sent, but ended %s", e.id, e.since.UTC().Format(time.DateOnly)),
			Remedy: "Make a new token, add it to the settings, and give it to the identity provider.",
		}}
	}
	if errors.Is(x.failure, errBareToken) {
		return []Finding{{
			Code: "token-alone", Problem: `a good token is refused since it is sent without "Bearer" in front`,
			Remedy: `Put "Bearer " in front of the token in the identity provider, or switch on the setting access.raw.`,
		}}
	}
	return nil
}

// examine looks at a request with a valid credential.
func (d *doctor) examine(x *exchange, path string, marks mark) []Finding {
	d.marks |= marks
	d.marks.set(typeListAndOne, d.marks.has(typeList|oneType))
	if marks.has(capitalOp) {
		d.capitals++
	}
	now := d.now()
	d.pushes.see(x, path, now)
	found := d.settings()
	if end := x.principal.NotAfter; !end.IsZero() && end.Sub(now) < nearExpiry {
		found = append(found, Finding{
			Code: "token-expiring", Problem: fmt.Sprintf("the token %q ends %s", x.principal.Token, end.UTC().Format(time.DateOnly)),
			Remedy: "Make a new token and add it to the settings beside this one, give it to the identity provider, and then remove this one.",
		})
	}
	return found
}

const nearExpiry = 30 * 24 * time.Hour

// baseURLFinding tells of an endpoint below a wrong path.
func baseURLFinding(path string) []Finding {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch s {
		case "Users", "Groups", "ServiceProviderConfig", "Schemas", "ResourceTypes":
			if i == 0 {
				return nil
			}
			const longest = 64
			wrong := strings.Join(segments[:i], "/")
			return []Finding{{
				Code: "base-url", Problem: fmt.Sprintf("requests for /%s come below %q, where nothing is", s, "/"+wrong[:min(len(wrong), longest)]),
				Remedy: "Correct the base URL in the identity provider: it is the one in the settings here, with nothing after it.",
			}}
		}
	}
	return nil
}

// recognise returns the provider that most signs speak for, if they are enough
// and not as good for another.
func (d *doctor) recognise() Provider {
	var best Provider
	most, next := 0, 0
	for p, t := range d.table {
		switch score := t.score(d.marks); {
		case score > most:
			best, most, next = p, score, most
		case score > next:
			next = score
		}
	}
	if most < strong || most-next < lead {
		return ""
	}
	return best
}

// lead is by how much the signs of one provider must outweigh those of others.
const lead = 2

func (t traits) score(marks mark) int {
	sum := 0
	for _, s := range t.signs {
		if marks.has(s.mark) {
			sum += s.weight
		}
	}
	return sum
}
