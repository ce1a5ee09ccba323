package crowd

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
)

// A Query is a search among users or groups. The zero value is the names of all.
type Query struct {
	Where      Restriction // zero: everything
	Detail     Detail      // default Names
	Start, Max int         // offset, and how many at most; Max 0 means all
	PageSize   int         // entries of one request; default 1000
	// Ahead is how many pages may be on their way at the same time. The first is
	// asked for by itself; then those that Expect promises, and one more at most
	// before it is known that there is one. By default each page is asked for when
	// the one before was taken. Of long pages fewer are read ahead, 24 MiB in all.
	Ahead int
	// Expect is about how many entries there are from Start on, as far as known.
	Expect int
}

// maxAddress bounds the length of a URL with a restriction; servers refuse
// header lines over 8 KB.
const maxAddress = 6000

// Users returns the users that match, each once, in no promised order. See
// [Client.Members] for the iterator.
//
// Resource: GET or POST search.
func (c *Client) Users(ctx context.Context, q Query) iter.Seq2[*User, error] {
	k, none := c.search("search users", "user", q.Where)
	if none {
		return func(func(*User, error) bool) {}
	}
	return listUsers(ctx, c, k, q.paging())
}

// Groups returns the groups that match, as [Client.Users].
//
// Resource: GET or POST search.
func (c *Client) Groups(ctx context.Context, q Query) iter.Seq2[*Group, error] {
	k, none := c.search("search groups", "group", q.Where)
	if none {
		return func(func(*Group, error) bool) {}
	}
	return listGroups(ctx, c, k, q.paging())
}

func (q Query) paging() paging {
	return paging{start: q.Start, max: q.Max, size: q.PageSize, ahead: q.Ahead, expect: q.Expect, detail: q.Detail}
}

// search chooses the form in which a restriction is sent: CQL where all of it
// is documented and needs no escaping, else a JSON body, which is also what is
// left where the oldest servers refuse CQL. none: nothing can match.
func (c *Client) search(op, kind string, where Restriction) (k call, none bool) {
	k = call{
		op: op, method: http.MethodGet, resource: "search",
		params: url.Values{"entity-type": {kind}},
	}
	byBody := k
	byBody.method, byBody.body = http.MethodPost, where.wire()
	switch {
	case where.all():
		return k, false
	case where.never:
		return k, true
	case where.plain():
		k.params = maps.Clone(k.params)
		k.params.Set("restriction", where.cql())
		k.instead = &byBody
		if len(c.address(k)) <= maxAddress {
			return k, false
		}
	}
	return byBody, false
}
