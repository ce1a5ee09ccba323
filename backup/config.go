package backup

import (
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
)

// Format is the version of the document that this package writes.
const Format = "scimcrowd/v1"

// A Config is the whole configuration. The zero values of optional fields are
// the defaults.
type Config struct {
	// Format is [Format]. [Write] fills it in where it is empty.
	Format string `json:"format"`
	// Connections are served side by side. At least one is required.
	Connections []Connection `json:"connections"`
}

// A Connection is one application of an identity provider, tied to one Crowd
// directory.
type Connection struct {
	// Name is 1 to 32 lower-case letters, digits and hyphens. Required, unique.
	// What is recorded in Crowd bears it, so it cannot be changed later.
	Name string `json:"name"`
	// Provider is the identity provider's product. Default generic.
	Provider scim.Provider `json:"provider,omitempty"`
	// Path is where the connection is served, such as "/scim/okta/v2". Required,
	// unique, and not below another connection's.
	Path string `json:"path"`
	// Paused answers every request 503 with Retry-After, so that identity
	// providers come back later, and calls no Crowd. Default false.
	Paused bool `json:"paused,omitempty"`
	// Tokens are the bearer tokens accepted. At least one is required, unless
	// Access names an issuer of tokens.
	Tokens []scim.Token `json:"tokens,omitempty"`
	// Access says how tokens are presented, whose else are accepted, and from
	// where requests may come.
	Access scim.Access `json:"access,omitzero"`
	// Crowd says how to reach Crowd. Required.
	Crowd Crowd `json:"crowd"`
	// Jira says how to reach the Jira where leads are handed over to those of
	// Users.Leads. Without effect where that names nobody.
	Jira Jira `json:"jira,omitzero"`
	// Webhook says where leavers are told of.
	Webhook Webhook `json:"webhook,omitzero"`
	// Users steers what happens to users.
	Users Users `json:"users,omitzero"`
	// Groups steers what happens to groups and memberships.
	Groups Groups `json:"groups,omitzero"`
	// Limits bounds requests.
	Limits scim.Limits `json:"limits,omitzero"`
}

// Crowd says how to reach Crowd, and as which application.
type Crowd struct {
	// URL is the address of Crowd with its context path, such as
	// "https://crowd.example.com/crowd". Required.
	URL string `json:"url"`
	// Application is the name of the application in Crowd. Required.
	Application string `json:"application"`
	// Password says where the application's password is. Required.
	Password Password `json:"password"`
	// Directory is the directory that the application manages, which
	// [EnsureDirectories] has Crowd provide; a running connection works on whatever
	// directory its application has.
	Directory Directory `json:"directory,omitzero"`
	// MaxInFlight bounds the requests to Crowd in flight. Default 8.
	MaxInFlight int `json:"maxInFlight,omitempty"`
	// SplitWrites writes records of memberships one after the other. Needed for
	// a Crowd that does not apply the attributes of one request together.
	SplitWrites bool `json:"splitWrites,omitempty"`
	// Replicas is "one" where one process at a time serves the connections of the
	// directory, which then makes a call less for each change of a membership. It is
	// a promise: where several do, memberships may go wrong until a reconcile. A
	// change of it holds for requests that begin later. Default many.
	Replicas groupsync.Replicas `json:"replicas,omitempty"`
	// Abandoned names connections whose records are left in the directory and
	// count no more. Without it, records of a connection that the document does
	// not have keep a reconcile from running.
	Abandoned []string `json:"abandoned,omitempty"`
}

// A Directory names a directory of Crowd.
type Directory struct {
	// Name is its name in Crowd. Required.
	Name string `json:"name"`
	// Type is its type. Default internal.
	Type DirectoryType `json:"type,omitempty"`
	// Create has the directory created where it is missing. Only internal
	// directories can be.
	Create bool `json:"create,omitempty"`
}

// A DirectoryType is a type of directory, as Crowd's REST API names them.
type DirectoryType string

// The types of directories.
const (
	Internal   DirectoryType = "internal"
	Delegating DirectoryType = "delegating"
	LDAP       DirectoryType = "ldap"
	Remote     DirectoryType = "crowd" // the directory of another Crowd
	Generic    DirectoryType = "generic"
)

// Users steers what happens to users.
type Users struct {
	scim.Users
	// Filter is an expression over the attributes of a user, such as
	// `userType == "Employee"`, that chooses the users who are provisioned at
	// all; see [mapping.UserFilter]. Whoever moves out of it becomes inactive;
	// nobody outside it is created. Default: everybody.
	Filter string `json:"filter,omitempty"`
	// Extensions declares schema extensions of users beyond the enterprise one.
	Extensions []Extension `json:"extensions,omitempty"`
	// Leads says who takes over what a leaver leads in Jira. Without effect where
	// the connection has no Jira.
	Leads Leads `json:"leads,omitzero"`
	// HandOver steers what is done about a leaver in Jira and by webhook.
	HandOver HandOver `json:"handOver,omitzero"`
}

// Leads names the users who take over from a leaver in Jira: by user name, or in
// Jira Cloud by e-mail address or account id. An empty name leaves the lead as it
// is.
type Leads struct {
	// Project is the new lead of projects.
	Project string `json:"project,omitempty"`
	// Component is the new lead of components.
	Component string `json:"component,omitempty"`
}

// HandOver steers what is done about a leaver besides locking the user out, see
// [groupsync.Hook].
type HandOver struct {
	// Seconds is how long it may put off that the leaver is locked out. Default 10.
	Seconds int `json:"seconds,omitempty"`
	// Required answers a request 503 where something of it failed, so that the
	// identity provider sends it again. The leaver is locked out all the same.
	// Default: the next reconcile sees to it.
	Required bool `json:"required,omitempty"`
}

// Jira says how to reach a Jira, and as which account.
type Jira struct {
	// URL is the address of Jira with its context path, such as
	// "https://jira.example.com" or "https://example.atlassian.net". Required.
	URL string `json:"url"`
	// Type is the product. Default dataCenter.
	Type jiraleads.Product `json:"type,omitempty"`
	// User is the e-mail address of the account (cloud, required there), or its
	// user name where Token is its password (dataCenter).
	User string `json:"user,omitempty"`
	// Token says where the API token (cloud), personal access token or password of
	// the account is. Required.
	Token Password `json:"token"`
	// MatchDisplayName also takes an account that hides its e-mail address for the
	// leaver's where the display name is the same (cloud); see
	// [jiraleads.Config.MatchDisplayName].
	MatchDisplayName bool `json:"matchDisplayName,omitempty"`
}

// Webhook says where leavers are told of, as package scim/webhook describes.
type Webhook struct {
	// URL is where events are sent. Required. Exports, reviews and differences show
	// it in clear: it is no place for secrets, and may hold neither user info nor a
	// fragment.
	URL string `json:"url"`
	// Secret says where the secret that signs events is: "whsec_" and the base64
	// form of 24 to 64 bytes. Required.
	Secret Password `json:"secret"`
}

// Groups steers what happens to groups and memberships.
type Groups struct {
	mapping.Groups
	// UnknownMembers says what becomes of members whom Crowd does not have.
	// Default skip.
	UnknownMembers UnknownMembers `json:"unknownMembers,omitempty"`
	// KeepEmptyGroups keeps the Crowd groups of deleted and renamed SCIM groups.
	// Default: those that the connection created are deleted, once nobody else
	// is in them.
	KeepEmptyGroups bool `json:"keepEmptyGroups,omitempty"`
	// Nested says what becomes of groups within groups. Default native.
	Nested NestedGroups `json:"nested,omitempty"`
	// Guard refuses what would take away too much.
	Guard groupsync.Policy `json:"guard,omitzero"`
}

// NestedGroups says what becomes of a SCIM group that is a member of another.
type NestedGroups string

const (
	// NativeNested makes the Crowd group of the inner one a member of that of the
	// outer one. It is refused where the directory does not support that, or where
	// rules map the groups.
	NativeNested NestedGroups = "native"
	// FlattenNested puts the members of the inner group into the Crowd groups of
	// the outer one.
	FlattenNested NestedGroups = "flatten"
)

// UnknownMembers says what becomes of members whom Crowd does not have.
type UnknownMembers string

const (
	// SkipUnknown passes over them, with an event.
	SkipUnknown UnknownMembers = "skip"
	// RejectUnknown refuses the request.
	RejectUnknown UnknownMembers = "reject"
)
