package crowdtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// The offices are the APIs for administrators, by the name that their resources
// begin with: Crowd's own, and those of the plugins.
const (
	officeAdmin = "admin"
	officeApps  = "appmanagement"
)

// An officePath is a resource of an office; a segment "{}" stands for any.
type officePath struct {
	segments []string
	methods  methods
}

// officePlaces maps what paths begin with to the name of the office.
func officePlaces() map[string]string {
	return map[string]string{
		"admin/1.0/": officeAdmin, "admin/latest/": officeAdmin,
		"appmanagement/1/": officeApps, "appmanagement/latest/": officeApps,
		"confapi/1/": string(ConfAPI), "bootstrapi/1/": string(BootstrAPI),
	}
}

// locateOffice takes the path below /rest/ apart, if it leads to an office.
func locateOffice(context, rest string) (place, bool) {
	for prefix, office := range officePlaces() {
		if resource, found := strings.CutPrefix(rest, prefix); found {
			return place{
				context: context, api: strings.TrimSuffix(prefix, "/"), office: true,
				resource: office + "/" + strings.TrimSuffix(resource, "/"),
			}, true
		}
	}
	return place{}, false
}

// officeRoutes lists the resources of all offices, the exact before those with
// ids.
func officeRoutes() []officePath {
	var paths []officePath
	for _, table := range []map[string]methods{
		adminDirectoryRoutes(), adminApplicationRoutes(), adminMemberRoutes(), pluginRoutes(),
	} {
		for path, m := range table {
			paths = append(paths, officePath{strings.Split(path, "/"), m})
		}
	}
	wild := func(p officePath) string { return strings.ReplaceAll(strings.Join(p.segments, "/"), "{}", "\uffff") }
	slices.SortFunc(paths, func(a, b officePath) int { return strings.Compare(wild(a), wild(b)) })
	return paths
}

// officeRoute returns what a resource can do, and the ids in it.
func officeRoute(paths []officePath, resource string) (methods, []string) {
	segments := strings.Split(resource, "/")
	for _, p := range paths {
		if ids, found := p.match(segments); found {
			return p.methods, ids
		}
	}
	return nil, nil
}

func (p *officePath) match(segments []string) (ids []string, found bool) {
	if len(segments) != len(p.segments) {
		return nil, false
	}
	for i, segment := range segments {
		switch {
		case p.segments[i] == "{}":
			ids = append(ids, segment)
		case p.segments[i] != segment:
			return nil, false
		}
	}
	return ids, true
}

// administrators is the group whose members may administer.
const administrators = "crowd-administrators"

// admitAdministrator refuses who is no administrator, and everybody where the
// office is not there.
func (x *exchange) admitAdministrator() *reply {
	if !x.officeOpen() {
		return x.noResource()
	}
	name, password, given := basicAuth(x.header.Get("Authorization"))
	user, member := x.s.userAnywhere(name, password)
	switch {
	case !given || user == nil:
		return x.officeReply(http.StatusUnauthorized, "Client must be authenticated to access this resource.")
	case !member && x.opts.AdminRefusesInHTML:
		return x.addressRefused()
	case !member:
		return x.officeReply(http.StatusForbidden, "Client must be authenticated as a system administrator to access this resource.")
	}
	return nil
}

// officeOpen tells whether this Crowd has the office.
func (x *exchange) officeOpen() bool {
	office, _, _ := strings.Cut(x.resource, "/")
	switch office {
	case officeAdmin:
		return !versionBefore(x.opts.Version, 3, 0)
	case officeApps:
		return true
	}
	lacking := x.opts.MapOnly && strings.HasPrefix(x.resource, "bootstrapi/directory") && x.resource != "bootstrapi/directories"
	return string(x.opts.Plugin) == office && !lacking
}

// userAnywhere returns the active user of that name and password in any
// directory, and whether it is an administrator.
func (s *Server) userAnywhere(name, password string) (user *store.User, administrator bool) {
	for _, d := range s.directories {
		u := d.contents.User(name)
		if u == nil || d.Inactive || !u.Active || !store.CredentialMatches(u.Credential, password) {
			continue
		}
		g := d.contents.Group(administrators)
		if user = u; g != nil && g.Active && d.contents.HasMember(g, u) {
			return u, true
		}
	}
	return user, false
}

// officeRefusal is a refusal in the shape that the office gives to errors.
func (x *exchange) officeRefusal(r *refusal) *reply {
	if r.status == http.StatusNotFound && x.route == nil {
		return x.noResource()
	}
	return x.officeReply(r.status, r.message)
}

// noResource is the answer at a path that is not there.
func (x *exchange) noResource() *reply {
	if x.opts.MissingInJSON {
		message := "null for uri: " + printable(x.root+"/rest/"+x.resource)
		return &reply{status: http.StatusNotFound, entity: map[string]any{"message": message, "status-code": 404}}
	}
	return containerPage(http.StatusNotFound, "The requested resource is not available.")
}

func (x *exchange) officeReply(status int, message string) *reply {
	answer := &reply{status: status, refused: true, entity: map[string]any{"error": message}}
	switch {
	case strings.HasPrefix(x.resource, string(ConfAPI)+"/"), strings.HasPrefix(x.resource, string(BootstrAPI)+"/"):
		answer.entity = map[string]any{"errorMessages": []string{message}}
	case status == http.StatusUnauthorized && !x.opts.NoChallenge:
		answer.header = http.Header{"Www-Authenticate": {`Basic realm="protected-area"`}}
	}
	return answer
}

// officePage is a page of a list.
func (x *exchange) officePage(values []any) (*reply, error) {
	start, err := x.number("start", 0)
	if err != nil {
		return nil, err
	}
	limit, err := x.number("limit", 50)
	if err != nil {
		return nil, err
	}
	if start < 0 || limit < 0 {
		return nil, x.illegal("start or limit is negative")
	}
	most := limit
	if x.opts.AdminPageLimit > 0 {
		most = min(limit, x.opts.AdminPageLimit)
	}
	from := min(start, len(values))
	to := min(from+most, len(values))
	shown := append([]any{}, values[from:to]...)
	return ok(map[string]any{
		"values": shown, "size": len(shown), "start": start, "limit": most, "isLastPage": to == len(values),
	})
}

// contains tells whether a text holds another, in any letter case.
func contains(text, part string) bool { return strings.Contains(crowd.Fold(text), crowd.Fold(part)) }

// wantsActive tells whether something that is active, or is not, is asked for.
func (x *exchange) wantsActive(active bool) bool {
	switch x.params.get("active") {
	case "true":
		return active
	case "false":
		return !active
	}
	return true
}

// AddAdministrator adds a user who may administer, in a directory of its own,
// "Administrators", that applications do not see unless they are mapped to it. It
// panics if there is such a user.
func (s *Server) AddAdministrator(name string, password crowd.Secret) {
	s.separateAdministrators()
	admins := s.In(AdministratorsDirectory)
	if _, found := admins.Group(administrators); !found {
		admins.AddGroup(crowd.Group{Name: administrators, Active: true})
	}
	admins.AddUser(crowd.User{Name: name, DisplayName: "Administrator", Email: "admin@example.com", Active: true})
	admins.AddMember(administrators, name)
	admins.SetPassword(name, password)
}

// AdministratorsDirectory is the directory of [Server.AddAdministrator].
const AdministratorsDirectory = "Administrators"

// separateAdministrators makes the directory, and has applications that see all
// directories see those that were there before.
func (s *Server) separateAdministrators() {
	s.init()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.directoryNamed(AdministratorsDirectory) != nil {
		return
	}
	for _, app := range s.applications {
		app.Directories = s.mappingsOf(app)
	}
	s.addDirectory(Directory{Name: AdministratorsDirectory})
}

// mappingsOf returns the mappings of an application, written out where it sees
// all directories.
func (s *Server) mappingsOf(app *application) []Mapping {
	if len(app.Directories) > 0 || app.Unmapped {
		return app.Directories
	}
	var all []Mapping
	for _, d := range s.directories {
		all = append(all, Mapping{Directory: d.Name})
	}
	return all
}
