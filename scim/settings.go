package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// Users steers what requests may do to users. Its zero value is the default.
type Users struct {
	// Create lets POST make users in Crowd. Default true. If it is false, a POST
	// of an unknown user is refused (403); with Existing "link" those whom Crowd
	// has already can still be taken over.
	Create *bool `json:"create,omitempty"`
	// Update lets requests change what Crowd and this server hold of a user.
	// Default true. If it is false, changes are passed over: the request
	// succeeds, and its answer shows the user as it stayed. The active flag has
	// settings of its own.
	Update *bool `json:"update,omitempty"`
	// Deactivate lets requests set active to false. Default true. If it is
	// false, that is passed over, and the answer shows the user still active.
	Deactivate *bool `json:"deactivate,omitempty"`
	// Reactivate is the same for setting active to true. Default true.
	Reactivate *bool `json:"reactivate,omitempty"`
	// Delete says what DELETE does. Default "deactivate".
	Delete groupsync.Deletion `json:"delete,omitempty"`
	// Existing says what POST does where Crowd has a user of that name already.
	// Default "conflict".
	Existing groupsync.Existing `json:"existing,omitempty"`
	// Password says what becomes of passwords that are sent. Default "ignore".
	Password Password `json:"password,omitempty"`
	// Keep says which SCIM data without a Crowd field is kept. Default all.
	Keep Keep `json:"keep,omitzero"`
	// Attributes maps SCIM attributes to Crowd's fields. Default the rows of
	// [mapping.DefaultAttributes]. [New] uses it where Config.Attributes is nil.
	Attributes mapping.Attributes `json:"attributes,omitempty"`
	// Protected names users whose password, userName, e-mail, active flag and
	// existence are never changed. The engine sees to it: hand it over as
	// groupsync.Config.ProtectedUsers.
	Protected []string `json:"protected,omitempty"`
	// EmailRefused says what happens where Crowd does not let applications
	// change e-mail addresses. Default "skip". The engine sees to it: hand it
	// over as groupsync.Config.RejectEmail.
	EmailRefused EmailRefused `json:"emailRefused,omitempty"`
}

// Password says what becomes of passwords that are sent.
type Password string

const (
	// IgnorePassword drops them: new users get a long random one.
	IgnorePassword Password = "ignore"
	// SetPassword hands them to Crowd.
	SetPassword Password = "set"
)

// EmailRefused says what happens where Crowd refuses a change of e-mail.
type EmailRefused string

const (
	// SkipEmail makes the rest of the change and reports the difference.
	SkipEmail EmailRefused = "skip"
	// RejectEmail refuses the request.
	RejectEmail EmailRefused = "reject"
)

// Keep says which of the data that an identity provider sends is kept in
// attributes of the Crowd user. Other applications of the directory can read
// it. The zero value keeps all; externalId is always kept, passwords never.
//
// Its JSON form is "all", "mapped" or a list of SCIM attribute paths.
type Keep struct {
	// Mapped keeps what the attribute mapping reads.
	Mapped bool
	// Paths keeps these attributes. Nil means no such list.
	Paths []string
}

// IsZero reports whether all is kept.
func (k Keep) IsZero() bool { return !k.Mapped && k.Paths == nil }

// MarshalJSON returns the JSON form.
func (k Keep) MarshalJSON() ([]byte, error) {
	switch {
	case k.Mapped:
		return []byte(`"mapped"`), nil
	case k.Paths != nil:
		return json.Marshal(k.Paths)
	}
	return []byte(`"all"`), nil
}

// UnmarshalJSON reads the JSON form.
func (k *Keep) UnmarshalJSON(data []byte) error {
	var word string
	if json.Unmarshal(data, &word) == nil {
		if word != "all" && word != "mapped" {
			return fmt.Errorf(`scim: keep %q is not known; use "all", "mapped" or a list of attribute paths`, word)
		}
		*k = Keep{Mapped: word == "mapped"}
		return nil
	}
	paths := []string{}
	if err := json.Unmarshal(data, &paths); err != nil {
		return errors.New(`scim: keep must be "all", "mapped" or a list of attribute paths`)
	}
	*k = Keep{Paths: paths}
	return nil
}

// withDefaults returns the settings with every field filled.
func (u Users) withDefaults() (Users, error) {
	for _, flag := range []**bool{&u.Create, &u.Update, &u.Deactivate, &u.Reactivate} {
		if *flag == nil {
			*flag = new(true)
		}
	}
	return u, errors.Join(
		choose("delete", &u.Delete, "deactivate", "delete", "keep"),
		choose("existing", &u.Existing, "conflict", "link"),
		choose("password", &u.Password, IgnorePassword, SetPassword),
		choose("emailRefused", &u.EmailRefused, SkipEmail, RejectEmail),
	)
}

// choose makes the first of the words the default and refuses all others.
func choose[T ~string](setting string, v *T, words ...T) error {
	if *v == "" {
		*v = words[0]
	}
	if !slices.Contains(words, *v) {
		return fmt.Errorf("scim: users.%s: %q is not known; use one of %q", setting, *v, words)
	}
	return nil
}
