package scim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

const (
	schemaSchema   = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	typeSchema     = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	providerSchema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
)

// mountDiscovery renders what discovery answers, once and for all
// (RFC 7644 section 4).
func (h *Handler) mountDiscovery() {
	h.endpoints["ServiceProviderConfig"] = fixed(h.providerConfig())
	h.mountDocuments("Schemas", "id", h.schemas())
	h.mountDocuments("ResourceTypes", "name", []map[string]any{
		h.resourceType(h.user, "Users", "User account"),
		h.resourceType(h.group, "Groups", "Group"),
	})
}

// mountDocuments serves documents as a list and, by one of their attributes,
// each alone.
func (h *Handler) mountDocuments(path, key string, docs []map[string]any) {
	list := make([]any, 0, len(docs))
	byKey := map[string]operation{}
	for _, doc := range docs {
		list = append(list, doc)
		name, _ := doc[key].(string)
		byKey[strings.ToLower(name)] = fixed(doc)[http.MethodGet]
	}
	h.endpoints[path] = fixed(map[string]any{
		"schemas": []any{listSchema}, "totalResults": len(docs), "startIndex": 1, "itemsPerPage": len(docs), "Resources": list,
	})
	h.endpoints[path+"/*"] = endpoint{http.MethodGet: func(x *exchange) error {
		send := byKey[strings.ToLower(x.id)]
		if send == nil {
			return &failure{status: http.StatusNotFound, detail: "/" + path + " has no such entry; its list shows all there are"}
		}
		return send(x)
	}}
}

// fixed serves a document that never changes. Filters are forbidden there
// (RFC 7644 section 4).
func fixed(doc map[string]any) endpoint {
	var e encoder
	e.resource(doc)
	meta, _ := doc["meta"].(map[string]any)
	location, _ := meta["location"].(string)
	return endpoint{http.MethodGet: func(x *exchange) error {
		filtered := slices.ContainsFunc(x.query, func(p param) bool { return strings.EqualFold(p.name, paramFilter) })
		if filtered {
			return &failure{status: http.StatusForbidden, detail: "filter: discovery endpoints cannot be filtered; leave it out"}
		}
		if location != "" {
			x.locate(location)
		}
		return x.send(http.StatusOK, e.buf)
	}}
}

// providerConfig describes this server (RFC 7643 section 5, RFC 9865 section 4).
func (h *Handler) providerConfig() map[string]any {
	supported := map[string]any{"supported": true}
	return map[string]any{
		"schemas": []any{providerSchema},
		"patch":   supported,
		"bulk": map[string]any{
			"supported": true, "maxOperations": h.limits.Operations, "maxPayloadSize": int(h.limits.Body),
		},
		"filter":         map[string]any{"supported": true, "maxResults": h.limits.Page},
		"changePassword": map[string]any{"supported": h.users.Password == SetPassword},
		"sort":           supported,
		"etag":           supported,
		"pagination": map[string]any{
			"cursor": true, "index": true, "defaultPaginationMethod": "index",
			"defaultPageSize": h.limits.Page, "maxPageSize": h.limits.Page,
		},
		"authenticationSchemes": h.schemes(),
		"meta":                  map[string]any{"resourceType": "ServiceProviderConfig", "location": h.base + "/ServiceProviderConfig"},
	}
}

// schemes describes how requests are authenticated, as far as that is known: of
// an embedder's own way only that it is by bearer token may be supposed.
func (h *Handler) schemes() []any {
	header, basic := authorization, false
	if known, ok := h.auth.(*authenticators); ok {
		for _, one := range known.all {
			if tokens, ok := one.(*tokenSet); ok {
				header = tokens.access.header()
				basic = header == authorization
			}
		}
	}
	list := []any{map[string]any{
		"type": "oauthbearertoken", "name": "Bearer token",
		"description": "A token of this connection in the " + header + " header: Bearer TOKEN",
		"specUri":     "https://www.rfc-editor.org/info/rfc6750",
		"primary":     true,
	}}
	if basic {
		list = append(list, map[string]any{
			"type": "httpbasic", "name": "HTTP Basic",
			"description": "A token of this connection as the password in the Authorization header, with any user name",
			"specUri":     "https://www.rfc-editor.org/info/rfc7617",
			"primary":     false,
		})
	}
	return list
}

func (h *Handler) resourceType(t *resource.Type, path, description string) map[string]any {
	doc := map[string]any{
		"schemas": []any{typeSchema}, "id": t.Name(), "name": t.Name(), "description": description,
		"endpoint": "/" + path, "schema": t.URN(),
		"meta": map[string]any{"resourceType": "ResourceType", "location": h.location("ResourceTypes", t.Name())},
	}
	var extensions []any
	for _, e := range t.Extensions() {
		extensions = append(extensions, map[string]any{"schema": e.URN, "required": e.Required})
	}
	if extensions != nil {
		doc["schemaExtensions"] = extensions
	}
	return doc
}

// types returns the resource types, in the order in which they are listed.
func (h *Handler) types() []*resource.Type { return []*resource.Type{h.user, h.group} }

func (h *Handler) schemas() []map[string]any {
	docs := append(h.user.SchemasJSON(), h.group.SchemasJSON()...)
	for _, doc := range docs {
		urn, _ := doc["id"].(string)
		doc["schemas"] = []any{schemaSchema}
		if urn == groupSchema {
			h.describeMembers(doc)
		}
		doc["meta"] = map[string]any{"resourceType": "Schema", "location": h.location("Schemas", urn)}
	}
	return docs
}

// describeMembers makes the published Group schema tell what becomes of the
// display of members: it is the server's to say, or not there at all, as in
// RFC 7643 section 8.7.1.
func (h *Handler) describeMembers(group map[string]any) {
	attributes, _ := group["attributes"].([]any)
	for _, item := range attributes {
		attribute, _ := item.(map[string]any)
		subs, _ := attribute["subAttributes"].([]any)
		kept := slices.DeleteFunc(subs, func(sub any) bool {
			object, _ := sub.(map[string]any)
			if object["name"] != "display" {
				return false
			}
			object["mutability"] = "readOnly"
			return !h.traits.memberDisplay
		})
		if subs != nil {
			attribute["subAttributes"] = kept
		}
	}
}
