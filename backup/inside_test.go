package backup

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTablesFitTypes finds rules of settings that are no more, and texts with a
// type of their own whose words nobody listed.
func TestTablesFitTypes(t *testing.T) {
	left, seen := rules(), map[*shape]bool{}
	var walk func(s *shape)
	walk = func(s *shape) {
		if seen[s] {
			return
		}
		seen[s] = true
		for _, f := range s.fields {
			key := s.name + "." + f.name
			if owner := embedded(s.name, f.name, left); owner != "" {
				key = owner + "." + f.name
			}
			delete(left, key)
			delete(left, key+"[]")
			below := f.shape
			if below.kind == list {
				below = below.elem
			}
			if below.kind == text && below.name != "string" && len(below.words) == 0 {
				t.Errorf("nobody says what %s may be", below.name)
			}
			if below.kind == text && f.rule.fallback != "" && len(below.words) > 0 && f.rule.fallback != quote(below.words[0]) {
				t.Errorf("the default of %s is %s in one table and %q in the other", key, f.rule.fallback, below.words[0])
			}
			if f.rule.required && f.rule.example == "" {
				t.Errorf("%s is required and has no example", key)
			}
			walk(below)
		}
	}
	walk(configShape())
	for key := range left {
		t.Errorf("there is a rule for %s, which is no setting", key)
	}
}

// embedded returns the type that a member comes from where it is embedded.
func embedded(outer, name string, left map[string]rule) string {
	for _, inner := range map[string][]string{"backup.Users": {"scim.Users"}, "backup.Groups": {"mapping.Groups"}}[outer] {
		if _, found := left[inner+"."+name]; found {
			return inner
		}
	}
	return ""
}

func TestNearest(t *testing.T) {
	tests := []struct{ written, want string }{
		{"usres", "users"},
		{"Users", "users"},
		{"token", "tokens"},
		{"tokesn", "tokens"},
		{"group", "groups"},
		{"port", ""},
		{"x", ""},
		{"", ""},
		{"crowds", "crowd"},
	}
	names := configShape().field("connections").shape.elem.names()
	for _, test := range tests {
		if got := nearest(test.written, names); got != test.want {
			t.Errorf("nearest(%q) = %q, want %q", test.written, got, test.want)
		}
	}
}

func TestShapesAreOfAllSettings(t *testing.T) {
	crowd := configShape().field("connections").shape.elem.field("crowd").shape
	if want := []string{"url", "application", "password", "directory", "maxInFlight", "splitWrites", "replicas", "abandoned"}; !slices.Equal(crowd.names(), want) {
		t.Errorf("names = %v, want %v", crowd.names(), want)
	}
	if n := reflect.TypeFor[Crowd]().NumField(); n != len(crowd.fields) {
		t.Errorf("%d fields in the type, %d in the shape", n, len(crowd.fields))
	}
}

// FormFaults returns the pointers of the faults that a schema can tell of: those of
// single values.
func FormFaults(document string) []string {
	var f faults
	root := parse([]byte(document), &f)
	if root == nil {
		return []string{""}
	}
	d := decoder{faults: &f, forms: map[string]*regexp.Regexp{}}
	d.value(root, configShape(), wholeRule(), reflect.ValueOf(new(Config)).Elem(), "")
	pointers := make([]string, len(f.list))
	for i, fault := range f.list {
		pointers[i] = fault.Pointer
	}
	return pointers
}

// A document of an older format goes through every format since; one of a format in
// between through those that follow.
func TestUpgrades(t *testing.T) {
	older := []upgrade{
		{"scimcrowd/older", "scimcrowd/old", func(root *node) { // connections were sites
			for i := range root.members {
				if root.members[i].name == "sites" {
					root.members[i].name = "connections"
				}
			}
		}},
		{"scimcrowd/old", Format, func(root *node) { // names were written large
			for _, c := range root.below("connections").items {
				name := c.below("name")
				name.text = strings.ToLower(name.text)
			}
		}},
	}
	const rest = `"path": "/", "tokens": [{"id": "a", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}],
		"crowd": {"url": "https://crowd.example.com/crowd", "application": "scim", "password": {"env": "CROWD_PASSWORD"}}}]}`
	for _, document := range []string{
		`{"format": "scimcrowd/older", "sites": [{"name": "OKTA", ` + rest,
		`{"format": "scimcrowd/old", "connections": [{"name": "OKTA", ` + rest,
		`{"format": "scimcrowd/v1", "connections": [{"name": "okta", ` + rest,
	} {
		c, err := readFrom([]byte(document), older)
		if err != nil || c.Format != Format || c.Connections[0].Name != "okta" {
			t.Errorf("%.60s: %+v, %v", document, c, err)
		}
	}
	for document, want := range map[string]string{
		`{"format": "scimcrowd/v1", "connections": [{"name": "OKTA", ` + rest: "/connections/0/name: it is not 1 to 32 lower-case letters",
		`{"format": "scimcrowd/oldest", "sites": [{"name": "OKTA", ` + rest:   `/format: "scimcrowd/oldest" is no version that is known here.`,
		`[{"format": "scimcrowd/old"}]`:                                       ": it is a list, not an object.",
		`{"format": ["scimcrowd/old"], "connections": []}`:                    "/format: it is a list, not a text.",
	} {
		if _, err := readFrom([]byte(document), older); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.60s: %v, want %s", document, err, want)
		}
	}
}

// A secret of the document is in a Password, and each Password is found by what exports.
func TestSecretsAreCredentials(t *testing.T) {
	seen := map[*shape]bool{}
	var walk func(s *shape, path string)
	walk = func(s *shape, path string) {
		if s.name == "backup.Password" {
			return
		}
		if s.kind == secret {
			t.Errorf("%s is a secret outside a password", path)
		}
		if s.kind == list {
			walk(s.elem, path)
		}
		if seen[s] || s.kind != object {
			return
		}
		seen[s] = true
		for _, f := range s.fields {
			walk(f.shape, path+"/"+f.name)
		}
	}
	walk(configShape(), "")
	c := &Config{Connections: []Connection{{Name: "a-b", Jira: Jira{URL: "https://jira.example.com"}}, {Name: "c"}}}
	var got []string
	for _, p := range c.credentials() {
		p.Value = "x"
		got = append(got, p.pointer+" "+p.variable())
	}
	if want := []string{"/connections/0/crowd/password CROWD_PASSWORD_A_B", "/connections/0/jira/token JIRA_TOKEN_A_B", "/connections/1/crowd/password CROWD_PASSWORD_C"}; !slices.Equal(got, want) {
		t.Errorf("credentials = %v, want %v", got, want)
	}
	if c.Connections[1].Crowd.Password.Value != "x" {
		t.Error("a credential is a copy")
	}
}
