package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/examples/server/bridge"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// tokenEnv is the environment variable of the token that check tries out.
const tokenEnv = "SCIMCROWD_TOKEN"

type checkFlags struct {
	baseURL, server string
	readOnly        bool
	admin           administrator
}

func (a *app) checkCommand() *cobra.Command {
	var f checkFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "Say what is wrong with configuration, Crowd, permissions and set-up, and what to do",
		Long: `Check the configuration, whether Crowd is there and lets the applications in, whether
they may do what they must, whether the groups and users exist that the settings
name, and whether tokens are in force. What keeps anything from working is written to
standard error as POINTER: problem. remedy, and the status is 1.

To try out permissions a check makes a user and two groups named scimcrowd-check-... and
removes them; with --read-only it does not.

With --server it also tells what the running server found out about the set-up at the
identity provider, from the requests that came. With --base-url it asks the running server too, the way an identity provider reaches
it; set ` + tokenEnv + ` to a token to have that tried as well.`,
		Example: `  server check --config config.json
  SCIMCROWD_TOKEN=... server check --config config.json --base-url https://bridge.example.com`,
		RunE: func(c *cobra.Command, _ []string) error { return a.check(c.Context(), f) },
	}
	c.Flags().StringVar(&f.server, "server", "", "the `URL` of the running server's --admin-listen, to be told what it found out about the identity provider's set-up")
	c.Flags().StringVar(&f.baseURL, "base-url", "", "the `URL` at which identity providers reach the running server")
	c.Flags().BoolVar(&f.readOnly, "read-only", false, "write nothing to Crowd")
	f.admin.flags(c)
	return c
}

// A verdict is what a check found out about a connection.
type verdict struct {
	Connection string           `json:"connection"`
	OK         bool             `json:"ok"`
	Crowd      *crowd.Report    `json:"crowd,omitempty"`
	Problems   []backup.Problem `json:"problems"`

	index int
}

func (v *verdict) add(pointer, problem, remedy string, stops bool) {
	v.Problems = append(v.Problems, backup.Problem{
		Connection: v.Connection, Pointer: fmt.Sprintf("/connections/%d%s", v.index, pointer),
		Text: problem, Remedy: strings.TrimSuffix(remedy, "."), Stops: stops,
	})
	v.OK = v.OK && !stops
}

func (a *app) check(ctx context.Context, f checkFlags) error {
	c, err := a.document(ctx)
	if err != nil {
		return err
	}
	all, err := a.build(ctx, c, a.buildOptions())
	if err != nil {
		return err
	}
	review, err := backup.ReviewChange(ctx, nil, c, backup.ReviewOptions{Build: a.buildOptions(), Administration: f.admin.administration()})
	if err != nil {
		return err
	}
	found, err := findings(ctx, f.server)
	if err != nil {
		return err
	}
	var verdicts []*verdict
	for i, connection := range c.Connections {
		v := &verdict{Connection: connection.Name, OK: true, Problems: []backup.Problem{}, index: i}
		for _, p := range review.Problems {
			if p.Connection == connection.Name {
				v.Problems, v.OK = append(v.Problems, p), v.OK && !p.Stops
			}
		}
		if !f.readOnly && v.OK {
			v.probe(ctx, all[i])
		}
		v.tokens(connection.Tokens, time.Now())
		v.leads(ctx, all[i])
		v.setUp(connection, found)
		if f.baseURL != "" {
			v.serving(ctx, strings.TrimRight(f.baseURL, "/")+connection.Path, crowd.Secret(os.Getenv(tokenEnv)))
		}
		verdicts = append(verdicts, v)
	}
	return a.judge(verdicts)
}

// judge tells what was found, and fails where anything stops.
func (a *app) judge(verdicts []*verdict) error {
	ok := true
	for _, v := range verdicts {
		ok = ok && v.OK
		for _, p := range v.Problems {
			if p.Stops {
				fmt.Fprintln(a.err, plain(p.String()))
			}
		}
	}
	err := a.tell(verdicts, func(w io.Writer) {
		for _, v := range verdicts {
			v.text(w)
		}
	})
	if err == nil && !ok {
		err = errFailed
	}
	return err
}

func (v *verdict) text(w io.Writer) {
	if v.Crowd != nil {
		fmt.Fprintf(w, "connection %s\n%s\n", v.Connection, strings.TrimRight(v.Crowd.String(), "\n"))
	}
	for _, p := range v.Problems {
		if !p.Stops {
			fmt.Fprintln(w, "note:", p)
		}
	}
	if v.OK {
		fmt.Fprintf(w, "connection %s: ready\n", v.Connection)
	}
}

// probe tries out what the application may do.
func (v *verdict) probe(ctx context.Context, r *backup.Running) {
	report := r.Client.Check(ctx)
	v.Crowd = &report
	for _, f := range report.Findings {
		if f.Verdict == crowd.Fails || f.Verdict == crowd.Missing {
			problem := string(f.Probe)
			if f.Detail != "" {
				problem += ": " + f.Detail
			}
			v.add("/crowd", problem, f.Remedy, f.Verdict == crowd.Fails)
		}
	}
	if err := r.Engine.CheckStrangers(ctx); err != nil {
		if _, ok := errors.AsType[*groupsync.StrangerError](err); ok {
			v.add("/crowd/abandoned", err.Error(), "Take what they hold out of Crowd with forget, add them, or list them here", true)
			return
		}
		v.add("/crowd", err.Error(), "Try again", true)
	}
}

// setUp tells of what does not fit the identity provider: by the settings, and by what
// the running server has seen.
func (v *verdict) setUp(c backup.Connection, found []bridge.Finding) {
	if c.Provider == "" || c.Provider == scim.Generic {
		v.add("/provider", "the provider is not named", "Name it, so that its ways are known: "+join(scim.Providers()), false)
	}
	if c.Users.Existing != groupsync.Link {
		v.add("/users/existing", "users whom Crowd has already are refused to the identity provider", `Set it to "link" to have them taken over`, false)
	}
	for _, f := range found {
		if f.Connection == c.Name {
			v.add("/provider", f.Problem, f.Remedy, false)
		}
	}
}

// findings asks the running server, where there is one to ask.
func findings(ctx context.Context, server string) ([]bridge.Finding, error) {
	if server == "" {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(server, "/")+"/findings", nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the server does not answer at --server: %w", err)
	}
	defer answer.Body.Close()
	var all []bridge.Finding
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&all); err != nil || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("what answers at --server (%s) is not the server's --admin-listen", answer.Status)
	}
	return all, nil
}

// leads asks Jira whether leads could be handed over. That they cannot keeps nobody
// from being provisioned.
func (v *verdict) leads(ctx context.Context, r *backup.Running) {
	if r.Leads == nil {
		return
	}
	for _, p := range r.Leads.Check(ctx) {
		v.add("/jira", p.Text, p.Remedy, false)
	}
}

// soon is how long before its end a token is told of.
const soon = 30 * 24 * time.Hour

func (v *verdict) tokens(tokens []scim.Token, now time.Time) {
	live := false
	for i, t := range tokens {
		pointer := fmt.Sprintf("/tokens/%d/notAfter", i)
		switch {
		case t.NotAfter.IsZero():
			live = true
		case now.After(t.NotAfter):
			v.add(pointer, "the token "+t.ID+" has expired", "Remove it with: token revoke --connection "+v.Connection+" --id "+t.ID, false)
		default:
			live = true
			if t.NotAfter.Sub(now) < soon {
				v.add(pointer, "the token "+t.ID+" expires on "+t.NotAfter.UTC().Format(time.DateOnly), "Make another with: token rotate --connection "+v.Connection, false)
			}
		}
	}
	if len(tokens) > 0 && !live {
		v.add("/tokens", "no token is in force", "Make one with: token new --connection "+v.Connection, true)
	}
}

// serving asks the running server as an identity provider would.
func (v *verdict) serving(ctx context.Context, base string, token crowd.Secret) {
	if !strings.HasPrefix(base, "https://") {
		v.add("/path", "the base URL "+base+" is not https", "Identity providers want https, and tokens must not travel in the clear: give serve --tls-cert and --tls-key, or put a proxy in front that encrypts", false)
	}
	status, err := ask(ctx, base+"/Users?count=1", "")
	switch {
	case err != nil:
		v.add("/path", "the server does not answer at "+base+": "+err.Error(), "Start it, and open the way from the identity provider to it", true)
		return
	case status == http.StatusServiceUnavailable:
		v.add("/paused", "the server answers 503 at "+base, "It is paused, or Crowd does not answer: see its log and /readyz", true)
		return
	case status != http.StatusUnauthorized:
		v.add("/path", fmt.Sprintf("what answers at %s is not this server: a request without token gets %d, not 401", base, status), "Have the proxy hand on the whole path, and the Authorization header as it is", true)
		return
	}
	if token == "" {
		return
	}
	if status, err = ask(ctx, base+"/Users?count=1", token); err == nil && status != http.StatusOK {
		v.add("/tokens", fmt.Sprintf("the server answers %d to the token of %s", status, tokenEnv), "Use a token of this connection; make another with: token new --connection "+v.Connection, true)
	}
}

func ask(ctx context.Context, url string, token crowd.Secret) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, nil
}
