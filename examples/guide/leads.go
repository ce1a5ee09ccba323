package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// handOverLeads lets Ann go, who leads a project and a component in Jira and is
// just logged in.
func (g *guide) handOverLeads(ctx context.Context) error {
	const ann, heir = "ann@example.com", "jdoe@example.com"
	g.jira.setLeads(ann)
	if err := g.change(ctx, func(c *backup.Connection) {
		c.Jira = backup.Jira{URL: "http://" + jiraHost, Token: backup.Password{Env: "JIRA_TOKEN"}}
		c.Users.Leads = backup.Leads{Project: heir, Component: heir}
	}); err != nil {
		return err
	}
	if problems := g.connection().Leads.Check(ctx); len(problems) > 0 {
		return fmt.Errorf("the default leads will not do: %v", problems)
	}
	session, err := g.connection().Client.CreateSession(ctx, crowd.SessionRequest{User: ann, WithoutPassword: true})
	if err != nil {
		return err
	}
	if _, err := g.connection().Client.Session(ctx, session.Token); err != nil {
		return err
	}
	g.say("Crowd: %s is logged in; Jira: leads the project WEB and its component Checkout", ann)
	g.org.Users = slices.DeleteFunc(g.org.Users, func(u scimtest.User) bool { return u.UserName == ann })
	if err := errors.Join(g.push(ctx), g.active(ann, false)); err != nil {
		return err
	}
	project, component := g.jira.leads()
	_, err = g.connection().Client.Session(ctx, session.Token)
	g.say("Crowd: her session: %v; Jira: WEB is led by %s, Checkout by %s", err, project, component)
	if !errors.Is(err, crowd.ErrSession) || project != heir || component != heir {
		return errors.New("the leaver has a session or leads something still")
	}
	return g.jiraIsDown(ctx)
}

// jiraIsDown lets Finn go while Jira cannot be reached. A reconcile later on hands
// over; for the first two minutes it leaves a request to its own end.
func (g *guide) jiraIsDown(ctx context.Context) error {
	const finn, heir = "finn@example.com", "jdoe@example.com"
	g.jira.setLeads(finn)
	g.jira.setDown(true)
	g.org.Users = slices.DeleteFunc(g.org.Users, func(u scimtest.User) bool { return u.UserName == finn })
	if err := errors.Join(g.push(ctx), g.active(finn, false)); err != nil {
		return err
	}
	g.jira.setDown(false)
	g.later.Add(int64(5 * time.Minute))
	if _, err := g.connection().Engine.Reconcile(ctx, groupsync.ReconcileOptions{}); err != nil {
		return err
	}
	project, component := g.jira.leads()
	g.say("Jira was down when %s left, and is back: after a reconcile WEB is led by %s, Checkout by %s", finn, project, component)
	if project != heir || component != heir {
		return errors.New("what the leaver led was not handed over")
	}
	return nil
}
