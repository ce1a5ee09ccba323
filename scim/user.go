package scim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
)

// A record is what is kept of a user in groupsync.Profile.Data.
type record struct {
	// Modified is when the data last changed, zero until it first does: Crowd
	// tells only when its own fields did.
	Modified time.Time `json:"m,omitzero"`
	// NoActive tells that a PATCH removed the active attribute, which is then
	// unassigned (RFC 7644 section 3.5.2.2). Crowd's flag stays as it was.
	NoActive bool `json:"u,omitempty"`
	// Resource is the kept part of what the identity provider sent.
	Resource map[string]any `json:"r"`
}

// readRecord reads what is kept; nothing readable is nothing kept.
func readRecord(data []byte) record {
	var r record
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if len(data) == 0 || d.Decode(&r) != nil {
		return record{}
	}
	return r
}

// A keeper picks the part of a resource that is kept.
type keeper struct {
	all    bool
	active bool // the flag is kept, as Crowd's own is made of something else
	paths  []filter.Path
	typ    *resource.Type
}

func newKeeper(k Keep, m *mapping.AttributeMap, t *resource.Type) (keeper, error) {
	keeps := keeper{all: k.IsZero(), active: !plain(m, "active", "active"), typ: t}
	paths := []filter.Path{}
	if k.Mapped {
		paths = m.Paths()
	}
	for _, text := range k.Paths {
		path, err := filter.ParsePath(text)
		if err != nil {
			return keeps, fmt.Errorf("scim: users.keep: %q is not an attribute path: %w", text, err)
		}
		paths = append(paths, path)
	}
	for _, path := range append(paths, filter.Path{Attr: filter.Attr{Name: "externalId"}}) {
		if path.Filter != nil { // the filter needs the other sub-attributes
			path = filter.Path{Attr: filter.Attr{URN: path.Attr.URN, Name: path.Attr.Name}}
		}
		keeps.paths = append(keeps.paths, path)
	}
	return keeps, nil
}

// of returns the part of a resource that is kept. What the server itself knows,
// and the password, is not.
func (k keeper) of(doc map[string]any) map[string]any {
	if !k.all {
		doc = k.typ.Project(doc, k.paths, nil)
	}
	kept := map[string]any{}
	for name, v := range doc {
		switch name {
		case "id", "meta", "groups", "schemas", "password":
		case "active":
			if k.active {
				kept[name] = v
			}
		default:
			kept[name] = v
		}
	}
	return kept
}

// userDoc returns a user as a SCIM resource, its version included.
func (h *Handler) userDoc(u *groupsync.User) map[string]any {
	kept := readRecord(u.Data)
	doc := h.attributes.ToSCIM(crowdFields(u), kept.Resource)
	delete(doc, "password")
	if kept.NoActive {
		delete(doc, "active")
	}
	doc["id"] = u.ID
	doc["schemas"] = h.schemasOf(doc)
	if len(u.Grants) > 0 {
		groups := make([]any, 0, len(u.Grants))
		for _, id := range u.Grants {
			groups = append(groups, map[string]any{"value": id, "$ref": h.location("Groups", id), "type": "direct"})
		}
		doc["groups"] = groups
	}
	meta := h.meta("User", "Users", u.ID, u.Crowd.Created, later(u.Crowd.Updated, kept.Modified))
	meta["version"] = version(doc, meta["lastModified"])
	doc["meta"] = meta
	return doc
}

// crowdFields returns Crowd's fields as the attribute mapping knows them.
func crowdFields(u *groupsync.User) mapping.Fields {
	c := &u.Crowd
	return mapping.Fields{
		Username: &c.Name, Email: &c.Email, FirstName: &c.FirstName, LastName: &c.LastName,
		DisplayName: &c.DisplayName, Active: &c.Active, Custom: c.Attributes,
	}
}

// schemasOf lists the schemas of which a user has attributes.
func (h *Handler) schemasOf(doc map[string]any) []any {
	schemas := []any{userSchema}
	for _, e := range h.user.Extensions() {
		if _, ok := doc[e.URN]; ok {
			schemas = append(schemas, e.URN)
		}
	}
	return schemas
}

func (h *Handler) meta(kind, endpoint, id string, created, modified time.Time) map[string]any {
	meta := map[string]any{"resourceType": kind, "location": h.location(endpoint, id)}
	if !created.IsZero() {
		meta["created"] = timestamp(created)
	}
	if modified = later(created, modified); !modified.IsZero() {
		meta["lastModified"] = timestamp(modified)
	}
	return meta
}

func (h *Handler) location(endpoint, id string) string { return h.base + "/" + endpoint + "/" + id }

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// readUser serves GET /Users/{id} (RFC 7644 section 3.4.1).
func (h *Handler) readUser(x *exchange) error {
	q, err := h.projection(x)
	if err != nil {
		return err
	}
	u, err := h.engine.User(x.context(), x.id)
	if err != nil {
		return err
	}
	return h.sendUser(x, http.StatusOK, h.userDoc(u), q)
}

// sendUser answers with a user, or with 304 where the client has it already.
func (h *Handler) sendUser(x *exchange, status int, doc map[string]any, q *query) error {
	etag := versionOf(doc)
	if x.reads() {
		if f := checkIfMatch(x.r.Header, etag); f != nil {
			return f
		}
		if held(x.r.Header, etag) {
			x.w.Header().Set("ETag", etag)
			return x.send(http.StatusNotModified, nil)
		}
	}
	x.w.Header().Set("ETag", etag)
	location, _ := doc["meta"].(map[string]any)["location"].(string)
	x.locate(location)
	var err error
	encoding(func(e *encoder) {
		e.resource(q.shown[h.user].Apply(doc))
		err = x.send(status, e.buf)
	})
	return err
}
