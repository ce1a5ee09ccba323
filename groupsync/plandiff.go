package groupsync

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// A PlanDiff is what two plans do not have in common.
type PlanDiff struct {
	// Removed are the steps that only the plan before has, Added those that only
	// the plan after has, each in the order of their plan.
	Removed []Step `json:"removed,omitempty"`
	Added   []Step `json:"added,omitempty"`
	// Same is how many steps both have.
	Same int `json:"same"`
}

// DiffPlans compares two plans, such as a preview made yesterday and one made
// today. Steps are the same if they do the same to the same; their order, why
// they are taken and the letter case of names do not count.
func DiffPlans(before, after *Plan) PlanDiff {
	var d PlanDiff
	left := map[string]int{}
	for _, s := range before.Steps {
		left[s.deed()]++
	}
	for _, s := range after.Steps {
		key := s.deed()
		if left[key] > 0 {
			left[key]--
			d.Same++
		} else {
			d.Added = append(d.Added, s)
		}
	}
	for i := len(before.Steps) - 1; i >= 0; i-- { // of equal steps the first are the same
		s := before.Steps[i]
		if key := s.deed(); left[key] > 0 {
			left[key]--
			d.Removed = append(d.Removed, s)
		}
	}
	slices.Reverse(d.Removed)
	return d
}

// deed returns what a step does, as a text to compare.
func (s Step) deed() string {
	s.Why, s.Reasons = "", nil
	s.User, s.Group, s.Child = crowd.Fold(s.User), crowd.Fold(s.Group), crowd.Fold(s.Child)
	document, err := json.Marshal(s)
	if err != nil {
		panic(err) // a step has only strings
	}
	return string(document)
}

// String returns the difference as lines of text: a minus before what only the
// first plan does, a plus before what only the second does.
func (d PlanDiff) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d removed, %d added, %d the same", len(d.Removed), len(d.Added), d.Same)
	for _, part := range []struct {
		sign  string
		steps []Step
	}{{"-", d.Removed}, {"+", d.Added}} {
		for _, s := range part.steps {
			fmt.Fprintf(&b, "\n%s %s", part.sign, s)
		}
	}
	return b.String()
}
