package scim

import (
	"net/http"
	"strings"
	"time"
)

// A sighting is what was seen in a request's body.
type sighting struct {
	marks          mark
	active         *bool    // what a user's active flag is set to
	added, removed []string // members of a group, some of them if there are many
}

// membersSeen bounds how many members of one request are looked at.
const membersSeen = 64

// sight looks at a body as it came. It does not change it.
func sight(method string, doc map[string]any) sighting {
	s := sighting{marks: marksOfBody(method, doc)}
	switch method {
	case http.MethodPost:
		s.active = new(doc["active"] != false)
	case http.MethodPut:
		if doc["active"] == false {
			s.active = new(false)
		}
	case http.MethodPatch:
		for _, item := range list(doc["Operations"]) {
			s.operation(object(item))
		}
	}
	return s
}

func (s *sighting) operation(operation map[string]any) {
	path, _ := operation["path"].(string)
	value := operation["value"]
	if active, ok := object(value)["active"].(bool); ok && path == "" {
		s.active = &active
	}
	if active, ok := value.(bool); ok && path == "active" {
		s.active = &active
	}
	op, _ := operation["op"].(string)
	id, filtered := strings.CutPrefix(path, `members[value eq "`)
	switch {
	case strings.EqualFold(op, "remove") && filtered && len(s.removed) < membersSeen:
		s.removed = append(s.removed, strings.TrimSuffix(id, `"]`))
	case strings.EqualFold(op, "add") && path == "members":
		for _, member := range list(value) {
			if id, _ := object(member)["value"].(string); id != "" && len(s.added) < membersSeen {
				s.added = append(s.added, id)
			}
		}
	}
}

// pushes finds groups whose members come and go together with their accounts.
// In Okta that is a group both assigned to the app and pushed to it. All of its
// memory is of fixed size.
type pushes struct {
	accounts []move // the latest, of accounts
	members  []move // the latest of memberships, no account's move having been found for them
	groups   map[string]*tally
}

// A move is an account or a membership that came (on) or went.
type move struct {
	user, group string
	on          bool
	at          time.Time
}

// A tally is what is known of a group.
type tally struct {
	users []string // some of those who moved together with their accounts
	left  bool     // one of them went
	alone bool     // somebody moved without that
}

const (
	movesKept  = 64
	groupsKept = 64
	together   = time.Minute
	// enoughUsers makes a coincidence unlikely.
	enoughUsers = 3
)

func newPushes() pushes { return pushes{groups: map[string]*tally{}} }

// see takes what a request did.
func (p *pushes) see(x *exchange, path string, now time.Time) {
	if x.status >= http.StatusMultipleChoices {
		return
	}
	p.settle(now)
	first, id, _ := strings.Cut(path, "/")
	if x.status == http.StatusCreated {
		location := x.w.Header().Get("Location")
		id = location[strings.LastIndex(location, "/")+1:]
	}
	if first == "Users" && id != "" && x.seen.active != nil {
		p.account(move{user: id, on: *x.seen.active, at: now})
	}
	if first == "Groups" && x.r.Method == http.MethodPatch {
		for _, user := range x.seen.added {
			p.member(move{user: user, group: id, on: true, at: now})
		}
		for _, user := range x.seen.removed {
			p.member(move{user: user, group: id, at: now})
		}
	}
}

func (m move) with(other move) bool {
	return m.user == other.user && m.on == other.on && m.at.Sub(other.at).Abs() <= together
}

func (p *pushes) account(m move) {
	p.accounts = append(p.accounts, m)
	if len(p.accounts) > movesKept {
		p.accounts = p.accounts[1:]
	}
	var rest []move
	for _, member := range p.members {
		if m.with(member) {
			p.tally(member, true)
			continue
		}
		rest = append(rest, member)
	}
	p.members = rest
}

func (p *pushes) member(m move) {
	for _, account := range p.accounts {
		if m.with(account) {
			p.tally(m, true)
			return
		}
	}
	p.members = append(p.members, m)
	if len(p.members) > movesKept {
		p.tally(p.members[0], false)
		p.members = p.members[1:]
	}
}

// settle gives up on memberships for which no account moved in time.
func (p *pushes) settle(now time.Time) {
	var rest []move
	for _, m := range p.members {
		if now.Sub(m.at) > together {
			p.tally(m, false)
			continue
		}
		rest = append(rest, m)
	}
	p.members = rest
}

func (p *pushes) tally(m move, paired bool) {
	t := p.groups[m.group]
	if t == nil {
		if len(p.groups) == groupsKept {
			return
		}
		t = &tally{}
		p.groups[m.group] = t
	}
	if !paired {
		t.alone = true
		return
	}
	t.left = t.left || !m.on
	for _, user := range t.users {
		if user == m.user {
			return
		}
	}
	if len(t.users) < enoughUsers {
		t.users = append(t.users, m.user)
	}
}

// suspect returns the id of a group all of whose moves were together with
// accounts, in both directions and for several users; "" if there is none.
func (p *pushes) suspect(now time.Time) string {
	p.settle(now)
	waiting := map[string]bool{}
	for _, m := range p.members {
		waiting[m.group] = true
	}
	found := ""
	for id, t := range p.groups {
		if len(t.users) == enoughUsers && t.left && !t.alone && !waiting[id] && (found == "" || id < found) {
			found = id
		}
	}
	return found
}
