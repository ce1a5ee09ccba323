package crowd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
)

// probeAttribute starts the names of the attributes that a check writes.
const probeAttribute = "scimcrowd-check"

// maxLookedAt bounds the users that a check reads to tell directories apart.
const maxLookedAt = 10000

// users makes the probes that need a user.
func (k *check) users(ctx context.Context) {
	made, err := k.client.postUser(ctx, newBudget(), k.user, Secret(rand.Text()+"aA1!"))
	noBody := errors.Is(err, errNoBody)
	k.userMade = err == nil || noBody || errors.Is(err, ErrAmbiguous)
	if noBody {
		made, err = k.client.User(ctx, k.user.Name)
	}
	if !k.permission(ProbeAddUser, err) {
		k.unknown("there is no user to try it on", ProbeKey, ProbeAttributesOnCreate, ProbeUserAttributes,
			ProbeAtomicAttributes, ProbeModifyUser, ProbeEmailChange, ProbeAttributeSearch, ProbeSearchAttributes)
		return
	}
	k.capability(ProbeKey, made.Key != "", nil,
		"users have no lasting identity on this version; upgrade Crowd to 3 or later")
	k.user.Key = made.Key
	k.attributesOnCreate(ctx)
	writable := k.permission(ProbeUserAttributes, k.client.SetUserAttributes(ctx, k.user.Name, k.user.Attributes))
	if writable {
		k.atomicAttributes(ctx)
	} else {
		k.unknown("attributes cannot be written", ProbeAtomicAttributes)
	}
	k.modifyUser(ctx)
	k.search(ctx, writable)
}

func (k *check) attributesOnCreate(ctx context.Context) {
	u, err := k.client.User(ctx, k.user.Name)
	works := err == nil && u.Attributes.First(probeAttribute) == k.id
	k.capability(ProbeAttributesOnCreate, works, err,
		"nothing to do: attributes are written after the user, at the cost of a call; Crowd from 2.9 on stores them at once")
}

// atomicAttributes writes several attributes at once while it reads them: a
// mixture proves that they are written one by one.
func (k *check) atomicAttributes(ctx context.Context) {
	const rounds, width = 4, 8
	var torn atomic.Bool
	var reads atomic.Int32
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			a, err := k.client.UserAttributes(ctx, k.user.Name)
			if err != nil {
				done <- err
				return
			}
			reads.Add(1)
			if mixed(a, width) {
				torn.Store(true)
			}
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
		}
	}()
	var err error
	for round := range rounds {
		a := Attributes{}
		for i := range width {
			a[fmt.Sprint(probeAttribute, ".", i)] = []string{fmt.Sprint(round)}
		}
		err = errors.Join(err, k.client.SetUserAttributes(ctx, k.user.Name, a))
	}
	close(stop)
	err = errors.Join(err, <-done)
	if err == nil && !torn.Load() {
		k.find(ProbeAtomicAttributes, Works, fmt.Sprintf("no partial write in %d reads", reads.Load()), "")
		return
	}
	k.capability(ProbeAtomicAttributes, false, err,
		"nothing to do: others may for a moment see some of the attributes of one write without the rest")
}

// mixed reports whether some of the attributes have a value that others do not.
func mixed(a Attributes, width int) bool {
	for i := range width {
		if a.First(fmt.Sprint(probeAttribute, ".", i)) != a.First(probeAttribute+".0") {
			return true
		}
	}
	return false
}

func (k *check) modifyUser(ctx context.Context) {
	changed := k.user
	changed.LastName += " 2"
	if !k.permission(ProbeModifyUser, k.client.UpdateUser(ctx, changed)) {
		k.unknown("users cannot be modified", ProbeEmailChange)
		return
	}
	changed.Email = "2." + changed.Email
	err := k.client.UpdateUser(ctx, changed)
	refused := errors.Is(err, ErrEmailChange)
	if refused {
		err = nil
	}
	k.capability(ProbeEmailChange, !refused, err,
		"e-mail addresses of existing users stay as they are; Atlassian's support knows the switch that "+
			`lifts this, see "Workaround to get Crowd to allow email change through API"`)
}

func (k *check) search(ctx context.Context, writable bool) {
	byName, err := k.found(ctx, Query{Where: Equals(PropertyName, k.user.Name), Detail: Entities})
	if err == nil && byName == nil {
		for _, p := range []Probe{ProbeAttributeSearch, ProbeSearchAttributes} {
			k.find(p, Unknown, "a search by name does not find the inactive user just created",
				"see whether the directory is a copy that is synchronised later, or hides who is inactive")
		}
		return
	}
	if writable {
		byAttribute, err := k.found(ctx, Query{Where: Equals(probeAttribute, k.id)})
		k.capability(ProbeAttributeSearch, byAttribute != nil, err,
			"look-ups by attribute have to read all users, which is slow")
	} else {
		k.unknown("attributes cannot be written", ProbeAttributeSearch)
	}
	k.capability(ProbeSearchAttributes, err == nil && byName.Attributes != nil, err,
		"each user of a list is read by itself where attributes are wanted, which is slow")
}

// found returns the check's user if the query finds it.
func (k *check) found(ctx context.Context, q Query) (*User, error) {
	for u, err := range k.client.Users(ctx, q) {
		if err != nil {
			return nil, err
		}
		if Fold(u.Name) == Fold(k.user.Name) {
			return u, nil
		}
	}
	return nil, nil
}

// groups makes the probes that need a group.
func (k *check) groups(ctx context.Context) {
	_, err := k.client.CreateGroup(ctx, k.parent)
	k.parentMade = err == nil || errors.Is(err, ErrAmbiguous)
	if !k.permission(ProbeAddGroup, err) {
		k.unknown("there is no group to try it on", ProbeGroupAttributes, ProbeModifyGroup, ProbeNestedGroups)
		return
	}
	k.permission(ProbeGroupAttributes,
		k.client.SetGroupAttributes(ctx, k.parent.Name, Attributes{probeAttribute: {k.id}}))
	if !k.permission(ProbeModifyGroup, k.changeMembers(ctx)) {
		k.unknown("members of groups cannot be changed", ProbeNestedGroups)
		return
	}
	_, err = k.client.CreateGroup(ctx, k.child)
	k.childMade = err == nil || errors.Is(err, ErrAmbiguous)
	if err == nil {
		_, err = k.client.AddChildGroup(ctx, k.parent.Name, k.child.Name)
	}
	off := errors.Is(err, ErrNestedGroups)
	if off {
		err = nil
	}
	k.capability(ProbeNestedGroups, !off, err, "switch nested groups on in the directory, if they are wanted")
}

// changeMembers changes the members of a group, or the group where there is no
// user to put in.
func (k *check) changeMembers(ctx context.Context) error {
	if !k.userMade {
		return k.client.UpdateGroup(ctx, k.parent)
	}
	if _, err := k.client.AddMember(ctx, k.parent.Name, k.user.Name); err != nil {
		return err
	}
	_, err := k.client.RemoveMember(ctx, k.parent.Name, k.user.Name)
	return err
}

func (k *check) sessions(ctx context.Context) {
	if !k.userMade {
		k.unknown("there is no user to try it on", ProbeEndSessions)
		return
	}
	err := k.client.EndUserSessions(ctx, k.user.Name)
	refused := errors.Is(err, ErrPermission) || errors.Is(err, ErrUnsupported)
	if refused {
		err = nil
	}
	k.capability(ProbeEndSessions, !refused, err,
		"a user who is deactivated stays logged in until the session runs out")
}

// directories finds out whether users of several directories are seen: of two
// of one name, the application reaches the one of the earlier directory only.
func (k *check) directories(ctx context.Context) {
	own := k.user.DirectoryID()
	if own == "" {
		k.unknown("users show no directory", ProbeDirectories)
		return
	}
	others, looked := map[string][]string{}, 0
	for u, err := range k.client.Users(ctx, Query{Detail: Entities, Max: maxLookedAt}) {
		if err != nil {
			k.find(ProbeDirectories, Fails, bare(err), remedyFor(err))
			return
		}
		looked++
		if id := u.DirectoryID(); id != own {
			others[id] = append(others[id], u.Name)
		}
	}
	if len(others) == 0 {
		k.find(ProbeDirectories, Works, fmt.Sprintf("%s, by the keys of %d users", own, looked), "")
		return
	}
	var list []string
	for _, id := range slices.Sorted(maps.Keys(others)) {
		list = append(list, fmt.Sprintf("%d in directory %s, such as %q", len(others[id]), id, others[id][0]))
	}
	k.find(ProbeDirectories, Missing,
		fmt.Sprintf("new users are made in directory %s, but of %d users there are %s", own, looked, strings.Join(list, ", ")),
		"map exactly one directory to the application: a user of an earlier one hides the one of the same name here")
}
