package directory

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of what [Ensure] reports and does not put right by itself.
var (
	// ErrReadOnly: the directory is, or is to be, of a kind that cannot be
	// provisioned because it is a copy of another.
	ErrReadOnly = errors.New("directory: cannot be provisioned")
	// ErrMissing: the directory or the application is not there, and was not to be
	// created or cannot be.
	ErrMissing = errors.New("directory: missing")
	// ErrConflict: what has the name is something else than what was asked for.
	ErrConflict = errors.New("directory: something else has the name")
	// ErrUnfinished: it is there, and something about it was switched off or not
	// yet switched on, by somebody who may have had a reason.
	ErrUnfinished = errors.New("directory: not ready to be used")
)

// An Error is something that an administrator has to decide or do.
type Error struct {
	// Kind is one of the kinds above, and Problem says what was found.
	Kind    error
	Problem string
	// Clicks are what to do about it in Crowd's console, in order.
	Clicks []string
	// Err is the refusal that showed it, nil where a look did.
	Err error
}

// Error returns the problem with the clicks, in one line.
func (e *Error) Error() string {
	text := "directory: " + e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	var clicks []string
	for i, click := range e.Clicks {
		clicks = append(clicks, fmt.Sprintf("%d. %s", i+1, click))
	}
	if len(clicks) > 0 {
		text += ". In Crowd's console: " + strings.Join(clicks, " ")
	}
	return text
}

// Unwrap returns the kind, and the cause if there is one.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// The clicks follow the menus of Crowd's console as Atlassian's administration
// guide describes them, in "Adding a Directory", "Specifying Directory
// Permissions", "Mapping a Directory to an Application" and "Adding an
// Application".

func (p *plan) clicksToCreate() []string {
	kind := `"Internal"`
	if p.Type == delegating {
		kind = `"Delegated Authentication"`
	}
	return []string{
		`Log in as an administrator and choose "Directories", then "Add directory".`,
		"Choose " + kind + `, then "Next".`,
		fmt.Sprintf(`Enter the name %s, leave "Active" ticked, fill in what else the kind needs, and save.`, quote(p.Name)),
		`On the tab "Permissions" leave all permissions ticked.`,
	}
}

func (p *plan) clicksToActivate() []string {
	return []string{
		fmt.Sprintf(`Choose "Directories" and then %s.`, quote(p.Name)),
		`On the tab "Details" tick "Active", and save.`,
	}
}

func (p *plan) clicksToPermit(denied []string) []string {
	return []string{
		fmt.Sprintf(`Choose "Directories" and then %s.`, quote(p.Name)),
		`On the tab "Permissions" tick ` + strings.Join(denied, ", ") + ", and save.",
	}
}

func (p *plan) clicksToPermitApplication(missing []string) []string {
	return []string{
		fmt.Sprintf(`Choose "Applications", then %s, then the tab "Permissions".`, quote(p.Application)),
		fmt.Sprintf("Choose the directory %s, tick %s, and save.", quote(p.Name), strings.Join(missing, ", ")),
	}
}

func (p *plan) clicksToUnmap(name string) []string {
	return []string{
		fmt.Sprintf("If %s is the right one, give that name and change nothing in Crowd.", quote(name)),
		fmt.Sprintf(`If not, choose "Applications", then %s, then the tab "Directories", and remove %s.`, quote(p.Application), quote(name)),
	}
}

func (p *plan) clicksToAddApplication() []string {
	return []string{
		`Choose "Applications", then "Add application".`,
		fmt.Sprintf(`Choose the type "Generic application", enter the name %s and the password that the configuration has, and add the address of this server.`, quote(p.Application)),
		fmt.Sprintf("Choose the directory %s, if it is there, let all its users log in, and save.", quote(p.Name)),
	}
}

func (p *plan) clicksToActivateApplication() []string {
	return []string{
		fmt.Sprintf(`Choose "Applications" and then %s.`, quote(p.Application)),
		`On the tab "Details" tick "Active", and save.`,
	}
}

func (p *plan) clicksToAdmitAddress() []string {
	return []string{
		fmt.Sprintf(`Choose "Applications", then %s, then the tab "Remote addresses".`, quote(p.Application)),
		"Add the address of this server, and save.",
	}
}

func quote(text string) string { return fmt.Sprintf("%q", text) }
