package backup

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// An Administration tells what no application can ask Crowd: which directories an
// application sees, and what it may do there. *[admin.Client] has it.
type Administration interface {
	ApplicationNamed(ctx context.Context, name string) (*admin.Application, error)
	Mappings(ctx context.Context, application int64) iter.Seq2[*admin.Mapping, error]
}

// access looks whether the application sees its directory, and may do there what the
// settings need. What nobody could be asked is told.
func (v *reviewed) access(ctx context.Context) error {
	mappings, err := v.mappings(ctx)
	if err != nil {
		v.problem("/crowd", "the administrator's question was not answered: "+err.Error(), "Check the administrator's name and password, and that the user may administer Crowd", false)
	}
	seen := v.directory(mappings)
	if v.options.Probe {
		return v.probe(ctx)
	}
	v.permissions(seen)
	return ctx.Err()
}

// mappings returns the directories that the application sees; nil, not empty, if there
// is nobody who could tell.
func (v *reviewed) mappings(ctx context.Context) ([]*admin.Mapping, error) {
	if v.options.Administration == nil {
		return nil, nil
	}
	administration, err := v.options.Administration(v.Connection)
	if err != nil || administration == nil {
		return nil, err
	}
	application, err := administration.ApplicationNamed(ctx, v.Crowd.Application)
	if err != nil {
		return nil, err
	}
	all := []*admin.Mapping{}
	for m, err := range administration.Mappings(ctx, application.ID) {
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// directory looks for the directory of the document among those that the application
// sees, and returns it: the first where the document names none, nil if it is not known.
func (v *reviewed) directory(mappings []*admin.Mapping) *admin.Mapping {
	const pointer = "/crowd/directory/name"
	name := v.Crowd.Directory.Name
	i := slices.IndexFunc(mappings, func(m *admin.Mapping) bool { return name == "" || crowd.Fold(m.Name) == crowd.Fold(name) })
	switch {
	case i >= 0:
		return mappings[i]
	case mappings != nil && name == "":
		v.problem("/crowd/application", "the application sees no directory", "In Crowd, map one to the application", true)
	case mappings != nil && v.Crowd.Directory.Create:
		v.problem(pointer, "the application sees no directory "+quote(name), "It is to be created, and mapped to the application, before the connection is served", false)
	case mappings != nil:
		v.problem(pointer, "the application sees no directory "+quote(name), "Create it in Crowd and map it to the application, or correct the name", true)
	case name != "" && v.isNew():
		v.problem(pointer, "that the application sees the directory "+quote(name)+" could not be checked, since only an administrator of Crowd is told", "Look in Crowd, or review with an administrator's password", false)
	}
	return nil
}

// permissions looks for what the application may do by what an administrator is told.
func (v *reviewed) permissions(seen *admin.Mapping) {
	if seen == nil || seen.Permissions == nil {
		if v.isNew() {
			v.problem("/crowd/application", "what the application may do in Crowd was not tried out", "Review with a probe, which makes a user and two groups and removes them, or look in Crowd", false)
		}
		return
	}
	var missing []string
	for _, p := range v.needed() {
		if !slices.Contains(seen.Permissions, p) {
			missing = append(missing, string(p))
		}
	}
	if len(missing) > 0 {
		v.problem("/crowd/application", fmt.Sprintf("the application lacks permissions in the directory %s: %s", quote(seen.Name), strings.Join(missing, ", ")),
			"In Crowd, give them to the application, in the directory itself too", true)
	}
}

// needed returns what the settings need: the records always, in attributes of users and
// of a group, and the memberships.
func (v *reviewed) needed() []admin.Permission {
	all := []admin.Permission{admin.UpdateUser, admin.UpdateUserAttribute, admin.CreateGroup, admin.UpdateGroup, admin.UpdateGroupAttribute}
	if v.Users.Create == nil || *v.Users.Create {
		all = append(all, admin.CreateUser)
	}
	if v.Users.Delete == groupsync.Delete {
		all = append(all, admin.DeleteUser)
	}
	if !v.Groups.KeepEmptyGroups {
		all = append(all, admin.DeleteGroup)
	}
	return all
}

// isNew reports whether nothing in use reaches Crowd in the same way.
func (v *reviewed) isNew() bool {
	i, found := v.place()
	return !found || !reflect.DeepEqual(v.before.Connections[i].Crowd, v.Crowd)
}

// probe tries out what the application may do. What the settings do not need may fail.
func (v *reviewed) probe(ctx context.Context) error {
	permissions := map[crowd.Probe]admin.Permission{
		crowd.ProbeAddUser: admin.CreateUser, crowd.ProbeRemoveUser: admin.DeleteUser, crowd.ProbeRemoveGroup: admin.DeleteGroup,
	}
	for _, f := range v.running.Client.Check(ctx).Findings {
		if f.Verdict != crowd.Fails && f.Verdict != crowd.Missing {
			continue
		}
		permission, known := permissions[f.Probe]
		needed := f.Verdict == crowd.Fails && (!known || slices.Contains(v.needed(), permission))
		v.problem("/crowd", fmt.Sprintf("%s: %s", f.Probe, cmp.Or(f.Detail, string(f.Verdict))), sentence(f.Remedy), needed)
	}
	return ctx.Err()
}

// sentence begins a text with a capital letter.
func sentence(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}
