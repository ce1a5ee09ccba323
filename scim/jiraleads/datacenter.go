package jiraleads

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// dataCenter speaks version 2 of the REST API of Jira Data Center: resources project,
// component, user and mypermissions. Its lists of projects and of components come
// whole.
type dataCenter struct{ *client }

// find reads the user of the leaver's name. One whom Crowd has made inactive is found
// as well. Jira hears of a new name some time after Crowd; until then the leaver is the
// user of the former one, if the e-mail address says that it is no other person.
func (d *dataCenter) find(ctx context.Context, l groupsync.Leaver) (*account, error) {
	a, err := d.lookUp(ctx, l.Name)
	if a != nil || err != nil || l.FormerName == "" {
		return a, err
	}
	a, err = d.lookUp(ctx, l.FormerName)
	if a == nil || err != nil || l.Email == "" || !sameText(a.Email, l.Email) {
		return nil, err
	}
	return a, nil
}

func (d *dataCenter) lookUp(ctx context.Context, name string) (*account, error) {
	var a account
	err := d.do(ctx, call{op: "read user", name: name, path: "/rest/api/2/user", query: url.Values{"username": {name}}, read: decode(&a)})
	if notFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if a.Key == "" || a.Name == "" {
		return nil, errors.New("jiraleads: Jira Data Center tells of users without key or name. Is it Jira Cloud?")
	}
	return &a, nil
}

// is compares keys, which never change, and names only where Jira does not have the
// leaver any more.
func (d *dataCenter) is(lead, leaver *account, l groupsync.Leaver) bool {
	switch {
	case lead == nil:
		return false
	case leaver != nil && leaver.Key != "" && lead.Key != "":
		return lead.Key == leaver.Key
	}
	return crowd.Fold(lead.Name) == crowd.Fold(l.Name)
}

func (d *dataCenter) projects(ctx context.Context, f func(item) error) error {
	var items []item
	if err := d.do(ctx, call{
		op: "list projects", path: "/rest/api/2/project", query: url.Values{"expand": {"lead"}}, whole: true, read: collect(&items, projectBean.item),
	}); err != nil {
		return err
	}
	return each(items, f)
}

func (d *dataCenter) components(ctx context.Context, project item, f func(item) error) error {
	var items []item
	err := d.do(ctx, call{
		op: "list components of project", name: project.project, path: "/rest/api/2/project/" + url.PathEscape(project.id) + "/components",
		whole: true, read: collect(&items, within(project)),
	})
	if notFound(err) {
		return nil // the project went meanwhile
	}
	if err != nil {
		return err
	}
	return each(items, f)
}

func (d *dataCenter) read(ctx context.Context, kind, id string) (*item, error) {
	return d.readItem(ctx, "/rest/api/2/", kind, id)
}

func (d *dataCenter) setLead(ctx context.Context, it *item, lead *account) error {
	body := map[string]string{"lead": lead.Name}
	if it.kind == componentKind {
		body = map[string]string{"leadUserName": lead.Name}
	}
	return d.do(ctx, call{
		op: "change " + it.label(), method: http.MethodPut, path: "/rest/api/2/" + it.kind + "/" + url.PathEscape(it.id), body: body,
	})
}

func (d *dataCenter) assignable(ctx context.Context, a *account, project string) (bool, error) {
	return d.amongAssignable(ctx, "/rest/api/2/", url.Values{"project": {project}, "username": {a.Name}, "maxResults": {"1000"}}, a)
}

func (d *dataCenter) admin(ctx context.Context) (bool, error) {
	return d.has(ctx, "/rest/api/2/", "ADMINISTER")
}
