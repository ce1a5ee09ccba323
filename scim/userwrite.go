package scim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// createUser serves POST /Users (RFC 7644 section 3.3).
func (h *Handler) createUser(x *exchange) error {
	q, doc, err := h.body(x, h.user)
	if err != nil {
		return err
	}
	if err := h.choose(doc); err != nil {
		return err
	}
	profile, err := h.profile(doc, before{}, false)
	if err != nil {
		return err
	}
	profile, existing, err := h.admit(x, profile)
	if err != nil {
		return err
	}
	if profile.Fields.Active == nil && existing == "conflict" {
		profile.Fields.Active = new(true) // a new user is active; one who is taken over stays as Crowd has it
	}
	u, err := h.engine.CreateUser(x.context(), profile, existing)
	if err != nil {
		return err
	}
	h.census.forget()
	return h.sendUser(x, http.StatusCreated, h.userDoc(u), q)
}

// choose refuses a new user whom the filter of users leaves out.
func (h *Handler) choose(doc map[string]any) error {
	chosen, err := h.attributes.Includes(doc)
	if err != nil || chosen {
		return err
	}
	return &failure{
		status: http.StatusForbidden,
		detail: "the setting users.filter does not choose this user: change the filter, or do not assign the user in the identity provider",
	}
}

// body reads and checks the resource in the body of a POST or PUT.
func (h *Handler) body(x *exchange, t *resource.Type) (*query, map[string]any, error) {
	q, err := h.projection(x)
	if err != nil {
		return nil, nil, err
	}
	doc, err := x.document(h.limits)
	if err != nil {
		return nil, nil, err
	}
	if doc, err = t.Normalise(doc, h.traits.leniency); err != nil {
		return nil, nil, err
	}
	q.said(t, t.Named(doc))
	return q, doc, t.Validate(doc)
}

// admit applies the settings create and update to a POST: with either of them
// off it matters whether Crowd has the user.
func (h *Handler) admit(x *exchange, p groupsync.Profile) (groupsync.Profile, groupsync.Existing, error) {
	existing := h.users.Existing
	linkOnly := existing == "link" && !*h.users.Update
	if *h.users.Create && !linkOnly {
		return p, existing, nil
	}
	_, err := h.engine.UserByName(x.context(), name(p))
	if errors.Is(err, groupsync.ErrNoUser) {
		if *h.users.Create {
			return p, existing, nil
		}
		return p, existing, &failure{
			status: http.StatusForbidden,
			detail: "userName: Crowd has no such user, and the setting users.create does not let this server make one; create the user in Crowd first",
		}
	}
	if linkOnly {
		p.Fields = mapping.Fields{Username: p.Fields.Username, Active: p.Fields.Active}
		p.Password = ""
	}
	return p, existing, err
}

func name(p groupsync.Profile) string {
	if p.Fields.Username == nil {
		return ""
	}
	return *p.Fields.Username
}

// replaceUser serves PUT /Users/{id} (RFC 7644 section 3.5.1).
func (h *Handler) replaceUser(x *exchange) error {
	q, doc, err := h.body(x, h.user)
	if err != nil {
		return err
	}
	return h.updateUser(x, q, func(u *groupsync.User, current map[string]any) (groupsync.Profile, error) {
		if err := h.user.CheckReplace(current, doc); err != nil {
			return groupsync.Profile{}, err
		}
		profile, err := h.profile(doc, before{u.Data, current}, false)
		return h.restrain(u, profile), err
	})
}

// patchUser serves PATCH /Users/{id} (RFC 7644 section 3.5.2).
func (h *Handler) patchUser(x *exchange) error {
	q, ops, err := h.patchBody(x, h.user)
	if err != nil {
		return err
	}
	return h.updateUser(x, q, func(u *groupsync.User, current map[string]any) (groupsync.Profile, error) {
		wanted, err := h.user.Apply(current, ops)
		if err != nil {
			return groupsync.Profile{}, err
		}
		wanted["schemas"] = h.schemasOf(wanted)
		if err := h.user.Validate(wanted); err != nil {
			return groupsync.Profile{}, err
		}
		_, active := wanted["active"]
		profile, err := h.profile(wanted, before{u.Data, current}, !active)
		if err != nil {
			return profile, err
		}
		err = h.activeBy(ops, current, &profile)
		return h.restrain(u, profile), err
	})
}

// patchBody reads the operations of a PATCH.
func (h *Handler) patchBody(x *exchange, t *resource.Type) (*query, []resource.Op, error) {
	q, err := h.projection(x)
	if err != nil {
		return nil, nil, err
	}
	doc, err := x.document(h.limits)
	if err != nil {
		return nil, nil, err
	}
	ops, err := resource.ParsePatch(doc, t, h.traits.leniency, resource.Limits{Depth: h.limits.Depth, Operations: h.limits.Operations})
	var paths []filter.Path
	for _, op := range ops {
		paths = append(paths, *op.Path)
	}
	q.said(t, paths)
	return q, ops, err
}

// updateUser has the engine change a user, and answers with what became of it.
func (h *Handler) updateUser(x *exchange, q *query, change func(*groupsync.User, map[string]any) (groupsync.Profile, error)) error {
	var was string
	u, err := h.engine.UpdateUser(x.context(), x.id, func(u *groupsync.User) (groupsync.Profile, error) {
		was = u.Crowd.Name
		current := h.userDoc(u)
		if f := checkMatch(x.r.Header, versionOf(current)); f != nil {
			return groupsync.Profile{}, f
		}
		return change(u, current)
	})
	if err != nil {
		return err
	}
	if u.Crowd.Name != was { // it stands elsewhere in the list
		h.census.forget()
	}
	doc := h.userDoc(u)
	if x.r.Method == http.MethodPatch && !h.traits.userPatchBody && len(q.attributes) == 0 {
		return x.sendChanged(versionOf(doc), h.location("Users", u.ID))
	}
	return h.sendUser(x, http.StatusOK, doc, q)
}

// activeBy settles the active flag of a PATCH. Operations that do not say
// anything of it must not repeat what Crowd has at the moment as if they did.
func (h *Handler) activeBy(ops []resource.Op, before map[string]any, p *groupsync.Profile) error {
	for _, op := range ops {
		if op.Path != nil && op.Path.Attr.Core() && strings.EqualFold(op.Path.Attr.Name, "active") {
			p.ActiveSaid = true
			return nil
		}
	}
	was, err := h.attributes.ToCrowd(before)
	if err == nil && was.Active != nil && p.Fields.Active != nil && *was.Active == *p.Fields.Active {
		p.Fields.Active = nil
	}
	return nil
}

// restrain applies the settings update, deactivate and reactivate.
func (h *Handler) restrain(u *groupsync.User, p groupsync.Profile) groupsync.Profile {
	if !*h.users.Update {
		p.Fields = mapping.Fields{Active: p.Fields.Active}
		p.Data, p.Password = nil, ""
	}
	if wanted := p.Fields.Active; wanted != nil {
		if (!*wanted && !*h.users.Deactivate) || (*wanted && !u.Crowd.Active && !*h.users.Reactivate) {
			p.Fields.Active, p.ActiveSaid = nil, false
		}
	}
	return p
}

// before is a user as it was: the data kept of it, and the resource that was
// shown. It is empty for a new user.
type before struct {
	data  []byte
	shown map[string]any
}

// profile returns what the engine is to make of a checked resource; noActive
// tells that its active attribute was removed.
func (h *Handler) profile(doc map[string]any, was before, noActive bool) (groupsync.Profile, error) {
	fields, err := h.attributes.ToCrowd(doc)
	if err != nil {
		return groupsync.Profile{}, err
	}
	after := record{NoActive: noActive, Resource: h.keep.of(doc)}
	if was.shown != nil {
		kept := readRecord(was.data)
		after.Modified = kept.Modified
		// Crowd's fields are shown as well. Where nothing of what was shown is
		// changed, they do not become what the client said.
		if resource.Equal(h.keep.of(was.shown), after.Resource) {
			after.Resource = kept.Resource
		}
		if kept.NoActive != noActive || !resource.Equal(kept.Resource, after.Resource) {
			after.Modified = h.now().UTC().Truncate(time.Millisecond)
		}
	}
	data, err := json.Marshal(after)
	if err != nil {
		return groupsync.Profile{}, err
	}
	p := groupsync.Profile{Fields: fields, Data: data}
	p.ExternalID, _ = doc["externalId"].(string)
	emails, _ := doc["emails"].([]any)
	for _, item := range emails {
		email, _ := item.(map[string]any)
		if value, _ := email["value"].(string); value != "" {
			p.Emails = append(p.Emails, value)
		}
	}
	chosen, err := h.attributes.Includes(doc)
	if password, _ := doc["password"].(string); h.users.Password == SetPassword && chosen {
		p.Password = crowd.Secret(password)
	}
	return p, err
}

// deleteUser serves DELETE /Users/{id} (RFC 7644 section 3.6).
func (h *Handler) deleteUser(x *exchange) error {
	if conditional(x.r.Header) {
		u, err := h.engine.User(x.context(), x.id)
		if err != nil {
			return err
		}
		if f := checkMatch(x.r.Header, versionOf(h.userDoc(u))); f != nil {
			return f
		}
	}
	if err := h.engine.DeleteUser(x.context(), x.id, h.users.Delete); err != nil {
		return err
	}
	h.census.forget()
	return x.send(http.StatusNoContent, nil)
}
