package scim_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
)

// A rule is a requirement of a standard and the requests that show it is met.
type rule struct {
	Section, Level, Rule string
	Given                string // "people": users ann and bob, and the group devs of ann
	With                 string // settings: "me", "passwords", "extension", "required", "nested" or "limits"
	Only                 scim.Provider
	Steps                []struct {
		Do       string // method and path
		Status   int
		Or       int // another status that the standards allow
		Headers  map[string]string
		Body     json.RawMessage
		Contains any
		Absent   []string
		Exact    [][]string        // JSON pointers and their values
		Header   map[string]string // patterns
		Save     map[string]string
	}
}

// TestStandards sends the requests of testdata/rfc: what RFC 7643, RFC 7644 and
// RFC 9865 require of a server, by section. What is understood besides must not
// come in the way of it.
func TestStandards(t *testing.T) {
	for file, rules := range readRules(t) {
		for i, r := range rules {
			for _, p := range []scim.Provider{scim.Strict, scim.Generic} {
				if r.Only != "" && p != r.Only {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s %d %s, %s", file, r.Section, i, r.Rule, p), func(t *testing.T) {
					t.Parallel()
					r.check(t, p)
				})
			}
		}
	}
}

// insideOf finds how errors of our own packages and of the decoder begin.
var insideOf = regexp.MustCompile(`\b(crowd|groupsync|mapping|scim|resource|json): `)

func readRules(t *testing.T) map[string][]rule {
	t.Helper()
	files, err := filepath.Glob("testdata/rfc/rfc*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("files %v, %v", files, err)
	}
	all := map[string][]rule{}
	for _, file := range files {
		var rules []rule
		readJSON(t, file, &rules)
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = rules
	}
	return all
}

func (r rule) check(t *testing.T, p scim.Provider) {
	b := newBridge(t, provider(p), r.settings(t))
	saved := map[string]string{}
	if r.Given == "people" {
		saved["ann"], saved["bob"] = b.user("ann"), b.user("bob")
		saved["devs"] = b.group("devs", saved["ann"])
	}
	for i, s := range r.Steps {
		fill := func(text string) string {
			for name, value := range saved {
				quoted, _ := json.Marshal(value)
				text = strings.ReplaceAll(text, `"{{`+name+`}}"`, string(quoted))
				text = strings.ReplaceAll(text, "{{"+name+"}}", value)
			}
			return text
		}
		method, path, _ := strings.Cut(fill(s.Do), " ")
		path = strings.TrimPrefix(path, b.url)
		var headers []string
		for name, value := range s.Headers {
			if strings.Contains(value, "{{") {
				value = saved[strings.Trim(value, "{}")]
			}
			headers = append(headers, name+": "+value)
		}
		body := fill(string(s.Body))
		var text string
		if json.Unmarshal(s.Body, &text) == nil {
			body = text
		}
		a := b.do(method, path, body, headers...)
		if a.status != s.Status && (s.Or == 0 || a.status != s.Or) {
			t.Fatalf("step %d: %s %s = %d, want %d\n%s", i, method, path, a.status, s.Status, a.text)
		}
		for name, pattern := range s.Header {
			if !regexp.MustCompile(fill(pattern)).MatchString(a.header.Get(name)) {
				t.Errorf("step %d: %s = %q, want %s", i, name, a.header.Get(name), pattern)
			}
		}
		var like step
		like.Method, like.Path = method, path
		like.Expect.BodyContains, like.Expect.BodyAbsent = s.Contains, s.Absent
		if method != http.MethodHead {
			checkBody(t, i, like, a, fill, false)
		}
		if detail := a.string("detail"); a.status >= 400 && insideOf.MatchString(detail) {
			t.Errorf("step %d: the detail has the wording of a package: %s", i, detail)
		}
		for _, exact := range s.Exact {
			if got, _ := resolve(a.body, exact[0]); fmt.Sprint(got) != fill(exact[1]) {
				t.Errorf("step %d: %s is %v, want %s\n%s", i, exact[0], got, fill(exact[1]), a.text)
			}
		}
		for name, pointer := range s.Save {
			value, ok := resolve(a.body, pointer)
			if !ok {
				t.Fatalf("step %d: the answer has no %s\n%s", i, pointer, a.text)
			}
			saved[name] = fmt.Sprint(value)
		}
	}
}

// settings returns what the rule wants set otherwise than by default.
func (r rule) settings(t *testing.T) func(*bridge) {
	return func(b *bridge) {
		switch r.With {
		case "":
		case "me":
			secret, token := scim.NewToken()
			token.User = "ann"
			auth, err := scim.Tokens(token)
			if err != nil {
				t.Fatal(err)
			}
			b.cfg.Auth, b.token = auth, secret.Reveal()
		case "passwords":
			b.cfg.Users.Password = scim.SetPassword
		case "extension":
			b.cfg.Extensions = []scim.Extension{costs(t)}
		case "required":
			e := costs(t)
			e.Required = true
			b.cfg.Extensions = []scim.Extension{e}
		case "nested":
			b.crowd.SetOptions(func(o *crowdtest.Options) { o.NestedGroups = true })
		case "limits":
			b.cfg.Limits = scim.Limits{Body: 2000, Operations: 2, Sort: 1}
		default:
			t.Fatalf("no settings are called %q", r.With)
		}
	}
}

// TestSections holds the index of sections against the rules: every section
// has a rule, or a word on why it has none.
func TestSections(t *testing.T) {
	var index map[string]map[string]string
	readJSON(t, "testdata/rfc/sections.json", &index)
	names := tests(t)
	for standard, rules := range readRules(t) {
		covered := map[string]bool{}
		for _, r := range rules {
			covered[r.Section] = true
			if _, ok := index[standard][r.Section]; !ok {
				t.Errorf("%s section %s is not in the index", standard, r.Section)
			}
		}
		for section, why := range index[standard] {
			if covered[section] == (why != "") {
				t.Errorf("%s section %s: has a rule: %v; why it has none: %q", standard, section, covered[section], why)
			}
			namesTests(t, names, why)
		}
	}
}

// TestDepartures holds the list of what the standards ask of a server and this
// one does not do against the index: each is of a section there is, and has its
// reason.
func TestDepartures(t *testing.T) {
	var index map[string]map[string]string
	readJSON(t, "testdata/rfc/sections.json", &index)
	var departures []struct{ Standard, Section, Level, Rule, Why string }
	readJSON(t, "testdata/rfc/departures.json", &departures)
	names := tests(t)
	for _, d := range departures {
		if _, ok := index[d.Standard][d.Section]; !ok {
			t.Errorf("%s section %s is not in the index", d.Standard, d.Section)
		}
		if d.Level == "" || d.Rule == "" || d.Why == "" {
			t.Errorf("%s section %s: %+v, want level, rule and reason", d.Standard, d.Section, d)
		}
		namesTests(t, names, d.Why)
	}
}

// namesTests checks that there are the tests that a reason names.
func namesTests(t *testing.T, names []string, why string) {
	t.Helper()
	for _, name := range regexp.MustCompile(`Test[A-Z]\w+`).FindAllString(why, -1) {
		if !slices.Contains(names, name) {
			t.Errorf("%q: there is no test %s", why, name)
		}
	}
}

func readJSON(t *testing.T, file string, into any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// tests lists the tests of this package.
func tests(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
			names = append(names, string(m[1]))
		}
	}
	return names
}
