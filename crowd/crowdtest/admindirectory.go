package crowdtest

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/scimcrowd/scimcrowd/crowd"
)

func adminDirectoryRoutes() map[string]methods {
	return map[string]methods{
		"admin/server-info":                       {"GET": reading(getServerInfo)},
		"admin/directory/managed":                 {"GET": reading(listManagedDirectories)},
		"admin/directory/detailed":                {"GET": reading(listDetailedDirectories)},
		"admin/directory/detailed/{}":             {"GET": reading(getDetailedDirectory)},
		"admin/directory/detailed/{}/synchronize": {"POST": writing(synchroniseDirectory)},
	}
}

func getServerInfo(x *exchange) (*reply, error) {
	version := x.opts.Version
	return ok(map[string]any{
		"version": version, "deploymentTitle": "CROWD", "buildNumber": 1700, "buildDate": "2024-12-02",
		"baseUrl": x.root, "deploymentType": "Server", "serverTime": x.now.Format("2006-01-02T15:04:05.000-0700"),
	})
}

// directoryType returns the type of a directory as the API names it.
func (d *directory) directoryType() string { return cmp.Or(d.Type, "INTERNAL") }

// summary is what lists show of a directory.
func (d *directory) summary() map[string]any {
	return map[string]any{"id": d.ID, "displayName": d.Name, "directoryType": d.directoryType()}
}

// detail is what is shown of a directory by itself.
func (x *exchange) detail(d *directory) map[string]any {
	shown := d.summary()
	shown["descriptiveName"] = d.directoryType() + " directory"
	shown["active"] = !d.Inactive
	shown["synchronizable"] = d.synchronisable()
	shown["synchronizationData"] = x.synchronisation(d)
	if x.opts.DirectoriesShowAll {
		shown["description"] = d.Description
		shown["allowedOperations"] = operationTypes(d.Denied)
		shown["attributes"] = map[string]any{"useNestedGroups": strconv.FormatBool(d.NestedGroups || x.opts.NestedGroups)}
	}
	return shown
}

// synchronisable tells whether the directory is a copy of another.
func (d *directory) synchronisable() bool {
	switch d.directoryType() {
	case "CONNECTOR", "CROWD", "AZURE_AD":
		return true
	}
	return false
}

// synchronisation is what is known of the last synchronisation, nil if there was
// none.
func (x *exchange) synchronisation(d *directory) any {
	if d.synchronised.IsZero() {
		return nil
	}
	end := d.synchronised.Add(x.opts.SynchronisationTime)
	data := map[string]any{"startDate": d.synchronised.UnixMilli(), "synchronizationType": "FULL", "status": "IN_PROGRESS"}
	if !x.now.Before(end) {
		data["status"], data["endDate"] = "SUCCESS", end.UnixMilli()
	}
	return data
}

func listManagedDirectories(x *exchange) (*reply, error) {
	var all []any
	for _, d := range x.s.directories {
		all = append(all, d.summary())
	}
	return x.officePage(all)
}

func listDetailedDirectories(x *exchange) (*reply, error) {
	var all []any
	for _, d := range x.s.directories {
		if contains(d.Name, x.params.get("search")) && x.wantsActive(!d.Inactive) {
			all = append(all, x.detail(d))
		}
	}
	return x.officePage(all)
}

func getDetailedDirectory(x *exchange) (*reply, error) {
	d, err := x.directoryByID(x.ids[0])
	if err != nil {
		return nil, err
	}
	return ok(x.detail(d))
}

func synchroniseDirectory(x *exchange) (*reply, error) {
	d, err := x.directoryByID(x.ids[0])
	switch {
	case err != nil:
		return nil, err
	case !d.synchronisable():
		return nil, x.illegal("Directory %s cannot be synchronised", d.Name)
	}
	d.synchronised = x.now
	return noContent()
}

// directoryByID returns the directory of an id in a path.
func (x *exchange) directoryByID(id string) (*directory, error) {
	for _, d := range x.s.directories {
		if strconv.FormatInt(d.ID, 10) == id {
			return d, nil
		}
	}
	return nil, &refusal{status: http.StatusNotFound, message: "Directory <" + printable(id) + "> does not exist"}
}

// directoryFolded returns the directory of a name in any letter case, or nil.
func (s *Server) directoryFolded(name string) *directory {
	for _, d := range s.directories {
		if crowd.Fold(d.Name) == crowd.Fold(name) {
			return d
		}
	}
	return nil
}
