package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/groupsync"
)

// The types of events.
const (
	UserDeactivated = "user.deactivated"
	UserDeleted     = "user.deleted"
)

// An Event is what a receiver is told.
type Event struct {
	// ID is the same however often the event is sent. It is not part of the
	// document, but of its headers.
	ID string `json:"-"`
	// Type is [UserDeactivated] or [UserDeleted]. Receivers should pass over types
	// they do not know.
	Type string `json:"type"`
	// Timestamp is when the identity provider said that the user leaves.
	Timestamp time.Time `json:"timestamp"`
	Data      Data      `json:"data"`
}

// Data says who leaves.
type Data struct {
	// Connection is the name of the connection that owns the user.
	Connection string `json:"connection"`
	// ID is the user's SCIM id, UserName the name in Crowd.
	ID       string `json:"id"`
	UserName string `json:"userName"`
	// ExternalID, Email and DisplayName are left out where they are not known.
	ExternalID  string `json:"externalId,omitempty"`
	Email       string `json:"email,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	// Request is the id of the request that said so, as in the audit log.
	Request string `json:"request,omitempty"`
}

// eventOf returns what is told of a leaver.
func eventOf(l groupsync.Leaver) Event {
	e := Event{
		Type: UserDeactivated, Timestamp: l.At.UTC(),
		Data: Data{
			Connection: l.Connection, ID: l.ID, UserName: l.Name, ExternalID: l.ExternalID, Email: l.Email,
			DisplayName: l.DisplayName, Request: l.Request,
		},
	}
	if l.Deleted {
		e.Type = UserDeleted
	}
	facts, err := json.Marshal([]string{e.Type, l.Connection, l.ID, e.Timestamp.Format(time.RFC3339Nano), l.Request})
	if err != nil {
		panic(err) // texts only
	}
	sum := sha256.Sum256(facts)
	e.ID = "msg_" + strings.TrimRight(base64.URLEncoding.EncodeToString(sum[:16]), "=")
	return e
}
