package admin

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// A DirectoryType is a kind of directory. Kinds that this package does not know
// are kept, in lower case.
type DirectoryType string

// The kinds of directories, spelled as the configuration document does.
const (
	// Internal keeps users and groups in Crowd.
	Internal DirectoryType = "internal"
	// Delegating keeps them in Crowd, and asks LDAP for passwords alone.
	Delegating DirectoryType = "delegating"
	// LDAP is a copy of a directory server.
	LDAP DirectoryType = "ldap"
	// Remote is a copy of another Crowd's or a Jira's directory.
	Remote DirectoryType = "crowd"
	// AzureAD is a copy of a Microsoft Entra ID tenant.
	AzureAD DirectoryType = "azuread"
	// Generic is a custom one.
	Generic DirectoryType = "generic"
)

// Writable reports whether Crowd itself keeps the users and groups of such a
// directory, so that what is written stays. Copies are overwritten from their
// source, if they can be written at all.
func (t DirectoryType) Writable() bool { return t == Internal || t == Delegating }

// directoryType reads the names of the API's DirectoryType.
func directoryType(wire string) DirectoryType {
	switch wire {
	case "CONNECTOR":
		return LDAP
	case "CUSTOM":
		return Generic
	case "AZURE_AD":
		return AzureAD
	}
	return DirectoryType(strings.ToLower(wire))
}

// A Directory is a set of users and groups.
type Directory struct {
	// ID is the first part of the keys of its users.
	ID   int64
	Name string
	Type DirectoryType
	// Description is what an administrator or, where none has, Crowd wrote of it.
	Description string
	Active      bool
	// Synchronisable tells that it is a copy of another.
	Synchronisable  bool
	Synchronisation Synchronisation
	// Permissions are what applications may do in it at most, and Attributes its
	// settings. Nil means that the server does not tell, as most do not.
	Permissions []Permission
	Attributes  map[string]string
}

// A Synchronisation is the last, or the one under way.
type Synchronisation struct {
	// Status is Crowd's word for its outcome, such as "SUCCESS", and Mode whether
	// it was full or incremental. Both are empty where there was none.
	Status, Mode string
	// Start and End are zero as long as it has neither begun nor ended.
	Start, End time.Time
}

// Running reports whether it has begun and not ended.
func (s Synchronisation) Running() bool { return !s.Start.IsZero() && s.End.IsZero() }

// Directories lists the directories whose names hold a text, or all.
//
// Resource: GET directory/detailed.
func (c *Client) Directories(ctx context.Context, search string) iter.Seq2[*Directory, error] {
	r := rest.Request{Op: "list directories", Method: http.MethodGet, Resource: "directory/detailed", Optional: true}
	if search != "" {
		r.Params = url.Values{"search": {search}}
	}
	return pages[directoryWire, Directory](ctx, c.call, r)
}

// Directory returns the directory of an id.
//
// Resource: GET directory/detailed/{id}.
func (c *Client) Directory(ctx context.Context, id int64) (*Directory, error) {
	var w directoryWire
	err := c.call(ctx, rest.Request{
		Op: "read directory", Name: strconv.FormatInt(id, 10),
		Method: http.MethodGet, Resource: "directory/detailed/" + strconv.FormatInt(id, 10),
		Into: &w, Check: w.check,
	})
	if err != nil {
		return nil, err
	}
	return w.entity(), nil
}

// DirectoryNamed returns the directory of a name, in any letter case; it is an
// error if there are several.
//
// Resource: GET directory/detailed.
func (c *Client) DirectoryNamed(ctx context.Context, name string) (*Directory, error) {
	return onlyNamed(c.Directories(ctx, ""), "find directory", name, func(d *Directory) string { return d.Name })
}

// Synchronise asks Crowd to read a directory anew from its source. It returns
// once Crowd has accepted that; [Directory.Synchronisation] tells how it goes. A
// directory that has no source refuses with an error that matches
// [crowd.ErrIllegalArgument].
//
// Resource: POST directory/detailed/{id}/synchronize.
func (c *Client) Synchronise(ctx context.Context, id int64) error {
	return c.call(ctx, rest.Request{
		Op: "synchronise directory", Name: strconv.FormatInt(id, 10),
		Method: http.MethodPost, Resource: "directory/detailed/" + strconv.FormatInt(id, 10) + "/synchronize",
		Body: struct{}{}, Repeat: true,
	})
}

// directoryWire reads what class DetailedDirectoryData of Crowd's Java API has,
// and further members that a server may show.
type directoryWire struct {
	ID                  int64             `json:"id"`
	DisplayName         string            `json:"displayName"`
	Name                string            `json:"name"`
	DirectoryType       string            `json:"directoryType"`
	Type                string            `json:"type"`
	Description         string            `json:"description"`
	DescriptiveName     string            `json:"descriptiveName"`
	Active              bool              `json:"active"`
	Synchronizable      bool              `json:"synchronizable"`
	SynchronizationData *synchronisation  `json:"synchronizationData"`
	AllowedOperations   []Permission      `json:"allowedOperations"`
	Attributes          map[string]string `json:"attributes"`
}

func (w *directoryWire) name() string { return cmp.Or(w.DisplayName, w.Name) }

func (w *directoryWire) check() error {
	if w.ID == 0 || w.name() == "" {
		return errors.New("it is no directory")
	}
	return nil
}

func (w *directoryWire) entity() *Directory {
	d := &Directory{
		ID: w.ID, Name: w.name(), Type: directoryType(cmp.Or(w.DirectoryType, w.Type)),
		Description: cmp.Or(w.Description, w.DescriptiveName), Active: w.Active,
		Synchronisable: w.Synchronizable, Permissions: w.AllowedOperations, Attributes: w.Attributes,
	}
	if s := w.SynchronizationData; s != nil {
		d.Synchronisation = Synchronisation{s.Status, s.SynchronizationType, moment(s.StartDate), moment(s.EndDate)}
	}
	return d
}

// synchronisation reads class DetailedDirectorySynchronizationData.
type synchronisation struct {
	Status              string `json:"status"`
	StartDate           *int64 `json:"startDate"`
	EndDate             *int64 `json:"endDate"`
	SynchronizationType string `json:"synchronizationType"`
}

// moment returns a time in milliseconds since 1970, zero where there is none.
func moment(millis *int64) time.Time {
	if millis == nil {
		return time.Time{}
	}
	return time.UnixMilli(*millis).UTC()
}
