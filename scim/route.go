package scim

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// An operation serves one method of one endpoint.
type operation func(x *exchange) error

// An endpoint maps methods to operations. HEAD and OPTIONS come by themselves.
type endpoint map[string]operation

// mount lists all endpoints (RFC 7644 section 3.2): the first segment of the
// path, and "/*" where a second one follows.
func (h *Handler) mount() {
	h.endpoints = map[string]endpoint{
		"":              {http.MethodGet: h.searchAllByQuery},
		".search":       {http.MethodPost: h.searchAll},
		"Users":         {http.MethodGet: h.listUsers, http.MethodPost: h.createUser},
		"Users/.search": {http.MethodPost: h.searchUsers},
		"Users/*": {
			http.MethodGet: h.readUser, http.MethodPut: h.replaceUser,
			http.MethodPatch: h.patchUser, http.MethodDelete: h.deleteUser,
		},
		"Groups":         {http.MethodGet: h.listGroups, http.MethodPost: h.createGroup},
		"Groups/.search": {http.MethodPost: h.searchGroups},
		"Groups/*": {
			http.MethodGet: h.readGroup, http.MethodPut: h.replaceGroup,
			http.MethodPatch: h.patchGroup, http.MethodDelete: h.deleteGroup,
		},
		"Me": {
			http.MethodGet: h.me(h.readUser), http.MethodPut: h.me(h.replaceUser),
			http.MethodPatch: h.me(h.patchUser), http.MethodDelete: h.me(h.deleteUser),
			http.MethodPost: h.me(nil),
		},
		"Bulk": {http.MethodPost: h.bulk},
	}
	h.mountDiscovery()
}

// dispatch finds the operation of a request and runs it.
func (h *Handler) dispatch(x *exchange) error {
	if f := checkAddress(x.r.URL); f != nil {
		return f
	}
	at, id := h.find(x.r.URL.Path)
	if at == nil {
		return &failure{status: http.StatusNotFound, detail: "no such endpoint; the base URL is " + h.base + " and /Users, /Groups and the like follow it"}
	}
	method := x.r.Method
	switch method {
	case http.MethodHead:
		method, x.head = http.MethodGet, true
	case http.MethodOptions:
		x.w.Header().Set("Allow", at.allow())
		return x.send(http.StatusNoContent, nil)
	}
	run := at[method]
	if run == nil {
		return &failure{
			status: http.StatusMethodNotAllowed, header: http.Header{"Allow": {at.allow()}},
			detail: "this endpoint knows " + at.allow() + " only",
		}
	}
	if f := checkAccept(x.r.Header); f != nil {
		return f
	}
	var err error
	if x.query, err = parseParams(x.r.URL.RawQuery); err != nil {
		return err
	}
	x.id = id
	return run(x)
}

// longestAddress is the greatest length of a URL in bytes. Servers have a limit
// of their own for the whole header, that of net/http is 1 MiB.
const longestAddress = 512 << 10

func checkAddress(u *url.URL) *failure {
	if len(u.Path)+len(u.RawQuery) <= longestAddress {
		return nil
	}
	return &failure{
		status: http.StatusRequestURITooLong,
		detail: fmt.Sprintf("the URL is longer than the %d bytes this server accepts; send a query as POST to /.search", longestAddress),
	}
}

// find returns the endpoint of a path, nil if there is none, and the id in it.
// Slashes at both ends and doubled ones in front mean nothing.
func (h *Handler) find(path string) (endpoint, string) {
	path = strings.Trim(path, "/")
	if at, ok := h.endpoints[path]; ok {
		return at, ""
	}
	first, id, found := strings.Cut(path, "/")
	if !found || strings.Contains(id, "/") {
		return nil, ""
	}
	return h.endpoints[first+"/*"], id
}

// allow lists the methods of an endpoint as the Allow header does.
func (e endpoint) allow() string {
	methods := slices.Sorted(maps.Keys(e))
	if e[http.MethodGet] != nil {
		methods = append(methods, http.MethodHead)
	}
	return strings.Join(append(methods, http.MethodOptions), ", ")
}

// parseParams reads the query of a URL. Unlike [url.ParseQuery] it takes ";"
// for a character like others, and loses nothing it cannot read.
func parseParams(raw string) ([]param, error) {
	var params []param
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(part, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, refuse(invalidValue, "the query has a parameter whose name is badly percent-encoded")
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, refuse(invalidValue, name+": the value is badly percent-encoded")
		}
		params = append(params, param{name, value})
	}
	return params, nil
}
