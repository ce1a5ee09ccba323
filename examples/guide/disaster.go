package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/backup/seal"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
)

// backUp exports the document twice, as it may be kept in git and sealed, and
// writes a snapshot of who is in which group.
func (g *guide) backUp(ctx context.Context) error {
	_, needs, err := backup.Export(ctx, g.live.Config(), backup.ExportOptions{})
	if err != nil {
		return err
	}
	for _, need := range needs {
		g.say("exported without secrets, a restore needs: %s", need)
	}
	passphrase, err := seal.New(g.secrets["BACKUP_PASSPHRASE"])
	if err != nil {
		return err
	}
	sealed, needs, err := backup.Export(ctx, g.live.Config(), backup.ExportOptions{
		Secrets: backup.Sealed, Sealer: passphrase, Resolve: g.build().Resolve,
	})
	if err != nil {
		return err
	}
	var document, snapshot bytes.Buffer
	if err := backup.Write(&document, sealed); err != nil {
		return err
	}
	for name, secret := range g.secrets {
		if bytes.Contains(document.Bytes(), []byte(secret.Reveal())) {
			return fmt.Errorf("the document shows %s", name)
		}
	}
	g.say("exported sealed: %d bytes, needs besides the passphrase: %d", document.Len(), len(needs))
	if err := backup.WriteSnapshot(ctx, &snapshot, g.connection().Engine, time.Now()); err != nil {
		return err
	}
	g.document, g.snapshot = document.Bytes(), snapshot.Bytes()
	g.say("snapshot: %d bytes", len(g.snapshot))
	return nil
}

// restore loses Crowd and has the document, the users and their groups in another
// one.
func (g *guide) restore(ctx context.Context) error {
	g.newCrowd()
	g.say("Crowd is lost. A new one has the directories %q", g.crowd.Load().Directories())
	if err := g.restoreDocument(ctx); err != nil {
		return err
	}
	g.in().AddGroup(crowd.Group{Name: "welcome", Active: true}, crowd.Group{Name: "jira-users", Active: true})
	if err := g.importFrom(ctx, g.okta()); err != nil {
		return err
	}
	if err := g.restoreGroups(ctx); err != nil {
		return err
	}
	g.idp = scimtest.New(scimtest.Okta, scimtest.Config{BaseURL: g.connection().BaseURL, Token: g.token.Reveal()})
	return errors.Join(
		g.push(ctx), g.members("Platform", "ben@example.com", "cleo@example.com"), g.members("Design", "cleo@example.com"),
		g.members("Marketing", "eve@example.com"), g.members("jira-users", g.in().UserNames()...),
	)
}

// restoreDocument puts the exported document into use. The token in it is the one
// that Okta has.
func (g *guide) restoreDocument(ctx context.Context) error {
	sealed, err := backup.Read(bytes.NewReader(g.document))
	if err != nil {
		return err
	}
	passphrase, err := seal.New(g.secrets["BACKUP_PASSPHRASE"])
	if err != nil {
		return err
	}
	config, err := backup.Unseal(sealed, passphrase)
	if err != nil {
		return err
	}
	ensured, err := g.ensure(ctx, config)
	if err != nil {
		return err
	}
	g.say("directory %q: created %t", directoryName, ensured[0].Created)
	replaced, err := g.live.Replace(ctx, config)
	if err != nil {
		return err
	}
	g.say("the document is in use; it differs from the lost one in %d places", len(backup.Diff(replaced, config)))
	return nil
}

// restoreGroups brings SCIM groups and grants back from the snapshot, by the names
// of users: their ids are others in this Crowd.
func (g *guide) restoreGroups(ctx context.Context) error {
	snapshot, err := backup.OpenSnapshot(bytes.NewReader(g.snapshot), int64(len(g.snapshot)))
	if err != nil {
		return err
	}
	engine := g.connection().Engine
	restoration, err := engine.PlanRestore(ctx, snapshot, groupsync.RestoreOptions{ByName: true})
	if err != nil {
		return err
	}
	g.say("%s", restoration.Plan.Table())
	result, err := engine.ApplyRestore(ctx, restoration, groupsync.ReconcileOptions{})
	if err != nil {
		return err
	}
	g.say("restored: %d steps of %s", result.Applied, snapshot)
	return nil
}
