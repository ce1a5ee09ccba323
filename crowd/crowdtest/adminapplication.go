package crowdtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
)

func adminApplicationRoutes() map[string]methods {
	return map[string]methods{
		"admin/application":    {"GET": reading(listApplications)},
		"admin/application/{}": {"GET": reading(getApplication), "PUT": writing(putApplication)},
		"admin/application/{}/directory-mapping": {
			"GET": reading(listMappings), "POST": writing(postMapping),
		},
		"admin/application/{}/directory-mapping/{}": {
			"GET": reading(getMapping), "PUT": writing(putMapping), "DELETE": writing(deleteMapping),
		},
		"admin/application/{}/directory-mapping/{}/move": {"POST": writing(moveMapping)},
		"appmanagement/application":                      {"GET": reading(listManagedApplications)},
		"appmanagement/application/{}":                   {"GET": reading(getManagedApplication)},
		"appmanagement/application/{}/remote_address": {
			"GET": reading(listAddresses), "POST": writing(postAddress), "DELETE": writing(deleteAddress),
		},
	}
}

func (a *application) view() map[string]any {
	return map[string]any{
		"id": a.ID, "name": a.Name, "description": a.Description, "active": !a.Inactive,
		"type": cmp.Or(a.Type, "GENERIC_APPLICATION"),
	}
}

// applicationsByID returns the applications in the order of their ids.
func (s *Server) applicationsByID() []*application {
	var all []*application
	for _, a := range s.applications {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *application) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

func listApplications(x *exchange) (*reply, error) {
	var all []any
	for _, a := range x.s.applicationsByID() {
		if contains(a.Name, x.params.get("name")) && x.wantsActive(!a.Inactive) {
			all = append(all, a.view())
		}
	}
	return x.officePage(all)
}

// applicationByID returns the application of the id in the path.
func (x *exchange) applicationByID() (*application, error) {
	for _, a := range x.s.applications {
		if strconv.FormatInt(a.ID, 10) == x.ids[0] {
			return a, nil
		}
	}
	return nil, &refusal{status: http.StatusNotFound, message: "Application <" + printable(x.ids[0]) + "> does not exist"}
}

func getApplication(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	return ok(a.view())
}

func putApplication(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	in := struct {
		Description *string `json:"description"`
		Active      *bool   `json:"active"`
	}{&a.Description, nil}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.Description != nil {
		a.Description = *in.Description
	}
	if in.Active != nil {
		a.Inactive = !*in.Active
	}
	return ok(a.view())
}

// mappingBody is a mapping as a request has it: with the directory's id, which
// appmanagement calls directoryId.
type mappingBody struct {
	ID                     *int64           `json:"id"`
	DirectoryID            *int64           `json:"directoryId"`
	Directory              *json.RawMessage `json:"directory"`
	AllowAllToAuthenticate *bool            `json:"allowAllToAuthenticate"`
	AuthenticateAll        *bool            `json:"authenticateAll"`
	AllowedOperations      *[]string        `json:"allowedOperations"`
	DirectoryName          *string          `json:"directoryName"`
}

func (x *exchange) mappingView(m Mapping) map[string]any {
	d := x.s.directoryNamed(m.Directory)
	shown := map[string]any{"directory": d.summary(), "allowAllToAuthenticate": len(m.Groups) == 0}
	if x.opts.FlatMappings {
		shown = map[string]any{"directoryId": d.ID, "directoryName": d.Name, "authenticateAll": len(m.Groups) == 0}
	}
	if !x.opts.HideMappingOperations {
		shown["allowedOperations"] = operationTypes(m.Denied)
	}
	return shown
}

func listMappings(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	var all []any
	for _, m := range x.s.mappingsOf(a) {
		if x.s.directoryNamed(m.Directory) != nil {
			all = append(all, x.mappingView(m))
		}
	}
	return x.officePage(all)
}

// postMapping adds a directory after those that the application sees.
func postMapping(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	var in mappingBody
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	id := in.ID
	if x.opts.FlatMappings {
		id = in.DirectoryID
	}
	if id == nil {
		return nil, x.illegal("The body names no directory")
	}
	d, err := x.directoryByID(strconv.FormatInt(*id, 10))
	if err != nil {
		return nil, err
	}
	mappings := x.s.mappingsOf(a)
	if mappingTo(mappings, d) >= 0 {
		return nil, &refusal{status: http.StatusConflict, message: "The directory is mapped already"}
	}
	m := Mapping{Directory: d.Name}
	if x.opts.NewMappingsDenied {
		m.Denied = allOperations()
	}
	a.bind(append(slices.Clone(mappings), m))
	return &reply{status: http.StatusCreated, entity: x.mappingView(m)}, nil
}

// bind gives an application the mappings that are there from now on.
func (a *application) bind(mappings []Mapping) {
	a.Directories, a.Unmapped = mappings, len(mappings) == 0
}

func mappingTo(mappings []Mapping, d *directory) int {
	return slices.IndexFunc(mappings, func(m Mapping) bool { return m.Directory == d.Name })
}

// mapping returns the application, its mappings, and which of them the path
// names.
func (x *exchange) mapping() (a *application, mappings []Mapping, at int, err error) {
	if a, err = x.applicationByID(); err != nil {
		return nil, nil, 0, err
	}
	d, err := x.directoryByID(x.ids[1])
	if err != nil {
		return nil, nil, 0, err
	}
	mappings = slices.Clone(x.s.mappingsOf(a))
	if at = mappingTo(mappings, d); at < 0 {
		return nil, nil, 0, &refusal{status: http.StatusNotFound, message: "The directory is not mapped to the application"}
	}
	return a, mappings, at, nil
}

func getMapping(x *exchange) (*reply, error) {
	_, mappings, at, err := x.mapping()
	if err != nil {
		return nil, err
	}
	return ok(x.mappingView(mappings[at]))
}

func putMapping(x *exchange) (*reply, error) {
	a, mappings, at, err := x.mapping()
	if err != nil {
		return nil, err
	}
	var in mappingBody
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.AllowedOperations != nil && !x.opts.HideMappingOperations {
		denied, err := x.deniedBy(*in.AllowedOperations)
		if err != nil {
			return nil, err
		}
		mappings[at].Denied = denied
	}
	a.bind(mappings)
	return ok(x.mappingView(mappings[at]))
}

func deleteMapping(x *exchange) (*reply, error) {
	a, mappings, at, err := x.mapping()
	if err != nil {
		return nil, err
	}
	a.bind(slices.Delete(mappings, at, at+1))
	return noContent()
}

// moveMapping puts a mapping at another position of the order.
func moveMapping(x *exchange) (*reply, error) {
	a, mappings, at, err := x.mapping()
	if err != nil {
		return nil, err
	}
	var in struct {
		Position int `json:"position"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.Position < 0 || in.Position >= len(mappings) {
		return nil, x.illegal("There is no position %d", in.Position)
	}
	moved := mappings[at]
	mappings = slices.Insert(slices.Delete(mappings, at, at+1), in.Position, moved)
	a.bind(mappings)
	return noContent()
}

// operationNames maps the operations to the names that the administration API
// has for them.
func operationNames() map[Operation]string {
	return map[Operation]string{
		AddUser: "CREATE_USER", ModifyUser: "UPDATE_USER", RemoveUser: "DELETE_USER",
		ModifyUserAttributes: "UPDATE_USER_ATTRIBUTE",
		AddGroup:             "CREATE_GROUP", ModifyGroup: "UPDATE_GROUP", RemoveGroup: "DELETE_GROUP",
		ModifyGroupAttributes: "UPDATE_GROUP_ATTRIBUTE",
	}
}

func allOperations() []Operation {
	return []Operation{
		AddUser, ModifyUser, RemoveUser, ModifyUserAttributes, AddGroup, ModifyGroup, RemoveGroup, ModifyGroupAttributes,
	}
}

// operationTypes returns the names of the operations that are not denied.
func operationTypes(denied []Operation) []string {
	names := []string{}
	for _, op := range allOperations() {
		if !slices.Contains(denied, op) {
			names = append(names, operationNames()[op])
		}
	}
	return names
}

// deniedBy returns the operations that a list of allowed ones leaves out.
func (x *exchange) deniedBy(allowed []string) ([]Operation, error) {
	known := operationTypes(nil)
	for _, name := range allowed {
		if !slices.Contains(known, name) {
			return nil, x.illegal("%s is no operation", name)
		}
	}
	var denied []Operation
	for _, op := range allOperations() {
		if !slices.Contains(allowed, operationNames()[op]) {
			denied = append(denied, op)
		}
	}
	return denied, nil
}

// managed is an application as appmanagement shows it in JSON.
func managed(a *application) map[string]any {
	return map[string]any{"id": a.ID, "name": a.Name, "description": a.Description, "active": !a.Inactive}
}

func listManagedApplications(x *exchange) (*reply, error) {
	all := []any{}
	for _, a := range x.s.applicationsByID() {
		if name := x.params.get("name"); name == "" || name == a.Name {
			all = append(all, map[string]any{"ApplicationEntity": managed(a)})
		}
	}
	return ok(map[string]any{"applications": all})
}

func getManagedApplication(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	return ok(managed(a))
}

func listAddresses(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	all := []any{}
	for _, address := range a.Addresses {
		all = append(all, map[string]any{"value": address})
	}
	return ok(map[string]any{"remoteAddresses": all})
}

func postAddress(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	var in struct {
		Value string `json:"value"`
	}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.Value == "" {
		return nil, x.illegal("The body names no address")
	}
	if !slices.Contains(a.Addresses, in.Value) {
		a.Addresses = append(slices.Clone(a.Addresses), in.Value)
	}
	return created()
}

func deleteAddress(x *exchange) (*reply, error) {
	a, err := x.applicationByID()
	if err != nil {
		return nil, err
	}
	address, err := x.require("address")
	if err != nil {
		return nil, err
	}
	a.Addresses = slices.DeleteFunc(slices.Clone(a.Addresses), func(one string) bool { return one == address })
	return noContent()
}
