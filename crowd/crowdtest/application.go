package crowdtest

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
)

// An Application is what calls the API: it has a password, addresses it may
// call from and directories that it sees.
type Application struct {
	Name     string
	Password crowd.Secret
	// ID is what the administration API calls it. Zero keeps what it has, or takes
	// the next.
	ID int64
	// Type is its type there, by default GENERIC_APPLICATION.
	Type, Description string
	// Inactive applications are refused.
	Inactive bool
	// Addresses are the addresses ("192.0.2.1"), networks ("192.0.2.0/24") and
	// "localhost" that it may call from; none at all means any.
	Addresses []string
	// Directories are what it sees, in the order in which names are looked up.
	// None at all means every directory, in the order of their creation, or none
	// where it is Unmapped.
	Directories []Mapping
	Unmapped    bool
	// Aggregate counts the memberships of a user in all directories instead of
	// those in the first that has the user.
	Aggregate bool
	// LowerCaseOutput shows all names in lower case.
	LowerCaseOutput bool
	// CreateTokens lets it create sessions without a password.
	CreateTokens bool
}

// A Mapping is a directory as an application may use it.
type Mapping struct {
	// Directory is the directory's name.
	Directory string
	// Denied are the operations that the application may not carry out.
	Denied []Operation
	// Groups are the groups whose direct members may authenticate; none at all
	// means everyone.
	Groups []string
}

// A Directory is a set of users and groups with settings of its own.
type Directory struct {
	// Name is unique among the directories of a server.
	Name string
	// ID is the first part of the keys of its users. Zero takes the next.
	ID int64
	// Type is its type as the administration API names it; the default is
	// "INTERNAL". All types hold their users and groups themselves here.
	Type        string
	Description string
	// Inactive directories are not looked into.
	Inactive bool
	// Denied are the operations that no application may carry out.
	Denied []Operation
	// NestedGroups lets groups be members of groups.
	NestedGroups bool
	// PasswordPattern is a regular expression that new passwords must match.
	PasswordPattern string
	// MaxAttempts is the number of wrong passwords after which no password is
	// right any more; zero is no limit.
	MaxAttempts int
	// Settings are what the plugins show of it besides: members such as
	// "connector" and "configuration". Passwords in them are not kept.
	Settings map[string]any
	// Created and Updated are what the plugins show; zero shows nothing.
	Created, Updated time.Time
}

// An Operation is what a directory or a mapping can deny.
type Operation string

// The operations. Changing the members of a group is ModifyGroup.
const (
	AddUser               Operation = "addUser"
	ModifyUser            Operation = "modifyUser"
	RemoveUser            Operation = "removeUser"
	ModifyUserAttributes  Operation = "modifyUserAttributes"
	AddGroup              Operation = "addGroup"
	ModifyGroup           Operation = "modifyGroup"
	RemoveGroup           Operation = "removeGroup"
	ModifyGroupAttributes Operation = "modifyGroupAttributes"
)

// application is an [Application] as the server keeps it.
type application struct {
	Application
	credential string
	// cookie is the value of the servlet session it opens, which lasts until
	// the server restarts.
	cookie string
	bucket bucket
}

// directory is a [Directory] with what it holds.
type directory struct {
	Directory
	contents *store.Directory
	// synchronised is when a synchronisation was last asked for.
	synchronised time.Time
}

// mapped is a directory as the application of an exchange sees it.
type mapped struct {
	*directory
	mapping Mapping
}

// allows tells whether neither the directory nor the mapping denies any of ops.
func (m mapped) allows(ops ...Operation) bool {
	for _, op := range ops {
		if slices.Contains(m.Denied, op) || slices.Contains(m.mapping.Denied, op) {
			return false
		}
	}
	return true
}

// addressAllowed tells whether an address is in a list of addresses, networks
// and "localhost".
func addressAllowed(list []string, address string) bool {
	ip, err := netip.ParseAddr(address)
	for _, entry := range list {
		if strings.EqualFold(entry, address) {
			return true
		}
		if err != nil {
			continue
		}
		if entry == "localhost" && ip.Unmap().IsLoopback() {
			return true
		}
		if network, e := netip.ParsePrefix(entry); e == nil && network.Contains(ip.Unmap()) {
			return true
		}
		if one, e := netip.ParseAddr(entry); e == nil && one.Unmap() == ip.Unmap() {
			return true
		}
	}
	return false
}
