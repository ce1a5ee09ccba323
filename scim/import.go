package scim

import (
	"errors"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// ImportUser returns what [groupsync.Engine.PlanImport] takes of a user resource
// that was read from an identity provider, rather than sent by it: checked against
// the schemas, chosen by users.filter, mapped, kept and held to the settings of
// [Users] as the body of a POST or PUT would be. The resource must have an
// externalId. One that cannot be imported says so in its Skip.
func (h *Handler) ImportUser(doc map[string]any) *groupsync.ImportUser {
	u := &groupsync.ImportUser{}
	u.ExternalID, _ = doc["externalId"].(string)
	u.Name, _ = doc["userName"].(string)
	doc, err := h.importable(doc)
	var profile groupsync.Profile
	if err == nil {
		profile, err = h.profile(doc, before{}, false)
	}
	if err != nil {
		u.Skip = errors.New(failureOf(err).detail)
		return u
	}
	if profile.Fields.Active == nil {
		profile.Fields.Active = new(true) // the mapping makes nothing of it
	}
	u.Profile = profile
	u.Update = func(v *groupsync.User) (groupsync.Profile, error) { return h.importUpdate(doc, v) }
	return u
}

// importable returns a resource in its normal form, if it may be imported at all.
func (h *Handler) importable(doc map[string]any) (map[string]any, error) {
	doc, err := h.user.Normalise(doc, resource.Lenient())
	if err != nil {
		return nil, err
	}
	delete(doc, "id")
	delete(doc, "meta")
	delete(doc, "groups")
	if doc["externalId"] == nil {
		return nil, refuse(invalidValue, "externalId: the user has no id at the identity provider")
	}
	if doc["active"] == nil {
		doc["active"] = true // whom an identity provider has without a word on it
	}
	if err := h.user.Validate(doc); err != nil {
		return nil, err
	}
	return doc, h.choose(doc)
}

// importUpdate returns what a resource wants of a user who is there. One who is to
// be linked while users.update is off is only taken over.
func (h *Handler) importUpdate(doc map[string]any, v *groupsync.User) (groupsync.Profile, error) {
	linked := v.Owner == ""
	current := h.userDoc(v)
	if err := h.user.CheckReplace(current, doc); err != nil {
		return groupsync.Profile{}, &groupsync.RefusedError{
			Attribute: "userName", Problem: failureOf(err).detail, Remedy: "Delete the user in Crowd, so that it is created anew", Err: err,
		}
	}
	was := before{v.Data, current}
	if linked {
		was = before{}
	}
	profile, err := h.profile(doc, was, false)
	if err != nil {
		return profile, err
	}
	if name := profile.Fields.DisplayName; name != nil && *name == "" {
		profile.Fields.DisplayName = nil // Crowd has made one, when the user was created
	}
	if linked && !*h.users.Update {
		profile.Fields = mapping.Fields{Active: profile.Fields.Active}
		profile.Password = ""
		return profile, nil
	}
	return h.restrain(v, profile), nil
}

// Settings returns the settings of users that the handler goes by, with every
// field filled.
func (h *Handler) Settings() Users { return h.users }
