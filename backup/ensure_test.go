package backup_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/admin"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/crowd/directory"
)

// administered returns a Crowd with a plugin, and what an administrator gives for
// it.
func administered() (*crowdtest.Server, backup.DirectoryOptions) {
	srv := &crowdtest.Server{}
	srv.SetOptions(func(o *crowdtest.Options) { o.Plugin = crowdtest.BootstrAPI })
	srv.AddAdministrator("root", "root's password")
	network := &http.Client{Transport: srv}
	return srv, backup.DirectoryOptions{
		Build: backup.BuildOptions{HTTPClient: network},
		Means: func(ctx context.Context, c backup.Connection) (directory.Means, error) {
			return directory.Connect(ctx, admin.Config{
				BaseURL: c.Crowd.URL, Administrator: "root", Password: "root's password", HTTPClient: network,
			})
		},
	}
}

const crowdAddress = "https://crowd.example.com/crowd"

func TestEnsureDirectories(t *testing.T) {
	srv, options := administered()
	document, _ := two(t, crowdAddress, func(c *backup.Connection) {
		c.Crowd.Directory = backup.Directory{Name: "Employees", Create: true}
	})
	third := document.Connections[0]
	third.Name, third.Path, third.Crowd.Directory = "plain", "/scim/plain", backup.Directory{}
	document.Connections = append(document.Connections, third)

	got, err := backup.EnsureDirectories(t.Context(), document, options)
	want := []backup.EnsuredDirectory{
		{Connection: "okta", Result: directory.Result{Directory: 32771, Created: true, Mapped: true, Unmapped: []string{"Crowd"}}},
		{Connection: "entra", Result: directory.Result{Directory: 32771}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("directories mismatch (-want +got):\n%s%v", diff, err)
	}
	running, err := backup.BuildAll(t.Context(), document, backup.BuildOptions{
		BaseURL: "https://bridge.example.com", HTTPClient: options.Build.HTTPClient,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := running[0].Client.CreateUser(t.Context(), crowd.User{Name: "ann"}, "p"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"ann"}, srv.In("Employees").UserNames()); diff != "" {
		t.Errorf("users mismatch (-want +got):\n%s", diff)
	}

	srv.In("Employees").AddGroup(crowd.Group{Name: "scim-registry-okta"})
	for i := range 2 {
		document.Connections[i].Crowd.Directory.Name = "Employes"
	}
	_, err = backup.EnsureDirectories(t.Context(), document, options)
	if !errors.Is(err, directory.ErrConflict) || len(srv.Directories()) != 3 {
		t.Errorf("a slip in the name: %v, directories %v", err, srv.Directories())
	}
}

// TestEnsureDirectoriesReports has one connection fail without the other, and
// does nothing where nothing is to be done.
func TestEnsureDirectoriesReports(t *testing.T) {
	srv, options := administered()
	srv.SetApplication(crowdtest.Application{Name: "second", Password: crowdtest.DefaultPassword})
	document, _ := two(t, crowdAddress, nil)
	first, second := &document.Connections[0].Crowd, &document.Connections[1].Crowd
	first.Directory = backup.Directory{Name: "Employees"}
	second.Application, second.Directory = "second", backup.Directory{Name: "Crowd"}

	got, err := backup.EnsureDirectories(t.Context(), document, options)
	if !errors.Is(err, directory.ErrMissing) || !strings.HasPrefix(err.Error(), "backup: connection okta: directory: there is no directory") {
		t.Errorf("error %v", err)
	}
	if len(got) != 1 || got[0].Connection != "entra" || got[0].Unmapped[0] != crowdtest.AdministratorsDirectory {
		t.Errorf("directories %+v", got)
	}

	first.Directory = backup.Directory{Name: "Copy", Type: backup.LDAP}
	if _, err := backup.EnsureDirectories(t.Context(), document, options); !errors.Is(err, directory.ErrReadOnly) {
		t.Errorf("a copy: %v", err)
	}

	srv.ResetCalls()
	second.Application = first.Application
	_, err = backup.EnsureDirectories(t.Context(), document, options)
	if err == nil || !strings.Contains(err.Error(), `the connections okta and entra have the application "scim" see different directories`) {
		t.Errorf("one application, two directories: %v", err)
	}
	second.Directory.Name = "copy"
	options.Build.DryRun = true
	if got, err := backup.EnsureDirectories(t.Context(), document, options); len(got) > 0 || err != nil {
		t.Errorf("dry run: %v, %v", got, err)
	}
	options.Means = nil
	if _, err := backup.EnsureDirectories(t.Context(), document, options); err == nil {
		t.Error("no means, no error")
	}
	document.Connections[0].Name = ""
	if _, err := backup.EnsureDirectories(t.Context(), document, options); err == nil {
		t.Error("a document that is not valid, and no error")
	}
	if calls := srv.Calls(); len(calls) > 0 {
		t.Errorf("calls %v", calls)
	}
}

// TestEnsureDirectoriesMeans tells of an administrator who is refused.
func TestEnsureDirectoriesMeans(t *testing.T) {
	srv, options := administered()
	document, _ := two(t, crowdAddress, func(c *backup.Connection) { c.Crowd.Directory = backup.Directory{Name: "Crowd"} })
	srv.In(crowdtest.AdministratorsDirectory).SetPassword("root", "another")
	_, err := backup.EnsureDirectories(t.Context(), document, options)
	if !errors.Is(err, crowd.ErrUnauthenticated) || strings.Contains(err.Error(), "root's password") {
		t.Errorf("error %v", err)
	}
	document.Connections[0].Crowd.Password = backup.Password{Env: "CROWD_PASSWORD"}
	_, err = backup.EnsureDirectories(t.Context(), document, options)
	if err == nil || !strings.Contains(err.Error(), "password of the application") {
		t.Errorf("a password that cannot be had: %v", err)
	}
}
