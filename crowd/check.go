package crowd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// cleanUpTime is what the end of a check gets, even if its context has ended.
const cleanUpTime = 15 * time.Second

// checkPrefix starts the names of what a check creates.
const checkPrefix = "scimcrowd-check-"

// Check finds out what works: whether Crowd is there and lets the application
// in, which permissions it has, what this version and this directory can do. It
// writes: one inactive user and two inactive groups, whose names start with
// "scimcrowd-check-", and removes them at the end, even if ctx has ended. It
// reads up to 10,000 users. Concurrent checks do not disturb each other.
func (c *Client) Check(ctx context.Context) Report {
	id := strings.ToLower(rand.Text())
	k := &check{
		client: c,
		user: User{
			Name: checkPrefix + id, FirstName: "Check", LastName: "Probe", DisplayName: "Check Probe",
			Email:      id + "@check.invalid",
			Attributes: Attributes{probeAttribute: {id}, probeAttribute + "2": {id}},
		},
		parent: Group{Name: checkPrefix + id, Description: "made by a check, may be deleted"},
		child:  Group{Name: checkPrefix + id + "-child", Description: "made by a check, may be deleted"},
		id:     id,
	}
	k.report.Address = strings.TrimSuffix(c.api, "/rest/usermanagement/1/")
	if !k.reach(ctx) {
		return k.report
	}
	k.users(ctx)
	k.groups(ctx)
	k.sessions(ctx)
	k.directories(ctx)
	k.cleanUp(ctx)
	return k.report
}

// A check is one run of [Client.Check].
type check struct {
	client        *Client
	report        Report
	id            string
	user          User
	parent, child Group

	// What may have been created and is to be removed.
	userMade, parentMade, childMade bool
}

// find notes what a probe has found.
func (k *check) find(p Probe, v Verdict, detail, remedy string) {
	k.report.Findings = append(k.report.Findings, Finding{p, v, detail, remedy})
}

// unknown notes that probes could not be made.
func (k *check) unknown(why string, probes ...Probe) {
	for _, p := range probes {
		k.find(p, Unknown, why, "")
	}
}

// permission notes whether a write was allowed, and reports whether it was.
func (k *check) permission(p Probe, err error) bool {
	switch {
	case err == nil:
		k.find(p, Works, "", "")
	case errors.Is(err, ErrPermission):
		k.find(p, Fails, "denied", "in Crowd, give the application this permission in the directory, "+
			"and the directory itself too: the stricter of the two counts")
	default:
		k.find(p, Fails, bare(err), remedyFor(err))
	}
	return err == nil
}

// capability notes whether something is there that one can do without.
func (k *check) capability(p Probe, works bool, err error, remedy string) {
	switch {
	case err != nil:
		k.find(p, Fails, bare(err), remedyFor(err))
	case works:
		k.find(p, Works, "", "")
	default:
		k.find(p, Missing, "", remedy)
	}
}

// reach asks for a sign of life, and reports whether it makes sense to go on.
func (k *check) reach(ctx context.Context) bool {
	version, err := k.client.signOfLife(ctx)
	k.report.Version = version
	reachable, credentials, address := Works, Works, Works
	details := map[Probe]string{}
	switch {
	case err == nil:
	case errors.Is(err, ErrUnauthenticated):
		credentials, address = Fails, Unknown
		details[ProbeCredentials] = bare(err)
	case errors.Is(err, ErrAddress):
		credentials, address = Unknown, Fails
		details[ProbeAddress] = bare(err)
	default:
		reachable, credentials, address = Fails, Unknown, Unknown
		details[ProbeReachable] = bare(err)
	}
	for _, f := range []Finding{
		{Probe: ProbeReachable, Verdict: reachable},
		{Probe: ProbeCredentials, Verdict: credentials},
		{Probe: ProbeAddress, Verdict: address},
	} {
		if f.Verdict == Fails {
			f.Detail, f.Remedy = details[f.Probe], remedyFor(err)
		}
		k.report.Findings = append(k.report.Findings, f)
	}
	return err == nil
}

// signOfLife makes the cheapest call and returns what the server calls itself.
func (c *Client) signOfLife(ctx context.Context) (version string, err error) {
	err = c.do(ctx, call{
		op: "reach Crowd", method: http.MethodGet, resource: "config/cookie",
		repeat: true, optional: true,
		read: func(r *http.Response) error {
			version = oneLine(cut(r.Header.Get("X-Embedded-Crowd-Version"), 64))
			var anything struct{}
			return into(&anything)(r)
		},
	})
	return version, err
}

// remedyFor tells an administrator what to do about an error.
func remedyFor(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrUnauthenticated):
		return "compare application name and password with those in Crowd; the application must be active there"
	case errors.Is(err, ErrAddress):
		return "add the address of this machine to the application's remote addresses in Crowd; " +
			"behind a proxy, Crowd must trust the proxy"
	case errors.Is(err, ErrUnsupported), errors.Is(err, ErrNotFound):
		return "see that the base URL ends in Crowd's context path, as https://crowd.example.com/crowd does"
	case errors.Is(err, ErrBusy):
		return "the server limits requests; raise the limit for this application, or try again later"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "allow more time"
	case errors.Is(err, ErrUnavailable):
		return "see that Crowd runs and that base URL, proxy, firewall and certificates are right"
	case errors.Is(err, ErrPermission):
		return "in Crowd, give the application the permissions in the directory"
	}
	return "see Crowd's log of this moment"
}

// cleanUp removes what the check has made.
func (k *check) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
	defer cancel()
	var groups []error // of the removals
	if k.childMade {
		groups = append(groups, k.client.DeleteGroup(ctx, k.child.Name))
	}
	if k.parentMade {
		groups = append(groups, k.client.DeleteGroup(ctx, k.parent.Name))
	}
	if k.userMade {
		k.removed(ProbeRemoveUser, "user "+k.user.Name, k.client.DeleteUser(ctx, k.user.Name))
	}
	if len(groups) > 0 {
		k.removed(ProbeRemoveGroup, "groups "+k.parent.Name+" and "+k.child.Name, groups...)
	}
}

// removed notes what became of removals. One may have found nothing, after a
// creation of which it is not known whether it took effect.
func (k *check) removed(p Probe, what string, errs ...error) {
	errs = slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, ErrNotFound) })
	err := errors.Join(errs...)
	switch {
	case len(errs) == 0:
		k.unknown("there was nothing to remove", p)
	case err == nil:
		k.find(p, Works, "", "")
	default:
		k.find(p, Fails, bare(err), fmt.Sprintf("delete what is left of %s by hand; %s", what, remedyFor(err)))
	}
}
