package crowd

import (
	"context"
	"encoding/xml"
	"net/http"
)

// An EventToken is a point in the stream of events.
type EventToken struct {
	// Token is opaque; two that differ tell that something has changed.
	Token string
	// Available tells whether events after the token can be had at all. If not,
	// read everything instead.
	Available bool
}

// An EventKind tells what an event is about. Kinds beyond these are passed on.
type EventKind string

// Kinds of event.
const (
	UserEvent            EventKind = "userEvent"
	GroupEvent           EventKind = "groupEvent"
	UserMembershipEvent  EventKind = "userMembershipEvent"
	GroupMembershipEvent EventKind = "groupMembershipEvent"
)

// An EventOperation tells what has happened. Operations beyond these are passed
// on.
type EventOperation string

// Operations of events.
const (
	Created EventOperation = "CREATED"
	Updated EventOperation = "UPDATED"
	Deleted EventOperation = "DELETED"
)

// An Event is a change in a directory of the application. It says where to
// look; what is there now, the calls for users, groups and members tell.
type Event struct {
	Kind      EventKind
	Operation EventOperation
	// User and Group are whom the event is about, whichever applies.
	User, Group string
	// ParentGroups and ChildGroups are the other ends of memberships.
	ParentGroups, ChildGroups []string
	// Absolute tells that the groups are all there are, not those that changed.
	Absolute bool
}

// EventToken returns the present point in the stream. Servers without one:
// [ErrUnsupported].
//
// Resource: GET event.
func (c *Client) EventToken(ctx context.Context) (EventToken, error) {
	var w struct {
		Token     string `json:"newEventToken" xml:"newEventToken,attr"`
		Available flag   `json:"incrementalSynchronisationAvailable" xml:"incrementalSynchronisationAvailable,attr"`
	}
	err := c.do(ctx, call{
		op: "read event token", method: http.MethodGet, resource: "event",
		repeat: true, optional: true, read: into(&w),
	})
	return EventToken{w.Token, bool(w.Available)}, err
}

// Events returns what has happened since the token, in order, and the token to
// ask with next. A token that is unknown or has expired matches
// [ErrEventToken]; read everything then, after asking for a new token.
//
// The events come as a whole because the next token vouches for all of them.
// The shape of this resource is the least documented of all: treat an event as
// a hint.
//
// Resource: GET event/{token}.
func (c *Client) Events(ctx context.Context, token string) ([]Event, EventToken, error) {
	const op = "read events"
	if err := checkToken(op, Secret(token), ErrEventToken); err != nil {
		return nil, EventToken{}, err
	}
	var w eventsWire
	err := c.do(ctx, call{
		op: op, method: http.MethodGet, resource: "event", segment: Secret(token),
		accept: mediaXML, repeat: true, missing: ErrEventToken,
		read: func(r *http.Response) error {
			w = eventsWire{}
			if media := mediaType(r.Header); media != mediaXML {
				return undecodable(media, r.Body)
			}
			return into(&w)(r)
		},
	})
	if err != nil {
		return nil, EventToken{}, err
	}
	return w.events(), EventToken{w.Token, bool(w.Available)}, nil
}

type eventsWire struct {
	Token     string      `xml:"newEventToken,attr"`
	Available flag        `xml:"incrementalSynchronisationAvailable,attr"`
	Events    []eventWire `xml:",any"`
}

type eventWire struct {
	XMLName   xml.Name
	Operation string     `xml:"operation"`
	Attribute string     `xml:"operation,attr"`
	User      namedWire  `xml:"user"`
	ChildUser namedWire  `xml:"childUser"`
	Group     namedWire  `xml:"group"`
	Parents   groupsWire `xml:"parentGroups"`
	Children  groupsWire `xml:"childGroups"`
	Flag      flag       `xml:"absolute,attr"`
	Element   flag       `xml:"absolute"`
}

type namedWire struct {
	Name string `xml:"name,attr"`
}

type groupsWire struct {
	Groups []namedWire `xml:"group"`
}

func (w groupsWire) names() []string {
	var names []string
	for _, g := range w.Groups {
		names = append(names, g.Name)
	}
	return names
}

func (w *eventsWire) events() []Event {
	events := make([]Event, 0, len(w.Events))
	for _, e := range w.Events {
		events = append(events, Event{
			Kind:         EventKind(e.XMLName.Local),
			Operation:    EventOperation(first(e.Operation, e.Attribute)),
			User:         first(e.User.Name, e.ChildUser.Name),
			Group:        e.Group.Name,
			ParentGroups: e.Parents.names(),
			ChildGroups:  e.Children.names(),
			Absolute:     bool(e.Flag || e.Element),
		})
	}
	return events
}
