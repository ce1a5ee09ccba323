package crowdtest

import (
	"maps"
	"regexp"
	"slices"
)

// The types of directories that a plugin can write, by the names that it and
// Crowd have for them.
func writableTypes() map[string]string {
	return map[string]string{"internal": "INTERNAL", "delegating": "DELEGATING"}
}

// pluginType returns the type of a directory as the plugin names it.
func (d *directory) pluginType() string {
	switch d.directoryType() {
	case "INTERNAL":
		return "internal"
	case "DELEGATING":
		return "delegating"
	case "CONNECTOR":
		return "ldap"
	case "CROWD":
		return "crowd"
	}
	return "generic"
}

// pluginView is a directory as a plugin shows it.
func (x *exchange) pluginView(d *directory) map[string]any {
	shown := cloneJSON(d.Settings)
	maps.Copy(shown, map[string]any{
		"type": d.pluginType(), "id": d.ID, "name": d.Name, "description": d.Description, "active": !d.Inactive,
		"permissions": permissionView(d.Denied),
	})
	for member, date := range map[string]any{"createdDate": d.Created, "updatedDate": d.Updated} {
		if d.Created.IsZero() {
			continue
		}
		shown[member] = date
	}
	if d.pluginType() == "internal" {
		member(shown, "advanced")["enableNestedGroups"] = d.NestedGroups
		policy := member(shown, "credentialPolicy")
		policy["passwordRegex"], policy["passwordMaxAttempts"] = d.PasswordPattern, d.MaxAttempts
	}
	return shown
}

// member returns a member that is an object, which it makes where there is none.
func member(of map[string]any, name string) map[string]any {
	m, found := of[name].(map[string]any)
	if !found {
		m = map[string]any{}
		of[name] = m
	}
	return m
}

func permissionView(denied []Operation) map[string]any {
	shown := map[string]any{}
	for _, op := range allOperations() {
		shown[string(op)] = !slices.Contains(denied, op)
	}
	return shown
}

// createDirectory adds the directory that a request describes.
func (x *exchange) createDirectory(in map[string]any) (*directory, error) {
	name, _ := in["name"].(string)
	kind, _ := in["type"].(string)
	native, writable := writableTypes()[kind]
	switch {
	case !writable:
		return nil, x.illegal("Directories of the type %q cannot be written", kind)
	case name == "":
		return nil, x.illegal("The name is missing")
	case x.s.directoryFolded(name) != nil:
		return nil, x.illegal("There is a directory of the name %s already", name)
	}
	made := &directory{Directory: Directory{Name: name, Type: native, Created: x.now, Updated: x.now}}
	if err := x.apply(made, in); err != nil {
		return nil, err
	}
	return x.s.addDirectory(made.Directory), nil
}

// changeDirectory merges what a request has into a directory.
func (x *exchange) changeDirectory(d *directory, in map[string]any) error {
	kind, given := in["type"].(string)
	name, renamed := in["name"].(string)
	other := x.s.directoryFolded(name)
	_, writable := writableTypes()[d.pluginType()]
	switch {
	case !writable || given && kind != d.pluginType():
		return x.illegal("A directory of the type %q cannot be written as %q", d.pluginType(), kind)
	case renamed && (name == "" || other != nil && other != d):
		return x.illegal("The name %q is missing or taken", name)
	}
	changed := &directory{Directory: d.Directory}
	if err := x.apply(changed, in); err != nil {
		return err
	}
	if renamed {
		x.s.renameMappings(d.Name, name)
		changed.Name = name
	}
	changed.Updated = x.now
	d.Directory = changed.Directory
	return nil
}

// renameMappings has applications follow a directory's new name.
func (s *Server) renameMappings(name, newName string) {
	for _, a := range s.applications {
		a.Directories = slices.Clone(a.Directories)
		for i := range a.Directories {
			if a.Directories[i].Directory == name {
				a.Directories[i].Directory = newName
			}
		}
	}
}

// apply merges the members of a request into d.
func (x *exchange) apply(d *directory, in map[string]any) error {
	d.Settings = cloneJSON(d.Settings)
	for name, value := range in {
		var err error
		switch name {
		case "description":
			err = x.assign(&d.Description, name, value)
		case "active":
			active := !d.Inactive
			err = x.assign(&active, name, value)
			d.Inactive = !active
		case "permissions":
			err = x.applyPermissions(d, value)
		case "credentialPolicy", "advanced", "connector", "configuration":
			if object, isObject := value.(map[string]any); isObject {
				overlay(member(d.Settings, name), object)
			}
		}
		if err != nil {
			return err
		}
	}
	return x.applySettings(d)
}

// assign sets what a member says; null says nothing.
func (x *exchange) assign(target any, name string, value any) error {
	switch target := target.(type) {
	case *string:
		if text, isText := value.(string); isText {
			*target = text
			return nil
		}
	case *bool:
		if flag, isFlag := value.(bool); isFlag {
			*target = flag
			return nil
		}
	}
	if value == nil {
		return nil
	}
	return x.illegal("The member %s is of another type", name)
}

func (x *exchange) applyPermissions(d *directory, value any) error {
	given, _ := value.(map[string]any)
	d.Denied = slices.Clone(d.Denied)
	for _, op := range allOperations() {
		allowed := !slices.Contains(d.Denied, op)
		if err := x.assign(&allowed, string(op), given[string(op)]); err != nil {
			return err
		}
		d.Denied = slices.DeleteFunc(d.Denied, func(other Operation) bool { return other == op })
		if !allowed {
			d.Denied = append(d.Denied, op)
		}
	}
	return nil
}

// applySettings gives effect to the settings that the fake knows.
func (x *exchange) applySettings(d *directory) error {
	defer func() { d.Settings = withoutPasswords(d.Settings) }()
	if d.pluginType() != "internal" {
		return nil
	}
	advanced, policy := member(d.Settings, "advanced"), member(d.Settings, "credentialPolicy")
	if err := x.assign(&d.NestedGroups, "enableNestedGroups", advanced["enableNestedGroups"]); err != nil {
		return err
	}
	if err := x.assign(&d.PasswordPattern, "passwordRegex", policy["passwordRegex"]); err != nil {
		return err
	}
	if most, isNumber := policy["passwordMaxAttempts"].(float64); isNumber {
		d.MaxAttempts = int(most)
	}
	if _, err := regexp.Compile(d.PasswordPattern); err != nil {
		return x.illegal("The passwordRegex: %v", err)
	}
	return nil
}

// overlay puts the members of from into to, object by object.
func overlay(to, from map[string]any) {
	for name, value := range from {
		if object, isObject := value.(map[string]any); isObject {
			overlay(member(to, name), object)
		} else if value != nil {
			to[name] = value
		}
	}
}

// cloneJSON returns a copy of an object that shares nothing with it, nor holds
// passwords.
func cloneJSON(of map[string]any) map[string]any {
	copied := map[string]any{}
	overlay(copied, of)
	return copied
}

// withoutPasswords returns a copy of settings as they may be kept and dumped.
func withoutPasswords(settings map[string]any) map[string]any {
	copied := cloneJSON(settings)
	if connector, found := copied["connector"].(map[string]any); found {
		delete(connector, "password")
	}
	maps.DeleteFunc(copied, func(_ string, value any) bool {
		object, isObject := value.(map[string]any)
		return isObject && len(object) == 0
	})
	if len(copied) == 0 {
		return nil
	}
	return copied
}
