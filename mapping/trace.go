package mapping

import (
	"fmt"
	"strings"
)

// A Trace says how results came about, as a value for programs and as text for people.
type Trace struct {
	Subject string `json:"subject"` // the user or group it is about
	Steps   []Step `json:"steps"`
}

// A Step is one result and where it comes from.
type Step struct {
	Target  string   `json:"target"`            // the Crowd field, attribute or group
	Values  []string `json:"values,omitempty"`  // what a field or attribute gets
	Source  string   `json:"source,omitempty"`  // the path, expression, constant or rule it comes from
	Skipped []string `json:"skipped,omitempty"` // the sources before it, which had no value
	Result  string   `json:"result"`            // in words
	Refused bool     `json:"refused,omitempty"` // the request is refused, or the group not filled, because of this
}

// String returns a line for the subject and one for each step.
func (t Trace) String() string {
	var b strings.Builder
	b.WriteString(t.Subject + "\n")
	for _, s := range t.Steps {
		fmt.Fprintf(&b, "  %s: %s\n", s.Target, s.Result)
		for _, skipped := range s.Skipped {
			fmt.Fprintf(&b, "    %s has no value\n", skipped)
		}
	}
	return b.String()
}

// Explain says for each row what it makes of the resource, and why. All rows are there, also behind one that
// refuses the resource.
func (m *AttributeMap) Explain(resource map[string]any) Trace {
	t := Trace{Subject: "user"}
	if f, err := m.ToCrowd(resource); err == nil && f.Username != nil {
		t.Subject += " " + *f.Username
	}
	for _, r := range m.rows {
		o := m.outcome(r, resource)
		s := Step{Target: r.To, Values: o.values, Source: o.source, Skipped: o.skipped, Result: o.String(), Refused: o.err != nil}
		if o.found && r.To == toActive {
			s.Values = []string{fmt.Sprint(o.active)}
		}
		t.Steps = append(t.Steps, s)
	}
	return t
}

// ExplainUser says for each membership of a user what is done about it, and why: by which grant and rule, or default.
func (m *GroupMap) ExplainUser(u UserState) Trace {
	t := Trace{Subject: "user " + u.Name}
	for _, d := range m.DeriveUser(u) {
		s := Step{Target: d.Target.Group, Source: d.Target.Rule, Result: d.Action.String() + ": "}
		for i, r := range d.Reasons {
			if i > 0 {
				s.Result += "; "
			}
			s.Result += r.String()
		}
		t.Steps = append(t.Steps, s)
	}
	if len(t.Steps) == 0 {
		t.Steps = []Step{{Target: noTarget, Result: "no grant, default or record says anything of this user's memberships"}}
	}
	return t
}
