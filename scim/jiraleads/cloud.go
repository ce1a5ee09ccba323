package jiraleads

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// cloud speaks version 3 of the REST API of Jira Cloud: resources project, component,
// user and mypermissions. Accounts are known by account id; what else they show of
// themselves is up to their owners. Lists come in pages.
type cloud struct {
	*client
	byName bool
}

// pageLength is what Jira Cloud gives at most of projects, by default.
const pageLength = 50

// find looks for the account of a leaver: by e-mail address, and where the settings
// say so by display name. Several that may be meant are an error.
func (c *cloud) find(ctx context.Context, l groupsync.Leaver) (*account, error) {
	a, err := c.search(ctx, l)
	if a != nil || err != nil {
		return a, err
	}
	// Whoever may not browse users is told that there are none.
	may, err := c.has(ctx, "/rest/api/3/", "USER_PICKER")
	if err == nil && !may {
		err = errors.New("jiraleads: the account may not look for users in Jira. Give it the global permission Browse users and groups")
	}
	return nil, err
}

func (c *cloud) search(ctx context.Context, l groupsync.Leaver) (*account, error) {
	if l.Email != "" {
		a, err := c.one(ctx, l.Email, func(a *account) bool {
			return sameText(a.Email, l.Email) || a.Email == "" && l.DisplayName != "" && sameText(a.DisplayName, l.DisplayName)
		})
		if a != nil || err != nil {
			return a, err
		}
	}
	if !c.byName || l.DisplayName == "" {
		return nil, nil
	}
	return c.one(ctx, l.DisplayName, func(a *account) bool { return a.Email == "" && sameText(a.DisplayName, l.DisplayName) })
}

// mostFound is how many users Jira Cloud looks through in one search.
const mostFound = 1000

// one returns the only person's account that matches, of those that a search finds;
// nil where none does.
func (c *cloud) one(ctx context.Context, query string, matches func(*account) bool) (*account, error) {
	found := map[string]*account{}
	for start, n := 0, -1; n != 0 && start < mostFound; start += n { // a page may be short without being the last
		err := c.do(ctx, call{
			op: "search user", path: "/rest/api/3/user/search",
			query: url.Values{"query": {query}, "startAt": {strconv.Itoa(start)}, "maxResults": {strconv.Itoa(pageLength)}},
			read: func(r io.Reader) error {
				n = 0 // the call may be tried again
				return decodeList(func(a account) error {
					n++
					if (a.Type == "" || a.Type == "atlassian") && a.AccountID != "" && matches(&a) {
						found[a.AccountID] = &a
					}
					return nil
				})(r)
			},
		})
		if err != nil {
			return nil, err
		}
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("jiraleads: %d accounts of Jira may be meant by %q. Hand over by hand, or name an account id in the settings", len(found), query)
	}
	for _, a := range found {
		return a, nil
	}
	return nil, nil
}

func sameText(x, y string) bool { return strings.EqualFold(strings.TrimSpace(x), strings.TrimSpace(y)) }

// is compares account ids. Jira Cloud finds no account that is not active any more;
// such a lead counts as the leaver's where it shows the same e-mail address.
func (c *cloud) is(lead, leaver *account, l groupsync.Leaver) bool {
	switch {
	case lead == nil || lead.AccountID == "":
		return false
	case leaver != nil:
		return lead.AccountID == leaver.AccountID
	}
	person := lead.Type == "" || lead.Type == "atlassian"
	return !lead.Active && person && lead.Email != "" && sameText(lead.Email, l.Email)
}

// lookUp reads an account by its id, or by its e-mail address.
func (c *cloud) lookUp(ctx context.Context, name string) (*account, error) {
	if strings.Contains(name, "@") {
		return c.one(ctx, name, func(a *account) bool { return sameText(a.Email, name) })
	}
	var a account
	err := c.do(ctx, call{op: "read user", name: name, path: "/rest/api/3/user", query: url.Values{"accountId": {name}}, read: decode(&a)})
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if a.AccountID != name {
		return nil, errors.New("jiraleads: Jira Cloud tells of users without account id. Is it Jira Data Center?")
	}
	return &a, nil
}

func (c *cloud) projects(ctx context.Context, f func(item) error) error {
	return pages(ctx, c.client, call{
		op: "list projects", path: "/rest/api/3/project/search", query: url.Values{"expand": {"lead"}, "orderBy": {"key"}},
	}, projectBean.item, f)
}

func (c *cloud) components(ctx context.Context, project item, f func(item) error) error {
	err := pages(ctx, c.client, call{
		op: "list components of project", name: project.project, path: "/rest/api/3/project/" + url.PathEscape(project.id) + "/component",
		query: url.Values{},
	}, within(project), f)
	if notFound(err) {
		return nil // the project went meanwhile
	}
	return err
}

// pages reads a list page by page.
func pages[T any](ctx context.Context, c *client, k call, of func(T) (item, error), f func(item) error) error {
	for start := 0; ; {
		k.query.Set("startAt", strconv.Itoa(start))
		k.query.Set("maxResults", strconv.Itoa(pageLength))
		var p page[T]
		k.read = func(r io.Reader) error {
			p = page[T]{}
			return decode(&p)(r)
		}
		if err := c.do(ctx, k); err != nil {
			return err
		}
		next, err := p.after(start)
		if err != nil {
			return &Error{Op: k.op, Name: k.name, Err: err}
		}
		for _, b := range p.Values {
			it, err := of(b)
			if err != nil {
				return &Error{Op: k.op, Name: k.name, Err: err}
			}
			if err := f(it); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		start = next
	}
}

func (c *cloud) read(ctx context.Context, kind, id string) (*item, error) {
	return c.readItem(ctx, "/rest/api/3/", kind, id)
}

func (c *cloud) setLead(ctx context.Context, it *item, lead *account) error {
	return c.do(ctx, call{
		op: "change " + it.label(), method: http.MethodPut, path: "/rest/api/3/" + it.kind + "/" + url.PathEscape(it.id),
		body: map[string]string{"leadAccountId": lead.AccountID},
	})
}

func (c *cloud) assignable(ctx context.Context, a *account, project string) (bool, error) {
	return c.amongAssignable(ctx, "/rest/api/3/", url.Values{"project": {project}, "accountId": {a.AccountID}}, a)
}

func (c *cloud) admin(ctx context.Context) (bool, error) {
	return c.has(ctx, "/rest/api/3/", "ADMINISTER")
}
