package jiratest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
)

type object = map[string]any

// reply answers with JSON.
func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// refuse answers with Jira's error entity.
func refuse(w http.ResponseWriter, status int, message string, fields map[string]string) {
	entity := object{"errorMessages": []string{}, "errors": object{}}
	if message != "" {
		entity["errorMessages"] = []string{message}
	}
	if fields != nil {
		entity["errors"] = fields
	}
	reply(w, status, entity)
}

// route finds the resource, after the credentials.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	version := "2"
	if s.product == jiraleads.Cloud {
		version = "3"
	}
	path, ok := strings.CutPrefix(r.URL.Path, "/rest/api/"+version+"/")
	if !ok {
		refuse(w, http.StatusNotFound, "there is no such resource", nil)
		return
	}
	if !s.authenticated(r) {
		w.Header().Set("WWW-Authenticate", `OAuth realm="jira"`)
		refuse(w, http.StatusUnauthorized, "You are not authenticated. Authentication required to perform this operation.", nil)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &exchange{s, w, r}
	parts := strings.Split(path, "/")
	switch {
	case path == "mypermissions":
		c.permissions()
	case path == "user":
		c.user()
	case path == "user/search" && s.product == jiraleads.Cloud:
		c.searchUsers()
	case path == "user/assignable/search":
		c.assignable()
	case path == "project" && s.product != jiraleads.Cloud:
		c.listProjects()
	case path == "project/search" && s.product == jiraleads.Cloud:
		c.listProjects()
	case parts[0] == "project" && len(parts) == 2:
		c.project(parts[1])
	case parts[0] == "project" && len(parts) == 3 && parts[2] == "components" && s.product != jiraleads.Cloud,
		parts[0] == "project" && len(parts) == 3 && parts[2] == "component" && s.product == jiraleads.Cloud:
		c.listComponents(parts[1])
	case parts[0] == "component" && len(parts) == 2:
		c.component(parts[1])
	default:
		refuse(w, http.StatusNotFound, "there is no such resource", nil)
	}
}

func (s *Server) authenticated(r *http.Request) bool {
	name, token, basic := r.BasicAuth()
	if s.product == jiraleads.Cloud {
		return basic && name == AdminEmail && token == AdminToken.Reveal()
	}
	return basic && name == AdminName && token == AdminToken.Reveal() || r.Header.Get("Authorization") == "Bearer "+AdminToken.Reveal()
}

// An exchange is one request and its answer. The server is locked.
type exchange struct {
	*Server
	w http.ResponseWriter
	r *http.Request
}

func (c *exchange) cloud() bool { return c.product == jiraleads.Cloud }

func (c *exchange) permissions() {
	asked := strings.Split(c.r.URL.Query().Get("permissions"), ",")
	if c.cloud() && asked[0] == "" {
		refuse(c.w, http.StatusBadRequest, "The 'permissions' query parameter is required.", nil)
		return
	}
	have := map[string]bool{"ADMINISTER": !c.bystander, "USER_PICKER": !c.blind}
	all := object{}
	for name, has := range have {
		if !c.cloud() || strings.Contains(","+strings.Join(asked, ",")+",", ","+name+",") {
			all[name] = object{"key": name, "havePermission": has}
		}
	}
	reply(c.w, http.StatusOK, object{"permissions": all})
}

// show returns a user as the product shows it.
func (c *exchange) show(u *User) any {
	if u == nil {
		return nil
	}
	if !c.cloud() {
		shown := object{"key": u.Key, "name": u.Name, "emailAddress": u.Email, "displayName": u.DisplayName, "active": !u.Inactive}
		if c.users[crowd.Fold(u.Name)] != u { // deleted: known by its key only
			shown["name"], shown["displayName"] = u.Key, u.Key
		}
		return shown
	}
	shown := object{"accountId": u.AccountID, "accountType": u.Type, "displayName": u.DisplayName, "active": !u.Inactive}
	if !u.HidesEmail {
		shown["emailAddress"] = u.Email
	}
	return shown
}

func (c *exchange) byAccount(id string) *User {
	for _, u := range c.users {
		if u.AccountID == id {
			return u
		}
	}
	return nil
}

func (c *exchange) user() {
	query := c.r.URL.Query()
	u, name := c.byAccount(query.Get("accountId")), query.Get("accountId")
	if !c.cloud() {
		name = query.Get("username")
		u = c.users[crowd.Fold(name)]
	}
	if u == nil {
		refuse(c.w, http.StatusNotFound, "The user named '"+name+"' does not exist", nil)
		return
	}
	reply(c.w, http.StatusOK, c.show(u))
}

// searchUsers finds active accounts by the beginning of display name or address.
func (c *exchange) searchUsers() {
	var found []any
	query := c.r.URL.Query().Get("query")
	for _, u := range sortedUsers(c.users) {
		if !c.blind && !u.Inactive && (folded(u.DisplayName, query) || folded(u.Email, query)) {
			found = append(found, c.show(u))
		}
	}
	start, length := c.window()
	reply(c.w, http.StatusOK, cut(found, start, length))
}

func (c *exchange) assignable() {
	query := c.r.URL.Query()
	p := c.find(query.Get("project"))
	if p == nil {
		refuse(c.w, http.StatusNotFound, "No project could be found with key '"+query.Get("project")+"'.", nil)
		return
	}
	found := []any{}
	for _, u := range sortedUsers(c.users) {
		fits := folded(u.Name, query.Get("username"))
		if c.cloud() {
			fits = u.AccountID == query.Get("accountId")
		}
		if fits && !u.Inactive && !p.barred[u.Name] {
			found = append(found, c.show(u))
		}
	}
	reply(c.w, http.StatusOK, found)
}

// find returns a project by id or key.
func (c *exchange) find(idOrKey string) *project {
	for _, p := range c.projects {
		if p.key == idOrKey || strconv.Itoa(p.id) == idOrKey {
			return p
		}
	}
	return nil
}

func (c *exchange) showProject(p *project, lead bool) object {
	shown := object{"id": strconv.Itoa(p.id), "key": p.key, "name": "Project " + p.key, "projectTypeKey": "software"}
	if lead {
		shown["lead"] = c.show(p.lead)
	}
	return shown
}

func (c *exchange) listProjects() {
	lead := strings.Contains(c.r.URL.Query().Get("expand"), "lead")
	all := []any{}
	for _, p := range c.projects {
		if !p.archived {
			all = append(all, c.showProject(p, lead))
		}
	}
	c.list(all)
}

// list answers with a list: whole, or in Cloud a page of it.
func (c *exchange) list(all []any) {
	if !c.cloud() {
		reply(c.w, http.StatusOK, all)
		return
	}
	start, length := c.window()
	page := cut(all, start, length)
	reply(c.w, http.StatusOK, object{
		"startAt": start, "maxResults": length, "total": len(all), "isLast": start+len(page) >= len(all), "values": page,
	})
}

// window returns which part of a list is asked for, within what the server gives.
func (c *exchange) window() (start, length int) {
	query := c.r.URL.Query()
	start, _ = strconv.Atoi(query.Get("startAt"))
	length, err := strconv.Atoi(query.Get("maxResults"))
	if err != nil || length <= 0 || length > c.page {
		length = c.page
	}
	return max(start, 0), length
}

func cut(all []any, start, length int) []any {
	if start >= len(all) {
		return []any{}
	}
	return all[start:min(start+length, len(all))]
}

func (c *exchange) project(idOrKey string) {
	p := c.find(idOrKey)
	if p == nil {
		refuse(c.w, http.StatusNotFound, "No project could be found with key '"+idOrKey+"'.", nil)
		return
	}
	if c.r.Method != http.MethodPut {
		reply(c.w, http.StatusOK, c.showProject(p, true))
		return
	}
	if lead, ok := c.newLead("lead", "projectLead", "You must specify a valid project lead."); ok {
		p.lead = lead
		reply(c.w, http.StatusOK, c.showProject(p, true))
	}
}

// newLead reads who is to lead, from the field that the product takes.
func (c *exchange) newLead(field, complaint, message string) (*User, bool) {
	var body map[string]string
	if json.NewDecoder(c.r.Body).Decode(&body) != nil {
		refuse(c.w, http.StatusBadRequest, "the body cannot be read", nil)
		return nil, false
	}
	if c.bystander {
		refuse(c.w, http.StatusForbidden, "You cannot edit the configuration of this project.", nil)
		return nil, false
	}
	u := c.users[crowd.Fold(body[field])]
	if c.cloud() {
		u = c.byAccount(body["leadAccountId"])
	}
	if u == nil || u.Inactive {
		refuse(c.w, http.StatusBadRequest, "", map[string]string{complaint: message})
		return nil, false
	}
	return u, true
}

func (c *exchange) showComponent(k *component) object {
	return object{
		"id": strconv.Itoa(k.id), "name": k.name, "lead": c.show(k.lead), "assigneeType": "PROJECT_DEFAULT",
		"project": k.project.key, "projectId": k.project.id,
	}
}

func (c *exchange) listComponents(idOrKey string) {
	p := c.find(idOrKey)
	if p == nil {
		refuse(c.w, http.StatusNotFound, "No project could be found with key '"+idOrKey+"'.", nil)
		return
	}
	all := []any{}
	for _, k := range c.components {
		if k.project == p {
			all = append(all, c.showComponent(k))
		}
	}
	c.list(all)
}

func (c *exchange) component(id string) {
	for _, k := range c.components {
		if strconv.Itoa(k.id) != id {
			continue
		}
		if c.r.Method != http.MethodPut {
			reply(c.w, http.StatusOK, c.showComponent(k))
		} else if lead, ok := c.newLead("leadUserName", "leadUserName", "The user does not exist."); ok {
			k.lead = lead
			reply(c.w, http.StatusOK, c.showComponent(k))
		}
		return
	}
	refuse(c.w, http.StatusNotFound, "The component with id "+id+" does not exist.", nil)
}
