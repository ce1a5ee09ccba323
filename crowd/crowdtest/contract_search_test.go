package crowdtest_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

// searchSite has users and groups for searches.
func searchSite(t *testing.T) *site {
	s := newSite(t)
	s.srv.Reset()
	s.srv.AddUser(
		crowd.User{
			Name: "mara", FirstName: "Mara", LastName: "Lind", DisplayName: "Mara Lind", Email: "mara@example.com",
			Created: time.Date(2023, 11, 14, 22, 13, 20, 0, time.UTC), Attributes: crowd.Attributes{"team": {"red", "blue"}},
		},
		crowd.User{
			Name: "Nils", FirstName: "Nils", LastName: "Berg", DisplayName: "Nils Berg", Email: "nils@example.com", Active: true,
			Created: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC), Attributes: crowd.Attributes{"team": {"Blue"}, "Team": {"x"}},
		},
		crowd.User{
			Name: "olga", FirstName: "Olga", LastName: `O"d*d\`, DisplayName: "Ölga ☂", Email: "olga@example.org", Active: true,
			Created: time.Date(2024, 2, 2, 0, 0, 0, 0, time.UTC),
		},
	)
	s.srv.AddGroup(
		crowd.Group{Name: "plat-dev", Active: true, Attributes: crowd.Attributes{"team": {"red"}}},
		crowd.Group{Name: "Plat-ops"}, crowd.Group{Name: "template", Active: true},
	)
	return s
}

func TestContract45CQL(t *testing.T) {
	s := searchSite(t)
	for _, c := range []struct{ entity, cql, want string }{
		{"user", "", "mara Nils olga"},
		{"USER", "  ", "mara Nils olga"},
		{"Group", "", "plat-dev Plat-ops template"},
		{"user", `name = mara`, "mara"},
		{"user", `name = "NILS"`, "Nils"},
		{"user", `firstName = 'Mara' and email = "mara@example.com"`, "mara"},
		{"user", `email=mara@example.com`, "mara"},
		{"user", `displayName = "*lind*"`, "mara"},
		{"user", `name = "m*"`, "mara"},
		{"user", `name = m*`, "mara"},
		{"user", `email = "*@example.com"`, "mara Nils"},
		{"user", `lastName = "O\"d\*d\\"`, "olga"},
		{"user", `lastName = "o\"d*"`, "olga"},
		{"user", `name = "*"`, "mara Nils olga"},
		{"user", `active = true`, "Nils olga"},
		{"user", `active = FALSE`, "mara"},
		{"user", `(lastName = Lind or lastName = Berg) and active = true`, "Nils"},
		{"user", `lastName = Lind OR lastName = Berg AND active = true`, "mara Nils"},
		{"user", `name=mara or(name=nils)`, "mara Nils"},
		{"user", `createdDate > 2023-12`, "Nils olga"},
		{"user", `createdDate < 2024-02-02`, "mara Nils"},
		{"user", `createdDate = 2024-02`, "Nils olga"},
		{"user", `createdDate = 2024-02-01`, "Nils"},
		{"user", `createdDate = 2023`, "mara"},
		{"user", `createdDate > "2024-02-01T12:00:00.000+0000"`, "olga"},
		{"user", `updatedDate > 2024-02-01T12:00`, "olga"},
		{"group", `name = "plat*" and active = false`, "Plat-ops"},
		{"group", `name = "*plat*"`, "plat-dev Plat-ops template"},
		{"group", `name = "*plat*" and (active = true)`, "plat-dev template"},
		{"user", `displayName = "ölga ☂"`, "olga"},
	} {
		if got := s.list(with("search", "entity-type", c.entity, "restriction", c.cql)); got != c.want {
			t.Errorf("%s: %s: got %q, want %q", c.entity, c.cql, got, c.want)
		}
	}
}

func TestContract45BadSearch(t *testing.T) {
	s := searchSite(t)
	s.refused(400, "ILLEGAL_ARGUMENT", "GET", "search", "")
	s.refused(400, "ILLEGAL_ARGUMENT", "GET", "search?entity-type=role", "")
	for _, cql := range []string{
		"name", "name =", "= x", "name = x and", "name = x or or name = y", "(name = x", "name = x)", `name = "x`, "name ! x",
		"active = maybe", "active > true", "name > x", "createdDate = soon", `createdDate = "2024*"`, "name = x name = y",
		strings.Repeat("(", 1000) + "name = x",
	} {
		s.refused(400, "ILLEGAL_ARGUMENT", "GET", with("search", "entity-type", "user", "restriction", cql), "")
	}
}

func TestContract45SearchOptions(t *testing.T) {
	s := searchSite(t)
	search := func(cql string) string {
		t.Helper()
		return s.list(with("search", "entity-type", "user", "restriction", cql))
	}
	s.set(func(o *crowdtest.Options) { o.SearchByCase = true })
	if got := search("team = blue"); got != "mara" {
		t.Errorf("by case: %q", got)
	}
	s.set(func(o *crowdtest.Options) { o.NoAttributeSearch = true })
	if got := search("team = blue or name = olga"); got != "olga" {
		t.Errorf("without attributes: %q", got)
	}
	s.set(func(o *crowdtest.Options) { o.HideInactive = true })
	if got := search(""); got != "Nils olga" {
		t.Errorf("without inactive users: %q", got)
	}
	s.set(func(o *crowdtest.Options) { o.Version = "2.1" })
	s.refused(400, "ILLEGAL_ARGUMENT", "GET", with("search", "entity-type", "user", "restriction", "name=olga"), "")
	s.header.Set("Content-Type", "application/xml")
	if got := s.want(200, "POST", "search?entity-type=user", fixture(t, "search-property-request.xml")).names(); got != "" {
		t.Errorf("restriction body of 2.1: %q", got)
	}
}

func TestContract46CustomAttribute(t *testing.T) {
	s := searchSite(t)
	for cql, want := range map[string]string{
		"team = red": "mara", "team = BLUE": "mara Nils", "Team = x": "Nils", "TEAM = x": "", "team = b*": "mara Nils",
		"team = green": "", "team = red and team = blue": "mara", "team=blue and active=true": "Nils",
	} {
		for range 2 { // before and after the index is made
			if got := s.list(with("search", "entity-type", "user", "restriction", cql)); got != want {
				t.Errorf("%s: %q, want %q", cql, got, want)
			}
		}
	}
	s.want(204, "POST", "user/attribute?username=olga", `{"attributes":[{"name":"team","values":["green","blue"]}]}`)
	s.want(204, "POST", "user/attribute?username=mara", `{"attributes":[{"name":"team","values":["green"]}]}`)
	for cql, want := range map[string]string{"team = blue": "Nils olga", "team = green": "mara olga", "team = red": ""} {
		if got := s.list(with("search", "entity-type", "user", "restriction", cql)); got != want {
			t.Errorf("after writes, %s: %q, want %q", cql, got, want)
		}
	}
	if got := s.list("search?entity-type=group&restriction=team=red"); got != "plat-dev" {
		t.Errorf("groups: %q", got)
	}
}

func TestContract46FilledAttributes(t *testing.T) {
	s := searchSite(t)
	for _, omits := range []bool{false, true} {
		s.set(func(o *crowdtest.Options) { o.SearchOmitsAttributes = omits })
		for entity, list := range map[string]string{"user": "users", "group": "groups"} {
			a := s.want(200, "GET", with("search", "entity-type", entity, "restriction", "team=red", "expand", entity), "")
			first := a.at(list).([]any)[0].(map[string]any)
			got := attributes(t, first["attributes"].(map[string]any)["attributes"])["team"] != nil
			if got == omits {
				t.Errorf("%s, omitting %v: attributes filled %v", entity, omits, got)
			}
		}
	}
}

func TestContract47Bodies(t *testing.T) {
	s := searchSite(t)
	post := func(entity, body string) answer {
		t.Helper()
		return s.want(200, "POST", "search?entity-type="+entity, body)
	}
	if got := post("group", fixture(t, "search-combined-request.json")).names(); got != "plat-dev template" {
		t.Errorf("joined restriction finds %q", got)
	}
	for _, c := range []struct{ property, mode, value, want string }{
		{"lastName", "EXACTLY_MATCHES", `O"d*d\`, "olga"},
		{"lastName", "CONTAINS", `"d*`, "olga"},
		{"displayName", "STARTS_WITH", "ölga", "olga"},
		{"displayName", "ENDS_WITH", "☂", "olga"},
		{"displayName", "EXACTLY_MATCHES", "*", ""},
		{"name", "EXACTLY_MATCHES", "*", ""},
		{"team", "NULL", "", "olga"},
		{"createdDate", "GREATER_THAN", "2024-02-01T12:00:00", "olga"},
		{"createdDate", "LESS_THAN", "1706800000000", "mara Nils"},
	} {
		text, _ := json.Marshal(c.value)
		body := `{"restriction-type":"property-search-restriction","property":{"name":"` + c.property + `","type":"STRING"},"match-mode":"` +
			c.mode + `","value":` + string(text) + `}`
		if got := post("user", body).names(); got != c.want {
			t.Errorf("%s %s %s: %q, want %q", c.property, c.mode, c.value, got, c.want)
		}
	}
	property := `"property":{"name":"name","type":"STRING"},"match-mode":"EXACTLY_MATCHES","value":"mara"}`
	or := `{"restriction-type":"boolean-search-restriction","boolean-logic":"or","restrictions":[{"restriction-type":"property-search-restriction",` +
		property + `,{"restriction-type":"property-search-restriction",` + strings.ReplaceAll(property, "mara", "olga") + `]}`
	if got := post("user", or).names(); got != "mara olga" {
		t.Errorf("or finds %q", got)
	}
	flag := `{"restriction-type":"property-search-restriction","property":{"name":"active","type":"BOOLEAN"},"value":true}`
	if got := post("user", flag).names(); got != "Nils olga" {
		t.Errorf("a boolean that is no text finds %q", got)
	}
	if got := s.want(200, "POST", "search?entity-type=user&restriction=name=olga", "").names(); got != "olga" {
		t.Errorf("a POST without a body finds %q", got)
	}
	if got := post("user", `{"restriction-type":"null-search-restriction"}`).names(); got != "mara Nils olga" {
		t.Errorf("no restriction finds %q", got)
	}
	for _, body := range []string{
		"{" + property,
		strings.Replace(or, `"or"`, `"xor"`, 1),
		`{"restriction-type":"property-search-restriction","match-mode":"EXACTLY_MATCHES","value":"x"}`,
		`{"restriction-type":"property-search-restriction","property":{"name":"name","type":"INTEGER"},"value":"x"}`,
		`{"restriction-type":"property-search-restriction","property":{"name":"name","type":"STRING"},"match-mode":"SOUNDS_LIKE","value":"x"}`,
		`{"restriction-type":"property-search-restriction","property":{"name":"name","type":"STRING"},"value":["x"]}`,
		`{"restriction-type":"other"}`,
	} {
		s.refused(400, "ILLEGAL_ARGUMENT", "POST", "search?entity-type=user", body)
	}
}

func TestContract47XMLBody(t *testing.T) {
	s := searchSite(t)
	s.header.Set("Content-Type", "application/xml")
	if got := s.want(200, "POST", "search?entity-type=user", fixture(t, "search-property-request.xml")).names(); got != "mara" {
		t.Errorf("XML restriction with a JSON answer finds %q", got)
	}
	s.refused(400, "ILLEGAL_ARGUMENT", "POST", "search?entity-type=user", `<boolean-search-restriction/>`)
	s.refused(400, "ILLEGAL_ARGUMENT", "POST", "search?entity-type=user", `<property-search-restriction/>`)
}

func TestContract45FixtureCQL(t *testing.T) {
	s := searchSite(t)
	for line := range strings.Lines(fixture(t, "search-cql.txt")) {
		if cql := strings.TrimSpace(line); cql != "" {
			entity := "user"
			if strings.Contains(cql, "plat*") {
				entity = "group"
			}
			if got := s.list("search?entity-type=" + entity + "&restriction=" + url.QueryEscape(cql)); got == "" {
				t.Errorf("%s finds nothing", cql)
			}
		}
	}
}
