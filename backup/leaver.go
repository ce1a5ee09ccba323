package backup

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/jiraleads"
	"github.com/scimcrowd/scimcrowd/scim/webhook"
)

// hooks makes what sees leavers off, those of the options last.
func (c Connection) hooks(ctx context.Context, r *Running, o BuildOptions) ([]groupsync.Hook, error) {
	var all []groupsync.Hook
	var err error
	if r.Leads, err = c.leads(ctx, o); err != nil {
		return nil, err
	}
	if r.Leads != nil {
		all = append(all, r.Leads)
	}
	if c.Webhook != (Webhook{}) {
		secret, err := c.Webhook.Secret.secret(ctx, o.Resolve, o.Opener)
		if err != nil {
			return nil, fmt.Errorf("secret of the webhook: %w", err)
		}
		hook, err := webhook.New(webhook.Config{
			URL: c.Webhook.URL, Secrets: []crowd.Secret{secret}, HTTPClient: o.HookClient, Logger: o.Logger, Now: o.Now,
		})
		if err != nil {
			return nil, err
		}
		all = append(all, hook)
	}
	return append(all, o.Hooks...), nil
}

// leads makes what hands leads over, nil where the connection has no Jira, or nobody
// who takes over.
func (c Connection) leads(ctx context.Context, o BuildOptions) (*jiraleads.Hook, error) {
	if c.Jira == (Jira{}) || c.Users.Leads == (Leads{}) {
		return nil, nil
	}
	token, err := c.Jira.Token.secret(ctx, o.Resolve, o.Opener)
	if err != nil {
		return nil, fmt.Errorf("token of Jira: %w", err)
	}
	return jiraleads.New(jiraleads.Config{
		URL: c.Jira.URL, Product: c.Jira.Type, User: c.Jira.User, Token: token, MatchDisplayName: c.Jira.MatchDisplayName,
		ProjectLead: c.Users.Leads.Project, ComponentLead: c.Users.Leads.Component, HTTPClient: o.HookClient, Logger: o.Logger,
	})
}

func (h HandOver) timeout() time.Duration { return time.Duration(h.Seconds) * time.Second }

// warn tells of settings without effect.
func (c Connection) warn(ctx context.Context, logger *slog.Logger) {
	switch noJira, nobody := c.Jira == (Jira{}), c.Users.Leads == (Leads{}); {
	case noJira && !nobody:
		logger.WarnContext(ctx, "setting without effect: the connection has no jira where leads could be handed over", "setting", "users.leads")
	case nobody && !noJira:
		logger.WarnContext(ctx, "setting without effect: users.leads names nobody who takes over in Jira", "setting", "jira")
	}
}

// leads looks whether leads will be handed over: in Crowd for the users who are named,
// and in Jira for whether they may lead there.
func (v *reviewed) leads(ctx context.Context) error {
	if v.Jira.Type != jiraleads.Cloud {
		if err := v.userExists(ctx, "/users/leads/project", v.Users.Leads.Project, true); err != nil {
			return err
		}
		if err := v.userExists(ctx, "/users/leads/component", v.Users.Leads.Component, true); err != nil {
			return err
		}
	}
	if v.running.Leads == nil {
		return nil
	}
	at := map[string]string{"url": "/jira/url", "token": "/jira/token", "project": "/users/leads/project", "component": "/users/leads/component"}
	for _, p := range v.running.Leads.Check(ctx) {
		v.problem(at[p.Setting], p.Text, p.Remedy, false)
	}
	return ctx.Err()
}
