package oktatest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

// route serves what there is.
func (s *Server) route(a *answer, r *http.Request) *failure {
	path, ok := strings.CutPrefix(r.URL.Path, "/api/v1/")
	parts := strings.Split(path, "/")
	switch {
	case !ok:
	case path == "users":
		return s.list(a, r, s.userDocs(s.users), s.mostPerPage(200))
	case path == "groups":
		return s.list(a, r, s.groupDocs(), 10000)
	case len(parts) == 2 && parts[0] == "users":
		i := slices.IndexFunc(s.users, func(u *User) bool { return u.ID == parts[1] || u.Profile["login"] == parts[1] })
		if i < 0 {
			return notFound(parts[1], "User")
		}
		return a.json(s.users[i].doc())
	case parts[0] == "groups" && (len(parts) == 2 || len(parts) == 3 && parts[2] == "users"):
		g := s.group(parts[1])
		if g == nil {
			return notFound(parts[1], "UserGroup")
		}
		if len(parts) == 2 {
			return a.json(g.doc())
		}
		return s.list(a, r, s.userDocs(s.membersOf(g)), s.mostPerPage(1000))
	}
	return notFound(r.URL.Path, "Endpoint")
}

func (s *Server) mostPerPage(most int) int {
	if s.MostPerPage > 0 {
		return min(s.MostPerPage, most)
	}
	return most
}

func (s *Server) membersOf(g *group) []*User {
	var members []*User
	for _, u := range s.users {
		if slices.Contains(g.members, u.ID) {
			members = append(members, u)
		}
	}
	return members
}

func notFound(what, kind string) *failure {
	return &failure{http.StatusNotFound, "E0000007", fmt.Sprintf("Not found: Resource not found: %s (%s)", what, kind)}
}

func (a *answer) json(v any) *failure {
	body, err := json.Marshal(v)
	if err != nil {
		return &failure{http.StatusInternalServerError, "E0000009", "Internal Server Error"}
	}
	a.body = body
	return nil
}

func (u *User) doc() map[string]any {
	return map[string]any{
		"id": u.ID, "status": u.Status, "created": "2026-01-02T03:04:05.000Z", "profile": u.Profile,
		"credentials": map[string]any{"provider": map[string]any{"type": "OKTA", "name": "OKTA"}},
	}
}

func (g *group) doc() map[string]any {
	return map[string]any{
		"id": g.id, "type": "OKTA_GROUP", "objectClass": []any{"okta:user_group"},
		"profile": map[string]any{"name": g.name, "description": nil},
	}
}

func (s *Server) userDocs(users []*User) []map[string]any {
	docs := make([]map[string]any, 0, len(users))
	for _, u := range users {
		docs = append(docs, u.doc())
	}
	return docs
}

func (s *Server) groupDocs() []map[string]any {
	docs := make([]map[string]any, 0, len(s.groups))
	for _, g := range s.groups {
		docs = append(docs, g.doc())
	}
	return docs
}

// list serves a page of a list, in the order of the ids. The cursor is the id behind
// which the page begins.
func (s *Server) list(a *answer, r *http.Request, docs []map[string]any, most int) *failure {
	query := r.URL.Query()
	limit := most
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return invalid("limit")
		}
		limit = min(n, most)
	}
	chosen, f := choose(docs, query)
	if f != nil {
		return f
	}
	slices.SortStableFunc(chosen, func(x, y map[string]any) int { return strings.Compare(idOf(x), idOf(y)) })
	chosen = slices.DeleteFunc(chosen, func(doc map[string]any) bool { return idOf(doc) <= query.Get("after") })
	a.header.Add("Link", link(r, query, "self"))
	if len(chosen) > limit {
		chosen = chosen[:limit]
		query.Set("after", idOf(chosen[limit-1]))
		a.header.Add("Link", link(r, query, "next"))
	}
	return a.json(chosen)
}

func idOf(doc map[string]any) string {
	id, _ := doc["id"].(string)
	return id
}

func invalid(what string) *failure {
	return &failure{http.StatusBadRequest, "E0000001", "Api validation failed: " + what}
}

func link(r *http.Request, query url.Values, rel string) string {
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	u := url.URL{Scheme: scheme, Host: r.Host, Path: r.URL.Path, RawQuery: query.Encode()}
	return fmt.Sprintf("<%s>; rel=%q", u.String(), rel)
}

// choose applies filter, search and q. Users who are DEPROVISIONED show only where
// one of them asks for something.
func choose(docs []map[string]any, query url.Values) ([]map[string]any, *failure) {
	chosen := docs
	asked := false
	for _, name := range []string{"filter", "search"} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		asked = true
		expr, err := filter.Parse(text)
		if err != nil {
			return nil, &failure{http.StatusBadRequest, "E0000031", "Invalid search criteria."}
		}
		chosen = slices.DeleteFunc(chosen, func(doc map[string]any) bool { return !filter.Match(expr, doc, nil) })
	}
	if q := strings.ToLower(query.Get("q")); q != "" {
		asked = true
		chosen = slices.DeleteFunc(chosen, func(doc map[string]any) bool {
			profile, _ := doc["profile"].(map[string]any)
			name, _ := profile["name"].(string)
			return !strings.HasPrefix(strings.ToLower(name), q)
		})
	}
	if !asked {
		chosen = slices.DeleteFunc(chosen, func(doc map[string]any) bool { return doc["status"] == "DEPROVISIONED" })
	}
	return chosen, nil
}
