package crowdtest

import (
	"maps"
	"net/http"
	"slices"
)

// The two plugins have the same directories in different places: ConfAPI lists
// them, and its successor maps them by name.
func pluginRoutes() map[string]methods {
	one := methods{"GET": reading(getPluginDirectory), "PUT": writing(putPluginDirectory), "DELETE": writing(deletePluginDirectory)}
	return map[string]methods{
		"confapi/ping": {"GET": reading(ping)},
		"confapi/directories": {
			"GET": reading(listPluginDirectories), "POST": writing(postPluginDirectory),
			"PUT": writing(putPluginDirectories), "DELETE": writing(deletePluginDirectories),
		},
		"confapi/directories/{}": one,

		"bootstrapi/ping":      {"GET": reading(ping)},
		"bootstrapi/directory": {"POST": writing(postPluginDirectory)},
		"bootstrapi/directories": {
			"GET": reading(listPluginDirectories), "PUT": writing(putPluginDirectories), "DELETE": writing(deletePluginDirectories),
		},
		"bootstrapi/directory/{}": one,
	}
}

func ping(*exchange) (*reply, error) {
	return &reply{status: http.StatusOK, text: "pong", contentType: "text/plain"}, nil
}

// pluginList returns directories as the plugin lists them.
func (x *exchange) pluginList(directories []*directory) map[string]any {
	if x.opts.Plugin == BootstrAPI {
		byName := map[string]any{}
		for _, d := range directories {
			byName[d.Name] = x.pluginView(d)
		}
		return byName
	}
	all := []any{}
	for _, d := range directories {
		all = append(all, x.pluginView(d))
	}
	return map[string]any{"directories": all}
}

func listPluginDirectories(x *exchange) (*reply, error) { return ok(x.pluginList(x.s.directories)) }

func getPluginDirectory(x *exchange) (*reply, error) {
	d, err := x.directoryByID(x.ids[0])
	if err != nil {
		return nil, err
	}
	return ok(x.pluginView(d))
}

func postPluginDirectory(x *exchange) (*reply, error) {
	in := map[string]any{}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	d, err := x.createDirectory(in)
	if err != nil {
		return nil, err
	}
	return ok(x.pluginView(d))
}

func putPluginDirectory(x *exchange) (*reply, error) {
	d, err := x.directoryByID(x.ids[0])
	if err != nil {
		return nil, err
	}
	in := map[string]any{}
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if err := x.changeDirectory(d, in); err != nil {
		return nil, err
	}
	return ok(x.pluginView(d))
}

// putPluginDirectories creates or changes the directories of a whole list or
// map, each by its name.
func putPluginDirectories(x *exchange) (*reply, error) {
	all, err := x.pluginBodies()
	if err != nil {
		return nil, err
	}
	var put []*directory
	for _, in := range all {
		name, _ := in["name"].(string)
		d := x.s.directoryFolded(name)
		if d == nil {
			d, err = x.createDirectory(in)
		} else {
			err = x.changeDirectory(d, in)
		}
		if err != nil {
			return nil, err
		}
		put = append(put, d)
	}
	return ok(x.pluginList(put))
}

// pluginBodies reads a list or a map of directories, in order.
func (x *exchange) pluginBodies() ([]map[string]any, error) {
	if x.opts.Plugin == ConfAPI {
		var in struct {
			Directories []map[string]any `json:"directories"`
		}
		err := x.decode(&in)
		return in.Directories, err
	}
	byName := map[string]map[string]any{}
	if err := x.decode(&byName); err != nil {
		return nil, err
	}
	var all []map[string]any
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		one := byName[name]
		if one == nil {
			return nil, x.illegal("Directory %s is nothing", name)
		}
		one["name"] = name
		all = append(all, one)
	}
	return all, nil
}

func deletePluginDirectory(x *exchange) (*reply, error) {
	d, err := x.directoryByID(x.ids[0])
	switch {
	case err != nil:
		return nil, err
	case len(x.s.directories) == 1:
		return nil, x.illegal("The last directory cannot be deleted")
	case x.now.Before(d.synchronised.Add(x.opts.SynchronisationTime)):
		return nil, &refusal{status: http.StatusServiceUnavailable, message: "The directory is being synchronised; retry later"}
	}
	x.s.removeDirectory(d)
	return &reply{status: http.StatusOK, empty: true}, nil
}

// deletePluginDirectories deletes all but the oldest internal one.
func deletePluginDirectories(x *exchange) (*reply, error) {
	if x.params.get("force") != "true" {
		return nil, x.illegal("All directories are only deleted with force=true")
	}
	kept := slices.IndexFunc(x.s.directories, func(d *directory) bool { return d.directoryType() == "INTERNAL" })
	for i, d := range slices.Clone(x.s.directories) {
		if i != max(kept, 0) {
			x.s.removeDirectory(d)
		}
	}
	return &reply{status: http.StatusOK, empty: true}, nil
}

// removeDirectory takes a directory out, and out of the applications.
func (s *Server) removeDirectory(d *directory) {
	for _, a := range s.applications {
		if at := mappingTo(a.Directories, d); at >= 0 {
			a.bind(slices.Delete(slices.Clone(a.Directories), at, at+1))
		}
	}
	s.directories = slices.DeleteFunc(s.directories, func(other *directory) bool { return other == d })
}
