package scimtest

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Report tells what a cycle did and what came of it.
type Report struct {
	// Steps are the requests in their order, those that only look for
	// differences left out.
	Steps []Step
	// Failures are what the identity provider gave up on in this cycle. Later
	// cycles try again, those of Entra after a while.
	Failures []*Failure
	// Waiting is the number of objects that failed in an earlier cycle and are
	// left to a later one.
	Waiting int
	// Differences are where the server shows something else than was wanted.
	Differences []Difference
	// Quarantined says that most of the cycle failed, and Entra slows the job
	// down to one cycle a day.
	Quarantined bool
	// Next is when the identity provider would begin the next cycle on its own;
	// zero for those that wait for changes.
	Next time.Duration
}

// A Step is a request and its answer.
type Step struct {
	// Task is what the request was sent for, such as "create user ann".
	Task string
	// Method and URL are those of the request; the URL is what follows the base
	// URL.
	Method, URL string
	// Body and Answer are the bodies.
	Body, Answer string
	// Status is 0 where no answer came.
	Status int
}

// A Failure is a task that an identity provider gave up on. It is an error.
type Failure struct {
	// Task is what failed, such as "create user ann".
	Task string
	// Status is that of the last answer, 0 where none came.
	Status int
	// Detail is what is shown to the administrator: the detail of the answer, or
	// what is wrong with it.
	Detail string
}

// Error returns the failure in one line.
func (f *Failure) Error() string {
	if f.Status == 0 {
		return fmt.Sprintf("scimtest: %s: %s", f.Task, f.Detail)
	}
	return fmt.Sprintf("scimtest: %s: status %d: %s", f.Task, f.Status, f.Detail)
}

// A Difference is something the server shows that is not what was wanted.
type Difference struct {
	// Object is what differs, such as "user ann" or "group Staff".
	Object string
	// Attribute is the path of the attribute, or "exists".
	Attribute string
	// Want and Got are its values; a member is written as its userName, or as
	// its id where the identity provider does not know it.
	Want, Got string
}

// String returns the difference in one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s is %q, want %q", d.Object, d.Attribute, d.Got, d.Want)
}

// Err returns nil where nothing failed or waits, and the server shows what was
// wanted; else an error that lists what is wrong.
func (r Report) Err() error {
	var lines []string
	for _, f := range r.Failures {
		lines = append(lines, f.Error())
	}
	for _, d := range r.Differences {
		lines = append(lines, "scimtest: "+d.String())
	}
	if r.Waiting > 0 {
		lines = append(lines, fmt.Sprintf("scimtest: %d objects wait for a later cycle", r.Waiting))
	}
	if len(lines) == 0 {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}

// String lists the steps, one a line, and what [Report.Err] says.
func (r Report) String() string {
	var b strings.Builder
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%s %s %s = %d (%s)\n", s.Method, s.URL, s.Body, s.Status, s.Task)
	}
	if err := r.Err(); err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}
