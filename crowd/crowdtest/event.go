package crowdtest

import (
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/ordered"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/store"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// Operations of events.
const (
	eventCreated = "CREATED"
	eventUpdated = "UPDATED"
	eventDeleted = "DELETED"
)

type eventKind int

const (
	userEvent eventKind = iota
	groupEvent
	userMembershipEvent
	groupMembershipEvent
)

// An event is one write. Of a membership, parents are the groups that the user
// or the group of that name has joined or left or, where absolute is set, all
// that it is in.
type event struct {
	kind        eventKind
	operation   string
	user, group string
	parents     []string
	absolute    bool
}

// events is the stream of the latest events. The number of the first kept is
// dropped+1.
type events struct {
	stream  string
	dropped int
	kept    []event
}

func (e *events) add(o *Options, one event) {
	e.kept = append(e.kept, one)
	if excess := len(e.kept) - o.EventLimit; excess >= o.EventLimit {
		e.kept = append([]event(nil), e.kept[excess:]...)
		e.dropped += excess
	}
}

func (e *events) user(o *Options, operation, name string) {
	e.add(o, event{kind: userEvent, operation: operation, user: name})
}

func (e *events) group(o *Options, operation, name string) {
	e.add(o, event{kind: groupEvent, operation: operation, group: name})
}

func (e *events) membership(o *Options, operation string, g *store.Group, u *store.User) {
	e.add(o, event{
		kind: userMembershipEvent, operation: operation, user: u.Name,
		parents: parentsIn(o, g, u.Groups()), absolute: o.AbsoluteEvents,
	})
}

func (e *events) kinship(o *Options, operation string, parent, child *store.Group) {
	e.add(o, event{
		kind: groupMembershipEvent, operation: operation, group: child.Name,
		parents: parentsIn(o, parent, child.Parents()), absolute: o.AbsoluteEvents,
	})
}

// parentsIn returns what an event says of a change in one group among all.
func parentsIn(o *Options, changed *store.Group, all *ordered.List[*store.Group]) []string {
	if o.AbsoluteEvents {
		return groupNames(all)
	}
	return []string{changed.Name}
}

func (e *events) token() string {
	return e.stream + ":" + strconv.Itoa(e.dropped+len(e.kept))
}

// since returns the events after a token, and false for a token that is not
// known or too old.
func (e *events) since(o *Options, token string) ([]event, bool) {
	number, found := strings.CutPrefix(token, e.stream+":")
	n, err := strconv.Atoi(number)
	last := e.dropped + len(e.kept)
	if !found || err != nil || n < e.dropped || n > last || n < last-o.EventLimit {
		return nil, false
	}
	return e.kept[n-e.dropped:], true
}

// eventToken is the representation of a token without events.
type eventToken struct {
	XMLName   xml.Name `json:"-" xml:"events"`
	Token     string   `json:"newEventToken" xml:"newEventToken,attr"`
	Available bool     `json:"incrementalSynchronisationAvailable" xml:"incrementalSynchronisationAvailable,attr"`
}

func (x *exchange) eventToken() eventToken {
	return eventToken{Token: x.s.events.token(), Available: !x.opts.EventsUnavailable}
}

func getEventToken(x *exchange) (*reply, error) {
	t := x.eventToken()
	return ok(&t)
}

// eventList is the representation of a token with the events before it. Its
// JSON has the events in one list, which the element names tell apart.
type eventList struct {
	eventToken
	Events []eventEntry `json:"events" xml:",any"`
}

type eventEntry struct {
	XMLName   xml.Name   `json:"-"`
	Kind      string     `json:"kind" xml:"-"`
	Absolute  bool       `json:"absolute,omitempty" xml:"absolute,attr,omitempty"`
	Attribute string     `json:"-" xml:"operation,attr,omitempty"`
	Operation string     `json:"operation" xml:"operation,omitempty"`
	User      *nameEntry `json:"user,omitempty" xml:"user"`
	ChildUser *nameEntry `json:"childUser,omitempty" xml:"childUser"`
	Group     *nameEntry `json:"group,omitempty" xml:"group"`
	Parents   *groupList `json:"parentGroups,omitempty" xml:"parentGroups"`
	Children  *groupList `json:"childGroups,omitempty" xml:"childGroups"`
}

type nameEntry struct {
	Name string `json:"name" xml:"name,attr"`
}

type groupList struct {
	Groups []nameEntry `json:"groups" xml:"group"`
}

func getEvents(x *exchange) (*reply, error) {
	if x.opts.EventsUnavailable {
		return nil, x.refuse(reasonNoIncremental, "There are no events")
	}
	found, known := x.s.events.since(x.opts, x.token)
	if !known {
		return nil, x.refuse(reasonEventTokenExpired, "The event token has expired")
	}
	list := &eventList{eventToken: x.eventToken(), Events: make([]eventEntry, len(found))}
	for i, e := range found {
		list.Events[i] = x.showEvent(e)
	}
	return ok(list)
}

func (x *exchange) showEvent(e event) eventEntry {
	named := func(name string) *nameEntry { return &nameEntry{x.name(name)} }
	parents := &groupList{Groups: []nameEntry{}}
	for _, name := range e.parents {
		parents.Groups = append(parents.Groups, *named(name))
	}
	entry := eventEntry{Operation: e.operation, Absolute: e.absolute}
	switch e.kind {
	case userEvent:
		entry.Kind, entry.User = "userEvent", named(e.user)
	case groupEvent:
		entry.Kind, entry.Group = "groupEvent", named(e.group)
	case userMembershipEvent:
		entry.Kind, entry.ChildUser, entry.Parents = "userMembershipEvent", named(e.user), parents
	case groupMembershipEvent:
		entry.Kind, entry.Group, entry.Parents = "groupMembershipEvent", named(e.group), parents
	}
	entry.Kind, entry.Operation = x.opts.spelled(entry.Kind), x.opts.spelled(entry.Operation)
	entry.XMLName.Local = entry.Kind
	if x.opts.EventOperationAttribute && x.answer == wire.XML {
		entry.Attribute, entry.Operation = entry.Operation, ""
	}
	return entry
}

// spelled returns a kind or operation of events as the options spell it.
func (o *Options) spelled(word string) string {
	if other, found := o.EventSpellings[word]; found {
		return other
	}
	return word
}

// A webhook is registered, listed and removed; nobody is called.
type webhook struct {
	XMLName  xml.Name `json:"-" xml:"webhook"`
	ID       string   `json:"id" xml:"id"`
	Endpoint string   `json:"endpointUrl" xml:"endpointUrl"`
}

func postWebhook(x *exchange) (*reply, error) {
	var in webhook
	if err := x.decode(&in); err != nil {
		return nil, err
	}
	if in.Endpoint == "" {
		return nil, x.illegal("A webhook needs an endpointUrl")
	}
	x.s.lastWebhook++
	in.ID = strconv.Itoa(x.s.lastWebhook)
	x.s.webhooks[in.ID] = in.Endpoint
	return &reply{status: 201, entity: &in}, nil
}

func getWebhook(x *exchange) (*reply, error) {
	endpoint, found := x.s.webhooks[x.token]
	if !found {
		return nil, x.refuse(reasonWebhookNotFound, "There is no such webhook")
	}
	return ok(&webhook{ID: x.token, Endpoint: endpoint})
}

func deleteWebhook(x *exchange) (*reply, error) {
	if _, found := x.s.webhooks[x.token]; !found {
		return nil, x.refuse(reasonWebhookNotFound, "There is no such webhook")
	}
	delete(x.s.webhooks, x.token)
	return noContent()
}
