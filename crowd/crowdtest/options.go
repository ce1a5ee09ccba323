package crowdtest

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// DefaultVersion is the version of Crowd that a [Server] shows and behaves as.
const DefaultVersion = "6.3.0"

// Options are the switches of a [Server]: what differs between versions and
// installations of Crowd, and what is not known for certain of any. The zero
// value is a current Crowd as it is installed. See [Server.SetOptions].
type Options struct {
	// Version is the version of Crowd to behave as, by default
	// [DefaultVersion]. It is a preset: a version before 2.9 implies
	// LegacyCreate, one of 2.8 EmptyListForUnknown, one before 2.5
	// NoMembershipDump, one before 2.2 NoCQL, one before 3 OmitKeys and
	// OmitDates, and one before 4.4 AllowEmailChange.
	Version string
	// HideVersion leaves the X-Embedded-Crowd-Version header out, as some
	// proxies do; HideVersionOnErrors leaves it out of refusals.
	HideVersion, HideVersionOnErrors bool

	// AllowEmailChange lets a PUT change a user's e-mail. Crowd refuses that
	// from 4.4 on unless its administrator has lifted the ban. RefuseEmailChange
	// refuses it whatever the version.
	AllowEmailChange, RefuseEmailChange bool
	// EmailIgnoringCase takes an e-mail in other letter case for unchanged.
	EmailIgnoringCase bool
	// RefuseBadEmail refuses users whose e-mail is not empty and holds no "@".
	RefuseBadEmail bool
	// NestedGroups turns nested groups on in every directory.
	NestedGroups bool
	// RefuseCycles refuses a child group that would close a circle, and
	// AllowSelfMember lets a group be its own child. CyclesShowStart lists the
	// group that a nested list starts from where groups lead back to it.
	RefuseCycles, AllowSelfMember, CyclesShowStart bool
	// RefuseNestedLists refuses nested lists where no directory has nested
	// groups, instead of listing what is direct.
	RefuseNestedLists bool
	// EmptyListForUnknown answers a listing for an unknown user or group with
	// an empty list instead of 404.
	EmptyListForUnknown bool
	// CreateGroupOnAdd creates a group in a user's directory when the user is
	// added to a group that only another mapped directory has.
	CreateGroupOnAdd bool
	// HideMasked leaves out of listings the members of a directory whose names
	// an earlier directory holds as well.
	HideMasked bool
	// HideInactive leaves inactive users out of searches and listings.
	HideInactive bool
	// ReverseLists lists users and groups in reverse order.
	ReverseLists bool

	// LegacyCreate answers the creation of a user with an empty body and
	// ignores the attributes in the request, as before 2.9.
	LegacyCreate bool
	// LegacyGroupCreate answers the creation of a group with an empty body.
	LegacyGroupCreate bool
	// NoMembershipDump lacks the resource group/membership.
	NoMembershipDump bool
	// DumpForJSON answers a request for a JSON membership dump with XML
	// instead of 406.
	DumpForJSON bool
	// NoCQL refuses restrictions in Crowd Query Language, as before 2.2.
	NoCQL bool
	// NoRename refuses to rename users, as some kinds of directory do.
	NoRename bool
	// DashedRename does not understand "newName" for "new-name" in the body of
	// a renaming.
	DashedRename bool
	// NoLocation leaves the Location header out of 201 answers.
	NoLocation bool
	// OmitKeys and OmitDates leave these members out of users.
	OmitKeys, OmitDates bool
	// OmitEmptyText leaves empty text members out of entities.
	OmitEmptyText bool
	// MillisInXML writes the dates of users in XML as milliseconds too.
	MillisInXML bool

	// WritesOmitAttributes leaves the attributes of the user or group that a
	// write answers with empty.
	WritesOmitAttributes bool
	// SearchOmitsAttributes leaves the attributes of users and groups that a
	// search returns empty.
	SearchOmitsAttributes bool
	// NoAttributeSearch finds nobody by a custom attribute.
	NoAttributeSearch bool
	// SearchByCase makes searches distinguish upper and lower case.
	SearchByCase bool
	// OrderedText lets searches compare texts with < and >, which are refused
	// otherwise.
	OrderedText bool
	// NarrowSearch refuses restrictions that no document vouches for: match
	// modes other than EXACTLY_MATCHES and CONTAINS, dates and "or" in bodies;
	// in the query language single quotes, backslashes, asterisks before a
	// value, keywords in upper case, and "and" beside "or" without parentheses.
	// The properties displayName and updatedDate are custom attributes to it.
	NarrowSearch bool
	// AttributesOneByOne applies the attributes of one POST one after the
	// other, so that others see some of them without the rest. The gate is
	// called before each; see [Server.SetGate].
	AttributesOneByOne bool
	// RacingAttributeFails answers a POST that writes an attribute for the
	// first time with an error if another such POST of the same attribute took
	// effect after it arrived.
	RacingAttributeFails bool
	// MissingAttribute404 answers the removal of an attribute that is not
	// there with 404 instead of 204.
	MissingAttribute404 bool
	// KeepOnEmptyValues leaves an attribute that is sent without values alone
	// instead of removing it.
	KeepOnEmptyValues bool
	// AttributesMoveUpdated and MembersMoveUpdated make writes of attributes and
	// memberships move a user's updated date.
	AttributesMoveUpdated, MembersMoveUpdated bool
	// AttributesNeedModify lets attributes be written only where the user or
	// group may be modified too, and MembersNeedModifyUser memberships of a user
	// only where the user may be modified too.
	AttributesNeedModify, MembersNeedModifyUser bool
	// AttributesReversed lists attributes and their values in reverse order.
	AttributesReversed bool
	// FoldAttributeNames takes the names of attributes for the same in upper and
	// lower case; the spelling that is there first stays.
	FoldAttributeNames bool

	// KeepOnDelete leaves the attributes and memberships of a deleted user to
	// the next user of that name in the directory.
	KeepOnDelete bool
	// ReuseKeys gives the next user of the name of a deleted one the same key.
	ReuseKeys bool
	// KeepPopulatedGroups refuses to delete a group that has members or child
	// groups.
	KeepPopulatedGroups bool
	// UpdateByCase refuses a PUT of a user whose body spells the name in other
	// letter case than the query.
	UpdateByCase bool
	// PartialUpdate keeps the members that a PUT of a user leaves out instead
	// of emptying them.
	PartialUpdate bool
	// AttributesInUpdate stores the attributes that a PUT of a user holds.
	AttributesInUpdate bool
	// AbsentActiveUser and AbsentActiveGroup are what a request without
	// "active" means.
	AbsentActiveUser, AbsentActiveGroup AbsentActive
	// NoDisplayName leaves a display name that is not sent empty instead of
	// building it from the first and last name.
	NoDisplayName bool
	// StrictNames requires a first and a last name of every new user.
	StrictNames bool
	// RefuseLongText refuses text over 255 characters where Crowd would cut it.
	// CutLongNames cuts names of that length, which Crowd would refuse.
	RefuseLongText, CutLongNames bool
	// AllowOuterSpace takes names that start or end with white space.
	AllowOuterSpace bool
	// AllowControls takes names that hold control characters, and shows them in
	// messages. XML has the replacement character in their place.
	AllowControls bool
	// RefuseCaseRename takes a new name that differs in letter case alone for
	// taken.
	RefuseCaseRename bool
	// RequireGroupType refuses groups sent without the type GROUP.
	RequireGroupType bool
	// Strict refuses unknown members in JSON requests, to catch slips.
	Strict bool

	// KeepSessions leaves a user's sessions valid when the user is renamed or
	// gets another password. Those of a deleted user end, for a session shows its
	// user.
	KeepSessions bool
	// MissingSession404 answers the end of an unknown session with 404 instead
	// of 204. UnknownUserSessions204 takes the end of all sessions of an unknown
	// user for done instead of answering 404.
	MissingSession404, UnknownUserSessions204 bool
	// Notify200 answers the notice that a user was authenticated with 200 instead
	// of 204.
	Notify200 bool
	// UnknownEmail404 answers a reminder of the user names of an e-mail address
	// that nobody has with 404 instead of 204.
	UnknownEmail404 bool
	// SessionTimeout is the longest life of a session, by default 30 minutes.
	SessionTimeout time.Duration
	// CookieName is the name of the servlet session's cookie, by default
	// JSESSIONID. CookieAuthenticates takes the cookie for credentials, and
	// RefuseUnknownCookie refuses credentials beside a cookie that is unknown.
	CookieName                               string
	CookieAuthenticates, RefuseUnknownCookie bool
	// Cookie is what config/cookie answers; its default name is
	// crowd.token_key.
	Cookie CookieConfig

	// EventsUnavailable tells clients that there are no events to follow.
	EventsUnavailable bool
	// AbsoluteEvents makes events of memberships list all groups that the
	// member is in, marked as absolute, instead of the one that has changed.
	AbsoluteEvents bool
	// RenameRecreates tells of a renamed user as of one deleted and one created.
	RenameRecreates bool
	// EventSpellings are other spellings of the kinds and operations of events,
	// such as "userEvent": "user-event" and "CREATED": "created".
	// EventOperationAttribute shows an operation as an attribute of the event's
	// element instead of a child.
	EventSpellings          map[string]string
	EventOperationAttribute bool
	// EventLimit is how many past events are kept, by default 10000.
	EventLimit int

	// Plugin is the plugin for the configuration of Crowd that is installed.
	Plugin Plugin
	// MapOnly has [BootstrAPI] know its directories by their names alone: there is
	// no resource for one, and none is deleted.
	MapOnly bool
	// NoBatch lacks the changes of many memberships at once, as other editions
	// than Data Center do. BatchByID lets them name users and groups by their ids
	// alone; what a request names otherwise is refused or, with BatchIgnores,
	// overlooked. BatchExistingSucceeds takes a membership that is there already
	// for a success.
	NoBatch, BatchByID, BatchIgnores, BatchExistingSucceeds bool
	// FlatMappings shows the mappings of an application as appmanagement does and
	// takes only such ones. HideMappingOperations shows no mapping's operations,
	// and lets none be changed; NewMappingsDenied lets a new one allow nothing.
	FlatMappings, HideMappingOperations, NewMappingsDenied bool
	// DirectoriesShowAll shows the permissions and attributes of a directory with
	// its other details.
	DirectoriesShowAll bool
	// AdminPageLimit bounds the pages of the administration API, whatever was
	// asked for. Zero is no bound.
	AdminPageLimit int
	// MissingInJSON answers at a path of the administration APIs or of a plugin that
	// is not there in JSON, instead of with a page of the servlet container.
	MissingInJSON bool
	// AdminRefusesInHTML answers those who are no administrators with a page of
	// the servlet container.
	AdminRefusesInHTML bool
	// SynchronisationTime is how long a directory is seen to be synchronised after
	// it was asked for.
	SynchronisationTime time.Duration

	// Statuses overrides the HTTP status of Crowd's reasons, such as
	// "INVALID_GROUP": 409. BodyNotFoundStatus is the one of a user or group
	// that is named in a body and not found, by default 400.
	Statuses           map[string]int
	BodyNotFoundStatus int
	// NoChallenge leaves the WWW-Authenticate header out of 401 answers.
	NoChallenge bool
	// InactiveApplicationForbidden answers an inactive application with 403
	// instead of 401.
	InactiveApplicationForbidden bool
	// DefaultJSON answers requests without an Accept header in JSON.
	DefaultJSON bool
	// TrustedProxies are the addresses or networks whose X-Forwarded-For
	// header is believed.
	TrustedProxies []string
	// URLLimit is the longest path with query that is taken; beyond it the
	// container answers 414. Zero is no limit; real ones are about 8000.
	URLLimit int
	// RateLimit bounds the requests of each application; nil does not.
	RateLimit *RateLimit

	// Latency delays every answer.
	Latency time.Duration
	// Clock tells the time, by default [time.Now].
	Clock func() time.Time
	// NewID returns the next identifier of a user, session or event stream. By
	// default they look random but are the same in every run.
	NewID func() string
	// NoCalls does not record calls.
	NoCalls bool
}

// A Plugin is one of those with which directories can be configured.
type Plugin string

// The plugins. BootstrAPI is the successor of ConfAPI.
const (
	NoPlugin   Plugin = ""
	ConfAPI    Plugin = "confapi"
	BootstrAPI Plugin = "bootstrapi"
)

// AbsentActive is what a missing "active" means. The zero value is Crowd's
// habit: a group is active; a user is inactive after an update and active
// after creation.
type AbsentActive int

// What a missing "active" can mean.
const (
	AbsentAsCrowd AbsentActive = iota
	AbsentTrue
	AbsentFalse
)

func (a AbsentActive) value(habit bool) bool {
	switch a {
	case AbsentTrue:
		return true
	case AbsentFalse:
		return false
	}
	return habit
}

// CookieConfig describes the single sign-on cookie of a [Server].
type CookieConfig struct {
	Name   string
	Domain string
	Secure bool
}

// A RateLimit is a bucket of tokens, one of which each request takes.
type RateLimit struct {
	// Limit is the size of the bucket, which starts full; FillRate tokens are
	// added every Interval, by default one every second.
	Limit, FillRate int
	Interval        time.Duration
	// Shared gives all applications one bucket together instead of one each.
	Shared bool
}

// withPresets returns o with its defaults and what its version implies.
func (o Options) withPresets() *Options {
	if o.Version == "" {
		o.Version = DefaultVersion
	}
	before := func(major, minor int) bool { return versionBefore(o.Version, major, minor) }
	o.LegacyCreate = o.LegacyCreate || before(2, 9)
	o.LegacyGroupCreate = o.LegacyGroupCreate || before(2, 9)
	o.EmptyListForUnknown = o.EmptyListForUnknown || !before(2, 8) && before(2, 9)
	o.NoMembershipDump = o.NoMembershipDump || before(2, 5)
	o.NoCQL = o.NoCQL || before(2, 2)
	o.OmitKeys = o.OmitKeys || before(3, 0)
	o.OmitDates = o.OmitDates || before(3, 0)
	o.AllowEmailChange = (o.AllowEmailChange || before(4, 4)) && !o.RefuseEmailChange
	return o.withDefaults()
}

func (o Options) withDefaults() *Options {
	if o.SessionTimeout == 0 {
		o.SessionTimeout = 30 * time.Minute
	}
	if o.CookieName == "" {
		o.CookieName = "JSESSIONID"
	}
	if o.Cookie.Name == "" {
		o.Cookie.Name = "crowd.token_key"
	}
	if o.EventLimit == 0 {
		o.EventLimit = 10000
	}
	if o.BodyNotFoundStatus == 0 {
		o.BodyNotFoundStatus = 400
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return &o
}

// clone returns a copy that shares nothing that its owner may change.
func (o Options) clone() Options {
	o.Statuses = maps.Clone(o.Statuses)
	o.EventSpellings = maps.Clone(o.EventSpellings)
	o.TrustedProxies = slices.Clone(o.TrustedProxies)
	if o.RateLimit != nil {
		limit := *o.RateLimit
		o.RateLimit = &limit
	}
	return o
}

// versionBefore compares a version such as "4.4.1" with major.minor. What is
// no number counts as a new version.
func versionBefore(version string, major, minor int) bool {
	first, rest, _ := strings.Cut(version, ".")
	second, _, _ := strings.Cut(rest, ".")
	got, err := strconv.Atoi(first)
	if err != nil {
		return false
	}
	if got != major {
		return got < major
	}
	sub, _ := strconv.Atoi(second)
	return sub < minor
}
