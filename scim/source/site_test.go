package source_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/source"
)

// A site is a Crowd with what imports into it.
type site struct {
	tb      testing.TB
	fake    *crowdtest.Server
	engine  groupsync.Config
	users   scim.Users
	filter  string // of users
	groups  mapping.Groups
	imports source.ImporterConfig
	client  *crowd.Client
	gone    []string // lines of those who were imported and have left

	mu     sync.Mutex // guards events
	events []groupsync.Event
}

func newSite(tb testing.TB, change ...func(*site)) *site {
	tb.Helper()
	s := &site{tb: tb, fake: new(crowdtest.Server)}
	s.fake.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = true })
	s.engine = groupsync.Config{Connection: "okta", Observer: func(_ context.Context, e groupsync.Event) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.events = append(s.events, e)
	}}
	for _, f := range change {
		f(s)
	}
	s.restart()
	return s
}

// links lets existing users be linked.
func links(s *site) { s.users.Existing = groupsync.Link }

// restart replaces engine and handler by new ones, as another process would have.
func (s *site) restart() {
	s.tb.Helper()
	filter := must[*mapping.UserFilter](s.tb)(mapping.CompileUserFilter(s.filter, nil))
	attributes := must[*mapping.AttributeMap](s.tb)(mapping.CompileAttributes(s.users.Attributes, mapping.AttributeOptions{Filter: filter}))
	cfg := s.engine
	cfg.Attributes = attributes
	cfg.Groups = must[*mapping.GroupMap](s.tb)(mapping.CompileGroups(s.groups))
	s.client = must[*crowd.Client](s.tb)(crowd.New(crowd.Config{
		BaseURL: "http://crowd.test/crowd", Application: crowdtest.DefaultApplication, Password: crowdtest.DefaultPassword,
		HTTPClient: &http.Client{Transport: s.fake},
	}))
	cfg.Crowd = s.client
	s.imports.Engine = must[*groupsync.Engine](s.tb)(groupsync.New(cfg))
	s.imports.Handler = must[*scim.Handler](s.tb)(scim.New(scim.Config{
		Engine: s.imports.Engine, Attributes: attributes, Users: s.users, Auth: anybody{}, BaseURL: "https://bridge.example.com/scim/v2",
	}))
}

func (s *site) importer() *source.Importer {
	s.tb.Helper()
	return must[*source.Importer](s.tb)(source.NewImporter(s.imports))
}

// plan plans an import of a file: what lines hold, and its last line.
func (s *site) plan(lines ...string) *groupsync.Import {
	s.tb.Helper()
	return must[*groupsync.Import](s.tb)(s.importer().Plan(context.Background(), file(lines...)))
}

// run plans and applies.
func (s *site) run(lines ...string) *groupsync.Import {
	s.tb.Helper()
	plan := s.plan(lines...)
	must[groupsync.Result](s.tb)(s.importer().Apply(context.Background(), plan, ""))
	return plan
}

// file is a file of these lines, users before groups, with its last line.
func file(lines ...string) source.Source {
	users := 0
	for _, line := range lines {
		if strings.Contains(line, `"userName"`) {
			users++
		}
	}
	lines = append(slices.Clone(lines), fmt.Sprintf(`{"end": {"users": %d, "groups": %d}}`, users, len(lines)-users))
	return source.NewJSONLines(strings.NewReader(strings.Join(lines, "\n")))
}

// user is a line of a file, with more attributes if wanted.
func user(id, name string, more ...string) string {
	return fmt.Sprintf(`{"id": %q, "userName": %q%s}`, id, name, strings.Join(append([]string{""}, more...), ", "))
}

func email(address string) string {
	return fmt.Sprintf(`"emails": [{"value": %q, "primary": true}]`, address)
}

func group(id, name string, members ...string) string {
	var all []string
	for _, m := range members {
		all = append(all, fmt.Sprintf(`{"value": %q}`, m))
	}
	return fmt.Sprintf(`{"id": %q, "displayName": %q, "members": [%s]}`, id, name, strings.Join(all, ", "))
}

// outcomes returns those of an import as text.
func outcomes(i *groupsync.Import) (all []string) {
	for _, o := range i.Outcomes {
		all = append(all, o.String())
	}
	return all
}

// state is all that matters of a Crowd and of what SCIM shows, as text.
func (s *site) state() string {
	s.tb.Helper()
	ctx := context.Background()
	var b strings.Builder
	for _, name := range s.fake.UserNames() {
		u, _ := s.fake.User(name)
		fmt.Fprintf(&b, "user %s active=%v email=%s display=%s sessions=%d", u.Name, u.Active, u.Email, u.DisplayName, s.fake.Sessions(name))
		v, err := s.imports.Engine.UserByName(ctx, name)
		switch {
		case errors.Is(err, groupsync.ErrNoUser):
			b.WriteString(" not shown\n")
		case err != nil:
			s.tb.Fatal(err)
		default:
			fmt.Fprintf(&b, " owner=%s data=%s grants=%v\n", v.Owner, v.Data, v.Grants)
		}
	}
	for _, name := range s.fake.GroupNames() {
		if !strings.HasPrefix(name, groupsync.RegistryPrefix) {
			fmt.Fprintf(&b, "group %s %v\n", name, s.fake.Members(name))
		}
	}
	for _, g := range must[[]groupsync.Group](s.tb)(s.imports.Engine.Groups(ctx)) {
		fmt.Fprintf(&b, "scim group %s %q", g.Name, g.ExternalID)
		for m, err := range s.imports.Engine.Members(ctx, &g) {
			if err != nil {
				s.tb.Fatal(err)
			}
			fmt.Fprintf(&b, " %s", m.Name)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// applied returns the steps that were reported as applied since the last call, but
// for those that follow from others.
func (s *site) applied() (steps []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if e.Kind == groupsync.EventApplied {
			steps = append(steps, e.Step.String())
		}
	}
	s.events = nil
	return steps
}

// anybody lets all requests in.
type anybody struct{}

func (anybody) Authenticate(*http.Request) (scim.Principal, error) { return scim.Principal{}, nil }
