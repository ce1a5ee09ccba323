// Command scimimport imports from a SCIM server into the fake Crowd, for the suites
// beside it: it prints what an import would do, what it did, and what differs then,
// as one line of JSON. The environment has the fake's line of JSON as access.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// A report is what is printed.
type report struct {
	Users       int
	Unchanged   int
	Early       string
	Outcomes    []string
	Steps       int
	Differences []string
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	url := flag.String("url", "", "base URL of the SCIM server")
	filter := flag.String("filter", "", "chooses users")
	size := flag.Int("size", 10, "resources of a page")
	leavers := flag.Bool("leavers", false, "deactivate those who are gone")
	flag.Parse()
	server, err := source.NewSCIM(source.SCIMConfig{URL: *url, Token: crowd.Secret(os.Getenv("token")), Filter: *filter, PageSize: *size})
	if err != nil {
		return err
	}
	importer, err := importerOf(*leavers)
	if err != nil {
		return err
	}
	plan, err := importer.Plan(ctx, server)
	if err != nil {
		return err
	}
	if _, err := importer.Apply(ctx, plan, ""); err != nil {
		return err
	}
	r := report{Users: plan.Users, Unchanged: plan.Unchanged, Early: plan.Early, Steps: len(plan.Plan.Steps)}
	for _, o := range plan.Outcomes {
		r.Outcomes = append(r.Outcomes, o.String())
	}
	for d, err := range importer.Compare(ctx, server) {
		if err != nil {
			break // Early has told
		}
		r.Differences = append(r.Differences, d.String())
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func importerOf(leavers bool) (*source.Importer, error) {
	var access struct{ Crowd, Application, Password string }
	if err := json.Unmarshal([]byte(os.Getenv("access")), &access); err != nil {
		return nil, fmt.Errorf("access in the environment: %w", err)
	}
	client, err := crowd.New(crowd.Config{BaseURL: access.Crowd, Application: access.Application, Password: crowd.Secret(access.Password)})
	if err != nil {
		return nil, err
	}
	engine, err := groupsync.New(groupsync.Config{Connection: "scimmy", Crowd: client})
	if err != nil {
		return nil, err
	}
	handler, err := scim.New(scim.Config{
		Engine: engine, Auth: nobody{}, Users: scim.Users{Existing: groupsync.Link}, BaseURL: "http://127.0.0.1/scim/v2",
	})
	if err != nil {
		return nil, err
	}
	return source.NewImporter(source.ImporterConfig{
		Engine: engine, Handler: handler, Link: []source.Link{source.LinkUserName, source.LinkEmail}, Leavers: leavers, RemoveMembers: leavers,
	})
}

// nobody lets no request in: nothing is served here.
type nobody struct{}

func (nobody) Authenticate(*http.Request) (scim.Principal, error) {
	return scim.Principal{}, errors.New("nothing is served")
}
