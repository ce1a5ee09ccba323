package confapi

import (
	"encoding/json"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// The types of directories that can be written. The plugins list others, such as
// "ldap", "crowd" and "generic".
const (
	Internal   = "internal"
	Delegating = "delegating"
)

// A Directory is what the plugins show and take. In a change a nil member leaves
// alone what is there.
type Directory struct {
	// Type is required for a creation, and cannot be changed.
	Type string `json:"type,omitempty"`
	// ID, Created and Updated are Crowd's, and ignored in what is sent.
	ID      int64     `json:"id,omitempty"`
	Created time.Time `json:"createdDate,omitzero"`
	Updated time.Time `json:"updatedDate,omitzero"`

	// Name is unique in Crowd, whatever its letter case. Required for a creation.
	Name        string  `json:"name,omitempty"`
	Description *string `json:"description,omitempty"`
	// Active is true where a creation does not say.
	Active *bool `json:"active,omitempty"`
	// Permissions are what applications may do in it at most: everything, where a
	// creation does not say.
	Permissions *Permissions `json:"permissions,omitempty"`

	// CredentialPolicy and Advanced are those of an internal directory.
	CredentialPolicy *CredentialPolicy `json:"credentialPolicy,omitempty"`
	Advanced         *Advanced         `json:"advanced,omitempty"`

	// Connector and Configuration are those of a delegating directory: how to
	// reach the directory server that knows the passwords, and where the users are
	// in it.
	Connector     *Connector     `json:"connector,omitempty"`
	Configuration *Configuration `json:"configuration,omitempty"`
}

// Permissions are what can be done in a directory.
type Permissions struct {
	AddUser               *bool `json:"addUser,omitempty"`
	ModifyUser            *bool `json:"modifyUser,omitempty"`
	ModifyUserAttributes  *bool `json:"modifyUserAttributes,omitempty"`
	RemoveUser            *bool `json:"removeUser,omitempty"`
	AddGroup              *bool `json:"addGroup,omitempty"`
	ModifyGroup           *bool `json:"modifyGroup,omitempty"`
	ModifyGroupAttributes *bool `json:"modifyGroupAttributes,omitempty"`
	RemoveGroup           *bool `json:"removeGroup,omitempty"`
}

// AllPermissions returns the permissions of a directory in which everything can
// be done.
func AllPermissions() *Permissions {
	return &Permissions{
		new(true), new(true), new(true), new(true), new(true), new(true), new(true), new(true),
	}
}

// Denied returns the names of the permissions that are known to be denied.
func (p *Permissions) Denied() []string {
	if p == nil {
		return nil
	}
	var denied []string
	for _, one := range []struct {
		name    string
		allowed *bool
	}{
		{"addUser", p.AddUser},
		{"modifyUser", p.ModifyUser},
		{"modifyUserAttributes", p.ModifyUserAttributes},
		{"removeUser", p.RemoveUser},
		{"addGroup", p.AddGroup},
		{"modifyGroup", p.ModifyGroup},
		{"modifyGroupAttributes", p.ModifyGroupAttributes},
		{"removeGroup", p.RemoveGroup},
	} {
		if one.allowed != nil && !*one.allowed {
			denied = append(denied, one.name)
		}
	}
	return denied
}

// A CredentialPolicy is what an internal directory demands of passwords.
type CredentialPolicy struct {
	Regex             *string `json:"passwordRegex,omitempty"`
	ComplexityMessage *string `json:"passwordComplexityMessage,omitempty"`
	MaxAttempts       *int    `json:"passwordMaxAttempts,omitempty"`
	HistoryCount      *int    `json:"passwordHistoryCount,omitempty"`
	MaxChangeTime     *int    `json:"passwordMaxChangeTime,omitempty"`
	NotificationDays  []int   `json:"passwordExpiryNotificationDays,omitempty"`
	EncryptionMethod  *string `json:"passwordEncryptionMethod,omitempty"`
}

// Advanced are further settings of an internal directory.
type Advanced struct {
	NestedGroups *bool `json:"enableNestedGroups,omitempty"`
}

// A Connector says how a delegating directory reaches its directory server.
type Connector struct {
	Type string `json:"type,omitempty"` // such as "MICROSOFT_ACTIVE_DIRECTORY"
	URL  string `json:"url,omitempty"`
	SSL  string `json:"ssl,omitempty"` // "NONE", "LDAPS" or "START_TLS"
	// BaseDN is where to look, and Username and Password whom to look as. Password
	// is sent and never returned.
	BaseDN   string       `json:"baseDn,omitempty"`
	Username string       `json:"username,omitempty"`
	Password crowd.Secret `json:"-"`

	UseNodeReferrals            *bool `json:"useNodeReferrals,omitempty"`
	NestedGroupsDisabled        *bool `json:"nestedGroupsDisabled,omitempty"`
	SynchronizeUsers            *bool `json:"synchronizeUsers,omitempty"`
	SynchronizeUserDetails      *bool `json:"synchronizeUserDetails,omitempty"`
	SynchronizeGroupMemberships *bool `json:"synchronizeGroupMemberships,omitempty"`
	UseUserMembershipAttribute  *bool `json:"useUserMembershipAttribute,omitempty"`
	UsePagedResults             *bool `json:"usePagedResults,omitempty"`
	PagedResultsSize            *int  `json:"pagedResultsSize,omitempty"`
	ReadTimeoutMillis           *int  `json:"readTimeoutInMillis,omitempty"`
	SearchTimeoutMillis         *int  `json:"searchTimeoutInMillis,omitempty"`
	ConnectionTimeoutMillis     *int  `json:"connectionTimeoutInMillis,omitempty"`
}

// A Configuration says how the directory server spells users and groups: its
// members are those of the plugins, such as "userNameAttribute".
type Configuration struct {
	UserDN                   string `json:"userDn,omitempty"`
	UserObjectClass          string `json:"userObjectClass,omitempty"`
	UserObjectFilter         string `json:"userObjectFilter,omitempty"`
	UserNameAttribute        string `json:"userNameAttribute,omitempty"`
	UserNameRDNAttribute     string `json:"userNameRdnAttribute,omitempty"`
	UserFirstNameAttribute   string `json:"userFirstNameAttribute,omitempty"`
	UserLastNameAttribute    string `json:"userLastNameAttribute,omitempty"`
	UserDisplayNameAttribute string `json:"userDisplayNameAttribute,omitempty"`
	UserEmailAttribute       string `json:"userEmailAttribute,omitempty"`
	UserGroupAttribute       string `json:"userGroupAttribute,omitempty"`
	UserUniqueIDAttribute    string `json:"userUniqueIdAttribute,omitempty"`
	GroupDN                  string `json:"groupDn,omitempty"`
	GroupObjectClass         string `json:"groupObjectClass,omitempty"`
	GroupObjectFilter        string `json:"groupObjectFilter,omitempty"`
	GroupNameAttribute       string `json:"groupNameAttribute,omitempty"`
	GroupDescription         string `json:"groupDescriptionAttribute,omitempty"`
	GroupMembersAttribute    string `json:"groupMembersAttribute,omitempty"`
}

// sent is a directory as it goes over the wire: with the connector's password,
// and without what is Crowd's.
func (d *Directory) sent() any {
	out := *d
	out.ID, out.Created, out.Updated = 0, time.Time{}, time.Time{}
	if d.Connector == nil || d.Connector.Password == "" {
		return out
	}
	type connector Connector
	whole := struct {
		Directory
		Connector any `json:"connector"`
	}{Directory: out}
	whole.Connector = struct {
		connector
		Password string `json:"password"`
	}{connector(*d.Connector), d.Connector.Password.Reveal()}
	return whole
}

// secrets are what no error may repeat.
func (d *Directory) secrets() []string {
	if d.Connector == nil {
		return nil
	}
	return []string{d.Connector.Password.Reveal()}
}

// dates in answers are milliseconds since 1970, or text of RFC 3339.
type stamp time.Time

// UnmarshalJSON implements [json.Unmarshaler]; what is neither is no date.
func (s *stamp) UnmarshalJSON(b []byte) error {
	var millis int64
	var text string
	switch {
	case json.Unmarshal(b, &millis) == nil && string(b) != "null":
		*s = stamp(time.UnixMilli(millis).UTC())
	case json.Unmarshal(b, &text) == nil:
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05.999-0700"} {
			if t, err := time.Parse(layout, text); err == nil {
				*s = stamp(t.UTC())
			}
		}
	}
	return nil
}

// directoryWire is a directory in an answer.
type directoryWire struct {
	Directory
	Created stamp `json:"createdDate"`
	Updated stamp `json:"updatedDate"`
}

func (w *directoryWire) entity() *Directory {
	d := w.Directory
	d.Created, d.Updated = time.Time(w.Created), time.Time(w.Updated)
	return &d
}
