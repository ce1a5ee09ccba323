package crowd

import (
	"fmt"
	"strings"
)

// A Report is what [Client.Check] found out. It encodes as JSON and prints as a
// list for people.
type Report struct {
	// Address is where Crowd was asked, and Version what it calls itself, ""
	// where it or a proxy hides that.
	Address string `json:"address"`
	Version string `json:"version,omitempty"`
	// Findings stand in the order in which they were made, and each [Probe] at
	// most once.
	Findings []Finding `json:"findings"`
}

// A Probe is a question that [Client.Check] asks.
type Probe string

// Probes, in the order in which they are made.
const (
	ProbeReachable          Probe = "reachable"
	ProbeCredentials        Probe = "credentials"
	ProbeAddress            Probe = "address"
	ProbeAddUser            Probe = "permission to add users"
	ProbeKey                Probe = "user keys"
	ProbeAttributesOnCreate Probe = "attributes on create"
	ProbeUserAttributes     Probe = "permission to modify user attributes"
	ProbeAtomicAttributes   Probe = "several attributes as one"
	ProbeModifyUser         Probe = "permission to modify users"
	ProbeEmailChange        Probe = "e-mail change"
	ProbeAttributeSearch    Probe = "search by attribute"
	ProbeSearchAttributes   Probe = "attributes in search results"
	ProbeAddGroup           Probe = "permission to add groups"
	ProbeGroupAttributes    Probe = "permission to modify group attributes"
	ProbeModifyGroup        Probe = "permission to modify groups"
	ProbeNestedGroups       Probe = "nested groups"
	ProbeEndSessions        Probe = "ending sessions"
	ProbeDirectories        Probe = "one directory"
	ProbeRemoveUser         Probe = "permission to remove users"
	ProbeRemoveGroup        Probe = "permission to remove groups"
)

// A Verdict is the answer to a [Probe].
type Verdict string

const (
	// Works: it is there, and does what it should.
	Works Verdict = "works"
	// Missing: one can do without, with the loss that the remedy tells of.
	Missing Verdict = "missing"
	// Fails: it stands in the way.
	Fails Verdict = "fails"
	// Unknown: it could not be found out, because of an earlier finding.
	Unknown Verdict = "unknown"
)

// A Finding is the answer to one probe.
type Finding struct {
	Probe   Probe   `json:"probe"`
	Verdict Verdict `json:"verdict"`
	Detail  string  `json:"detail,omitempty"`
	Remedy  string  `json:"remedy,omitempty"` // what an administrator can do
}

// OK reports whether nothing stands in the way.
func (r Report) OK() bool {
	for _, f := range r.Findings {
		if f.Verdict == Fails {
			return false
		}
	}
	return len(r.Findings) > 0
}

// Finding returns the finding of a probe; its verdict is [Unknown] where the
// probe was not made.
func (r Report) Finding(p Probe) Finding {
	for _, f := range r.Findings {
		if f.Probe == p {
			return f
		}
	}
	return Finding{Probe: p, Verdict: Unknown, Detail: "not asked"}
}

// String returns the report as lines for people, remedies below what they
// remedy.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Crowd at %s", r.Address)
	if r.Version != "" {
		fmt.Fprintf(&b, " (%s)", r.Version)
	}
	b.WriteString("\n")
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-8s %s", f.Verdict, f.Probe)
		if f.Detail != "" {
			b.WriteString(": " + f.Detail)
		}
		b.WriteString("\n")
		if f.Remedy != "" {
			b.WriteString("         -> " + f.Remedy + "\n")
		}
	}
	return b.String()
}
