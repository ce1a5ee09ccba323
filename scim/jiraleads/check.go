package jiraleads

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A Problem is something that will keep leads from being handed over.
type Problem struct {
	// Setting is "url", "token", "project" or "component".
	Setting string `json:"setting"`
	// Text says what is wrong, Remedy what an administrator can do.
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

// String returns text and remedy.
func (p Problem) String() string { return p.Setting + ": " + p.Text + ". " + p.Remedy }

// Check asks Jira whether hand-overs will do: whether it can be reached and takes the
// account, whether that administers Jira, and whether the default leads exist and are
// active. It changes nothing. Whether they can be assigned issues is a matter of each
// project, and found out when there is something to hand over.
func (h *Hook) Check(ctx context.Context) []Problem {
	admin, err := h.jira.admin(ctx)
	if e, ok := errors.AsType[*Error](err); ok && e.Status == 401 {
		return []Problem{{"token", err.Error(), "Correct the account and its token; in Jira Data Center, leave the user out where the token is a personal access token"}}
	}
	if err != nil {
		return []Problem{{"url", err.Error(), "Check the address, which Jira it is, and that it can be reached from here"}}
	}
	var problems []Problem
	if !admin {
		problems = append(problems, Problem{
			"token", "the account does not administer Jira",
			"Give it the global permission Administer Jira, or see that it administers every project that may have to change hands",
		})
	}
	for _, d := range []struct{ kind, setting, name string }{
		{projectKind, "project", h.project}, {componentKind, "component", h.component},
	} {
		if d.name == "" {
			continue
		}
		a, err := h.jira.lookUp(ctx, d.name)
		switch problem := unfit(a); {
		case err != nil:
			problems = append(problems, Problem{d.setting, err.Error(), "Try again"})
		case problem != "":
			text, remedy, _ := strings.Cut(problem, ". ")
			problems = append(problems, Problem{d.setting, fmt.Sprintf("the default %s %q %s", settings[d.kind], d.name, text), remedy})
		}
	}
	return problems
}
