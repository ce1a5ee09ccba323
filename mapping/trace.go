package mapping

import (
	"fmt"
	"slices"
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
// refuses the resource. Of a user whom the filter does not choose there is one step.
func (m *AttributeMap) Explain(resource map[string]any) Trace {
	t := Trace{Subject: m.subject(resource)}
	if step, excluded := m.excluded(resource); excluded {
		t.Steps = []Step{step}
		return t
	}
	for _, r := range m.rows {
		o := m.outcome(r, resource)
		s := Step{Target: r.To, Values: o.values, Source: o.source, Skipped: slices.Clone(o.skipped), Result: o.String(), Refused: o.err != nil}
		if o.found && r.To == toActive {
			s.Values = []string{fmt.Sprint(o.active)}
		}
		t.Steps = append(t.Steps, s)
	}
	return t
}

// subject names the user as Crowd would, if anything would.
func (m *AttributeMap) subject(resource map[string]any) string {
	for _, r := range m.rows {
		if o := m.outcome(r, resource); r.To == toUsername && o.found && o.err == nil {
			return "user " + o.values[0]
		}
	}
	return "user"
}

// excluded says what becomes of a user whom the filter does not choose.
func (m *AttributeMap) excluded(resource map[string]any) (Step, bool) {
	s := Step{Target: toActive, Source: m.filter.source()}
	switch in, err := m.filter.Includes(resource); {
	case err != nil:
		s.Result, s.Refused = "refused: "+err.(*ValueError).Problem, true
	case in:
		return s, false
	default:
		s.Values = []string{"false"}
		s.Result = "false, since the filter does not choose this user: " + s.Source + "; nothing else is changed, and nobody new is created"
	}
	return s, true
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
