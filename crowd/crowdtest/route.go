package crowdtest

import (
	"net/http"
	"net/url"
	"strings"
)

// A handler carries an exchange out while the server's state is locked. What
// its reply holds must not be changed later.
type handler func(x *exchange) (*reply, error)

// A route is what one method does to a resource.
type route struct {
	do handler
	// writes locks the state for this exchange alone.
	writes bool
}

type methods map[string]*route

func reading(do handler) *route { return &route{do: do} }

func writing(do handler) *route { return &route{do: do, writes: true} }

// routes maps the resources of usermanagement/1 to what they can do.
func routes() map[string]methods {
	return map[string]methods{
		"user": {
			"GET": reading(getUser), "POST": writing(postUser), "PUT": writing(putUser), "DELETE": writing(deleteUser),
		},
		"user/rename": {"POST": writing(renameUser)},
		"user/attribute": {
			"GET": reading(getAttributes), "POST": writing(postAttributes), "DELETE": writing(deleteAttribute),
		},
		"user/password":             {"PUT": writing(putPassword), "DELETE": writing(deletePassword)},
		"user/mail/password":        {"POST": reading(mailPassword)},
		"user/mail/usernames":       {"POST": reading(mailUsernames)},
		"user/expire-all-passwords": {"POST": writing(expireAllPasswords)},
		"user/avatar":               {"GET": reading(getAvatar)},
		"user/group/direct": {
			"GET": reading(listGroupsOfUser), "POST": writing(addGroupToUser), "DELETE": writing(removeMember),
		},
		"user/group/nested": {"GET": reading(listGroupsOfUser)},
		"group": {
			"GET": reading(getGroup), "POST": writing(postGroup), "PUT": writing(putGroup), "DELETE": writing(deleteGroup),
		},
		"group/attribute": {
			"GET": reading(getAttributes), "POST": writing(postAttributes), "DELETE": writing(deleteAttribute),
		},
		"group/user/direct": {
			"GET": reading(listMembers), "POST": writing(addUserToGroup), "DELETE": writing(removeMember),
		},
		"group/user/nested": {"GET": reading(listMembers)},
		"group/child-group/direct": {
			"GET": reading(listChildren), "POST": writing(addChild), "DELETE": writing(removeChild),
		},
		"group/child-group/nested":  {"GET": reading(listChildren)},
		"group/parent-group/direct": {"GET": reading(listParents), "POST": writing(addParent)},
		"group/parent-group/nested": {"GET": reading(listParents)},
		"group/membership":          {"GET": reading(dumpMemberships)},
		"authentication":            {"POST": writing(authenticate)},
		"authentication/notify":     {"POST": writing(notifyAuthenticated)},
		"session":                   {"POST": writing(createSession), "DELETE": writing(endUserSessions)},
		"session/{token}": {
			"GET": reading(getSession), "POST": writing(validateSession), "DELETE": writing(endSession),
		},
		"search":        {"GET": reading(search), "POST": reading(search)},
		"config/cookie": {"GET": reading(getCookieConfig)},
		"event":         {"GET": reading(getEventToken)},
		"event/{token}": {"GET": reading(getEvents)},
		"webhook":       {"POST": writing(postWebhook)},
		"webhook/{token}": {
			"GET": reading(getWebhook), "DELETE": writing(deleteWebhook),
		},
	}
}

// A place is where a path leads: the path of the context before it, the
// resource of the API, and the token where the resource takes one. The resource
// of another API than usermanagement begins with that API's name.
type place struct {
	context, api, resource, token string
	office                        bool // an API for administrators
}

// locate takes a path apart. A path outside the API has no api.
func locate(u *url.URL) place {
	path := u.EscapedPath()
	context, rest, found := strings.Cut(path, "/rest/")
	if !found {
		return place{resource: withoutTokens(path)}
	}
	api := "usermanagement/1"
	resource, found := strings.CutPrefix(rest, "usermanagement/1/")
	if !found {
		if resource, found = strings.CutPrefix(rest, "usermanagement/latest/"); !found {
			if p, found := locateOffice(context, rest); found {
				return p
			}
			return place{context: context, resource: withoutTokens(rest)}
		}
		api = "usermanagement/latest"
	}
	p := place{context: context, api: api, resource: strings.TrimSuffix(resource, "/")}
	for _, parent := range []string{"session", "event", "webhook"} {
		if rest, found := strings.CutPrefix(p.resource, parent+"/"); found {
			token, below, more := strings.Cut(rest, "/")
			p.token, _ = url.PathUnescape(token)
			p.resource = parent + "/{token}"
			if more {
				p.resource += "/" + below
			}
		}
	}
	return p
}

// withoutTokens returns a path that leads nowhere as it may be recorded: a client
// with a wrong address sends session tokens there all the same.
func withoutTokens(path string) string {
	segments := strings.Split(path, "/")
	for i := 1; i < len(segments); i++ {
		if segments[i-1] == "session" {
			segments[i] = "{token}"
		}
	}
	return strings.Join(segments, "/")
}

// find sets the route of x, or tells why there is none.
func (x *exchange) find(p place) error {
	known := x.s.routes[x.resource]
	if p.office {
		known, x.ids = officeRoute(x.s.officeRoutes, x.resource)
	}
	if p.api == "" || known == nil || x.resource == "group/membership" && x.opts.NoMembershipDump {
		return &refusal{status: http.StatusNotFound, message: "There is no such resource"}
	}
	method := x.method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	x.route = known[method]
	if x.route == nil {
		return &refusal{status: http.StatusMethodNotAllowed, message: "The resource does not support the method"}
	}
	return nil
}
