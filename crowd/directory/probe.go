package directory

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
)

// ProbeName is the name of the user that [Ensure] creates, inactive and with a
// random password, and deletes. Where that user is left behind, because Crowd could
// not be reached any more or a lost request arrives after the end, the next run
// deletes it.
const ProbeName = "scimcrowd-directory-probe"

const (
	// probeMark is the display name by which a probe is known that an interrupted
	// run has left behind.
	probeMark = "Made by a check, may be deleted"
	// probeTries is how often a probe is made where others get in the way.
	probeTries = 8
	// cleanUpTime is what the end of a probe gets, even if the context has ended.
	cleanUpTime = 15 * time.Second
)

// knock finds out by a read, before anything is written, whether the application is
// let in. What it may do is left to the probe.
func (p *plan) knock(ctx context.Context) error {
	_, err := p.Client.User(ctx, ProbeName)
	if err == nil || errors.Is(err, crowd.ErrUserNotFound) || errors.Is(err, crowd.ErrPermission) {
		return nil
	}
	return p.explain(err, admin.CreateUser)
}

// probe proves that the application can write to the directory, and to no other.
func (p *plan) probe(ctx context.Context) error {
	made, err := p.makeProbe(ctx)
	if err != nil {
		err = p.explain(err, admin.CreateUser)
	} else {
		err = p.tryOut(ctx, made)
	}
	if err != nil && made != nil {
		p.removeAnyway(ctx)
	}
	return err
}

// tryOut does with the probe what provisioning does with users. One that is gone
// was deleted by another run.
func (p *plan) tryOut(ctx context.Context, made *crowd.User) error {
	if err := p.checkPlace(made); err != nil {
		return err
	}
	changed := *made
	changed.FirstName = "Changed"
	if err := p.Client.UpdateUser(ctx, changed); err != nil && !errors.Is(err, crowd.ErrUserNotFound) {
		return p.explain(err, admin.UpdateUser)
	}
	mark := crowd.Attributes{"scimcrowd.probe": {"changed"}}
	if err := p.Client.SetUserAttributes(ctx, ProbeName, mark); err != nil && !errors.Is(err, crowd.ErrUserNotFound) {
		return p.explain(err, admin.UpdateUserAttribute)
	}
	if err := p.removeProbe(ctx); err != nil {
		return p.explain(err, admin.DeleteUser)
	}
	return nil
}

// makeProbe creates the user; one that an earlier run has left behind is deleted
// first. Whoever does the same at the same moment may delete this one at any
// time, which is why one that is gone is no failure anywhere.
func (p *plan) makeProbe(ctx context.Context) (*crowd.User, error) {
	user := crowd.User{
		Name: ProbeName, FirstName: "Directory", LastName: "Probe", DisplayName: probeMark, Email: "probe@check.invalid",
	}
	var err error
	for range probeTries {
		var made *crowd.User
		made, err = p.Client.CreateUser(ctx, user, crowd.Secret(rand.Text()+"aB1!"))
		// A user that was there, and is gone when one looks, is an invalid one.
		if !errors.Is(err, crowd.ErrExists) && !errors.Is(err, crowd.ErrInvalidUser) {
			return made, err
		}
		if err := p.removeLeftover(ctx); err != nil {
			return nil, err
		}
	}
	return nil, err
}

// removeLeftover deletes the user of the probe's name, unless it is somebody's.
func (p *plan) removeLeftover(ctx context.Context) error {
	left, err := p.Client.User(ctx, ProbeName)
	switch {
	case errors.Is(err, crowd.ErrUserNotFound):
		return nil
	case err != nil:
		return err
	case left.DisplayName != probeMark || left.Active:
		return &Error{
			Kind: ErrConflict, Problem: fmt.Sprintf("a user has the name %s and is no probe", quote(ProbeName)),
			Clicks: []string{`Choose "Users", and rename or delete that user.`},
		}
	}
	return p.removeProbe(ctx)
}

func (p *plan) removeProbe(ctx context.Context) error {
	err := p.Client.DeleteUser(ctx, ProbeName)
	if errors.Is(err, crowd.ErrUserNotFound) {
		return nil
	}
	return err
}

// removeAnyway makes an end even where the probe failed or ctx has ended.
func (p *plan) removeAnyway(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	_ = p.removeProbe(ctx)
}

// checkPlace tells from the user's key, which begins with the id of a directory,
// whether it was created where it should be. Servers that show no key are
// believed.
func (p *plan) checkPlace(made *crowd.User) error {
	id, _, found := strings.Cut(made.Key, ":")
	if !found || id == strconv.FormatInt(p.directory.ID, 10) {
		return nil
	}
	return &Error{
		Kind: ErrUnfinished, Problem: fmt.Sprintf("what the application %s creates lands in the directory %s instead of %s", quote(p.Application), id, quote(p.Name)),
		Clicks: []string{fmt.Sprintf(`Choose "Applications", then %s, then the tab "Directories", and remove all but %s.`, quote(p.Application), quote(p.Name))},
	}
}

// explain adds to a refusal what can be done about it.
func (p *plan) explain(err error, needed admin.Permission) error {
	unfinished := &Error{Kind: ErrUnfinished, Err: err}
	if reported, ok := errors.AsType[*Error](err); ok {
		return reported
	}
	switch {
	case errors.Is(err, crowd.ErrPermission):
		unfinished.Problem = fmt.Sprintf("the application %s may not do all that is needed in %s", quote(p.Application), quote(p.Name))
		unfinished.Clicks = p.clicksToPermitApplication([]string{string(needed)})
	case errors.Is(err, crowd.ErrAddress):
		unfinished.Problem = fmt.Sprintf("the application %s may not call from here", quote(p.Application))
		unfinished.Clicks = p.clicksToAdmitAddress()
	case errors.Is(err, crowd.ErrUnauthenticated):
		unfinished.Problem = fmt.Sprintf("the password of the application %s is wrong", quote(p.Application))
		unfinished.Clicks = []string{
			fmt.Sprintf(`Choose "Applications" and then %s.`, quote(p.Application)),
			`On the tab "Details" choose "Change password", and enter the one that the configuration has.`,
		}
	default:
		return fmt.Errorf("directory: try out %s: %w", quote(p.Name), err)
	}
	return unfinished
}
