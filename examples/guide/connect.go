package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/scimtest"
	"github.com/scimcrowd/scimcrowd/scim/source"
	"github.com/scimcrowd/scimcrowd/scim/source/oktatest"
)

const crowdURL = "http://crowd.test/crowd"

// first is the document of the first day.
func (g *guide) first(token scim.Token) *backup.Config {
	return &backup.Config{Connections: []backup.Connection{{
		Name: "okta", Provider: scim.Okta, Path: "/scim/okta/v2", Tokens: []scim.Token{token},
		Crowd: backup.Crowd{
			URL: crowdURL, Application: "scim", Password: backup.Password{Env: "CROWD_PASSWORD"},
			Directory: backup.Directory{Name: directoryName, Type: backup.Internal, Create: true},
		},
		Users: backup.Users{Users: scim.Users{Existing: groupsync.Link}},
	}}}
}

// appName names the connection, and gives what is pasted into Okta.
func (g *guide) appName(ctx context.Context) (err error) {
	var token scim.Token
	g.token, token = scim.NewToken()
	var handler http.HandlerFunc = func(w http.ResponseWriter, r *http.Request) { g.live.ServeHTTP(w, r) }
	if g.base, err = g.servers.serve(handler); err != nil {
		return err
	}
	if g.live, err = backup.NewLive(ctx, g.first(token), g.build()); err != nil {
		return err
	}
	g.say("App Name:     %s", g.connection().Name)
	g.say("Base URL:     %s", g.connection().BaseURL)
	g.say("Bearer token: %s (shown once; the document holds its hash)", g.token.Reveal())
	return nil
}

// createDirectory has Crowd provide the directory: twice comes to the same as
// once, and a type that is a copy of another directory is refused.
func (g *guide) createDirectory(ctx context.Context) error {
	copied := g.live.Config()
	copied.Connections[0].Crowd.Directory = backup.Directory{Name: "From LDAP", Type: backup.LDAP}
	if _, err := g.ensure(ctx, copied); !errors.Is(err, directory.ErrReadOnly) {
		return fmt.Errorf("a directory of type ldap was not refused: %w", err)
	}
	g.say("type %s is refused: it is a copy of another directory, which nobody can provision", backup.LDAP)
	if err := g.withoutPlugin(ctx); err != nil {
		return err
	}
	for range 2 {
		ensured, err := g.ensure(ctx, g.live.Config())
		if err != nil {
			return err
		}
		for _, e := range ensured {
			g.say("directory %q of type internal: created %t, mapped to the application %t", directoryName, e.Created, e.Mapped)
		}
	}
	if !slices.Contains(g.crowd.Load().Directories(), directoryName) {
		return errors.New("there is no directory " + directoryName)
	}
	return nil
}

// withoutPlugin shows what to click where Crowd has no plugin that creates
// directories.
func (g *guide) withoutPlugin(ctx context.Context) error {
	plugin := func(p crowdtest.Plugin) {
		g.crowd.Load().SetOptions(func(o *crowdtest.Options) { o.Plugin = p })
	}
	plugin(crowdtest.NoPlugin)
	defer plugin(crowdtest.BootstrAPI)
	_, err := g.ensure(ctx, g.live.Config())
	missing, ok := errors.AsType[*directory.Error](err)
	if !ok || len(missing.Clicks) == 0 {
		return fmt.Errorf("without a plugin: %w", err)
	}
	g.say("without a plugin: %s", missing.Problem)
	for _, click := range missing.Clicks {
		g.say("- %s", click)
	}
	return nil
}

// testCredentials presses the button of that name, with a wrong token first.
func (g *guide) testCredentials(ctx context.Context) error {
	wrong := scimtest.New(scimtest.Okta, scimtest.Config{BaseURL: g.connection().BaseURL, Token: "wrong"})
	report, err := wrong.TestConnection(ctx)
	if err != nil || report.Err() == nil {
		return fmt.Errorf("a wrong token was not refused: %w", err)
	}
	g.say("with a wrong token: %v", report.Err())
	g.idp = scimtest.New(scimtest.Okta, scimtest.Config{BaseURL: g.connection().BaseURL, Token: g.token.Reveal()})
	if report, err = g.idp.TestConnection(ctx); err != nil || report.Err() != nil {
		return errors.Join(err, report.Err())
	}
	g.say("with the right one: the connection works (provider %s)", scim.Okta)
	return g.replaceToken(ctx)
}

// replaceToken has two tokens valid at a time, and then the newer one only.
func (g *guide) replaceToken(ctx context.Context) error {
	secret, token := scim.NewToken()
	if err := g.change(ctx, func(c *backup.Connection) { c.Tokens = append(c.Tokens, token) }); err != nil {
		return err
	}
	newer := scimtest.New(scimtest.Okta, scimtest.Config{BaseURL: g.connection().BaseURL, Token: secret.Reveal()})
	for _, idp := range []*scimtest.IdP{g.idp, newer} {
		if report, err := idp.TestConnection(ctx); err != nil || report.Err() != nil {
			return errors.Join(err, report.Err())
		}
	}
	if err := g.change(ctx, func(c *backup.Connection) { c.Tokens = []scim.Token{token} }); err != nil {
		return err
	}
	if report, err := g.idp.TestConnection(ctx); err != nil || report.Err() == nil {
		return fmt.Errorf("the token that was taken away is accepted still: %w", err)
	}
	g.say("the token was replaced: both were accepted for a while, and the old one is no more")
	g.token, g.idp = secret, newer
	return nil
}

// importUsers brings all active users of Okta into Crowd before anything is
// pushed. Eve is in Crowd already, and is linked.
func (g *guide) importUsers(ctx context.Context) error {
	g.org = company()
	g.in().AddUser(crowd.User{Name: "eve@example.com", FirstName: "Eve", LastName: "Hale", DisplayName: "Eve Hale", Email: "eve@example.com", Active: true})
	okta := g.okta()
	okta.AddUser(oktatest.User{Status: "DEPROVISIONED", Profile: map[string]any{
		"login": "gone@example.com", "email": "gone@example.com", "firstName": "Gone", "lastName": "Long",
	}})
	if err := g.importFrom(ctx, okta); err != nil {
		return err
	}
	if err := g.linkOnly(ctx, okta); err != nil {
		return err
	}
	if got := g.in().UserNames(); len(got) != len(g.org.Users) {
		return fmt.Errorf("it has the users %q", got)
	}
	return g.push(ctx)
}

// linkOnly has Gus in Okta, whom Crowd does not know, and imports without creating
// anybody.
func (g *guide) linkOnly(ctx context.Context, okta *oktatest.Server) error {
	okta.AddUser(oktatest.User{Profile: map[string]any{
		"login": "gus@example.com", "email": "gus@example.com", "firstName": "Gus", "lastName": "Poe",
	}})
	if err := g.change(ctx, func(c *backup.Connection) { c.Users.Create = new(false) }); err != nil {
		return err
	}
	if err := g.importFrom(ctx, okta); err != nil {
		return err
	}
	return g.change(ctx, func(c *backup.Connection) { c.Users.Create = nil })
}

// okta is the management API of Okta, with the users who are assigned to the app.
func (g *guide) okta() *oktatest.Server {
	okta := &oktatest.Server{}
	for _, u := range g.org.Users {
		okta.AddUser(oktatest.User{ID: u.ID, Profile: map[string]any{
			"login": u.UserName, "email": u.Email, "firstName": u.GivenName, "lastName": u.FamilyName,
			"displayName": u.DisplayName, "department": u.Department,
		}})
	}
	return okta
}

// importFrom shows what an import is to do, and does it.
func (g *guide) importFrom(ctx context.Context, okta *oktatest.Server) error {
	people, err := source.NewOkta(source.OktaConfig{
		URL: "https://example.okta.com", Token: oktatest.DefaultToken, NoGroups: true, HTTPClient: &http.Client{Transport: okta},
	})
	if err != nil {
		return err
	}
	importer, err := source.NewImporter(source.ImporterConfig{Engine: g.connection().Engine, Handler: g.connection().SCIM})
	if err != nil {
		return err
	}
	plan, err := importer.Plan(ctx, people)
	if err != nil {
		return err
	}
	g.say("%s", plan.Table())
	result, err := importer.Apply(ctx, plan, "")
	if err != nil {
		return err
	}
	g.say("imported: %d steps", result.Applied)
	return nil
}

// company is who is assigned to the app.
func company() scimtest.Directory {
	person := func(id, given, family, department string) scimtest.User {
		name := strings.ToLower(given) + "@example.com"
		return scimtest.User{
			ID: id, UserName: name, GivenName: given, FamilyName: family, DisplayName: given + " " + family, Email: name, Department: department,
		}
	}
	return scimtest.Directory{Users: []scimtest.User{
		person("00u1", "Ann", "Berg", "Engineering"), person("00u2", "Ben", "Lund", "Engineering"),
		person("00u3", "Cleo", "Nash", "Design"), person("00u4", "Eve", "Hale", "Sales"), person("00u5", "Jdoe", "Doe", "Engineering"),
	}}
}

// enableAndDisable unassigns Cleo from the app and assigns her again.
func (g *guide) enableAndDisable(ctx context.Context) error {
	everybody := g.org.Users
	g.org.Users = slices.DeleteFunc(slices.Clone(everybody), func(u scimtest.User) bool { return u.UserName == "cleo@example.com" })
	if err := errors.Join(g.push(ctx), g.active("cleo@example.com", false)); err != nil {
		return err
	}
	g.org.Users = everybody
	if err := errors.Join(g.push(ctx), g.active("cleo@example.com", true)); err != nil {
		return err
	}
	g.say("with deactivate off:")
	if err := g.change(ctx, func(c *backup.Connection) { c.Users.Deactivate = new(false) }); err != nil {
		return err
	}
	err := errors.Join(g.deactivate(ctx, "cleo@example.com"), g.active("cleo@example.com", true))
	return errors.Join(err, g.change(ctx, func(c *backup.Connection) { c.Users.Deactivate = nil }))
}

// deactivate sends what an identity provider does, by hand.
func (g *guide) deactivate(ctx context.Context, name string) error {
	user, err := g.connection().Engine.UserByName(ctx, name)
	if err != nil {
		return err
	}
	body := `{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{"op": "replace", "path": "active", "value": false}]}`
	r, err := http.NewRequestWithContext(ctx, http.MethodPatch, g.connection().BaseURL+"/Users/"+user.ID, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+g.token.Reveal())
	r.Header.Set("Content-Type", "application/scim+json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	g.say("PATCH active: false for %s is answered %s", name, response.Status)
	if response.StatusCode != http.StatusOK {
		return errors.New("it was refused")
	}
	return nil
}
