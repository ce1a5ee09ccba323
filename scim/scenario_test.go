package scim_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/scim"
)

var update = flag.Bool("update", false, "rewrite golden files")

// A scenario is a list of requests as an identity provider sends them, with the
// least that must come back.
type scenario struct {
	Name  string
	Tags  []string
	Steps []step
}

type step struct {
	Method, Path string
	Headers      map[string]*string
	Body         json.RawMessage
	Expect       struct {
		Status       []int
		BodyContains any      `json:"body_contains"`
		BodyAbsent   []string `json:"body_absent"`
	}
	Save map[string]string
}

func readScenario(t *testing.T, file string) scenario {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var s scenario
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(s.Steps) == 0 {
		t.Fatalf("%s: no steps", file)
	}
	return s
}

// A way is one of playing a scenario.
type way struct {
	name   string
	before func(b *bridge, step int) // called in front of each step, if not nil
	twice  bool                      // each request is sent twice
	change []func(*bridge)
}

// play sends the steps of a scenario and checks each answer.
func (b *bridge) play(s scenario, w way) {
	b.t.Helper()
	saved := map[string]string{}
	for i, st := range s.Steps {
		if w.before != nil {
			w.before(b, i)
		}
		fill := func(text string) string {
			for name, value := range saved {
				text = strings.ReplaceAll(text, "{{"+name+"}}", value)
			}
			return text
		}
		exact := slices.Contains(s.Tags, "members-exact")
		a := b.step(st, fill)
		checkStep(b.t, i, st, a, fill, exact, nil)
		if w.twice {
			checkStep(b.t, i, st, b.step(st, fill), fill, exact, done(st))
		}
		if a.status == http.StatusNoContent {
			continue
		}
		for name, pointer := range st.Save {
			value, ok := resolve(a.body, pointer)
			if !ok {
				b.t.Fatalf("step %d: answer has no %s\n%s", i, pointer, a.text)
			}
			saved[name] = fmt.Sprint(value)
		}
	}
}

// done lists the statuses which say that a request, sent once more, finds done
// what it asks for.
func done(st step) []int {
	switch {
	case st.Headers["If-Match"] != nil:
		return []int{http.StatusPreconditionFailed}
	case st.Method == http.MethodDelete:
		return []int{http.StatusNotFound}
	case st.Method == http.MethodPost && !strings.HasSuffix(st.Path, ".search"):
		return []int{http.StatusConflict}
	}
	return nil
}

// checkStep checks an answer: its status and body are those that the step expects,
// or the status is one of also.
func checkStep(t testing.TB, i int, st step, a answer, fill func(string) string, exact bool, also []int) {
	t.Helper()
	switch {
	case slices.Contains(st.Expect.Status, a.status):
		if a.status != http.StatusNoContent {
			checkBody(t, i, st, a, fill, exact)
		}
	case !slices.Contains(also, a.status):
		t.Fatalf("step %d: %s %s = %d, want one of %v\n%s", i, st.Method, fill(st.Path), a.status, slices.Concat(st.Expect.Status, also), a.text)
	}
}

func (b *bridge) step(st step, fill func(string) string) answer {
	b.t.Helper()
	body := ""
	if string(st.Body) != "null" {
		body = fill(string(st.Body))
		// A body given as a string is sent as it stands there, for what is no JSON.
		var text string
		if json.Unmarshal(st.Body, &text) == nil {
			body = fill(text)
		}
	}
	var headers []string
	for name, value := range st.Headers {
		if value == nil {
			headers = append(headers, name+": ")
			continue
		}
		headers = append(headers, name+": "+fill(*value))
	}
	return b.do(st.Method, fill(st.Path), body, headers...)
}

func checkBody(t testing.TB, i int, st step, a answer, fill func(string) string, exact bool) {
	t.Helper()
	if st.Expect.BodyContains != nil {
		text, err := json.Marshal(st.Expect.BodyContains)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal([]byte(fill(string(text))), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(a.text), &got); err != nil {
			t.Fatalf("step %d: %v\n%s", i, err, a.text)
		}
		if problem := contains(want, got, "", exact); problem != "" {
			t.Fatalf("step %d: %s %s: %s\nanswer: %s", i, st.Method, fill(st.Path), problem, a.text)
		}
	}
	for _, pointer := range st.Expect.BodyAbsent {
		if v, ok := resolve(a.body, fill(pointer)); ok {
			t.Fatalf("step %d: %s %s: the answer has %s: %v", i, st.Method, fill(st.Path), pointer, v)
		}
	}
}

// contains says what of want is missing in got, "" if nothing is.
func contains(want, got any, at string, exact bool) string {
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an object", at, got)
		}
		for name, w := range want {
			g, ok := object[name]
			if !ok {
				return fmt.Sprintf("%s/%s is missing", at, name)
			}
			if problem := contains(w, g, at+"/"+name, exact); problem != "" {
				return problem
			}
		}
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Sprintf("%s is %v, want an array", at, got)
		}
		if exact && strings.HasSuffix(at, "/members") && len(list) != len(want) {
			return fmt.Sprintf("%s has %d elements, want %d", at, len(list), len(want))
		}
		for _, w := range want {
			if !slices.ContainsFunc(list, func(g any) bool { return contains(w, g, at, exact) == "" }) {
				return fmt.Sprintf("%s has no element like %v", at, w)
			}
		}
	default:
		if !reflect.DeepEqual(want, got) {
			return fmt.Sprintf("%s is %#v, want %#v", at, got, want)
		}
	}
	return ""
}

// resolve follows a JSON pointer (RFC 6901).
func resolve(v any, pointer string) (any, bool) {
	for _, token := range strings.Split(pointer, "/")[1:] {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		switch node := v.(type) {
		case map[string]any:
			child, ok := node[token]
			if !ok {
				return nil, false
			}
			v = child
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(node) {
				return nil, false
			}
			v = node[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// state describes what Crowd holds, the bridge's own registries aside.
func state(srv *crowdtest.Server) map[string]any {
	users := map[string]any{}
	for _, name := range srv.UserNames() {
		u, _ := srv.User(name)
		users[u.Name] = map[string]any{
			"email": u.Email, "firstName": u.FirstName, "lastName": u.LastName,
			"displayName": u.DisplayName, "active": u.Active,
		}
	}
	groups := map[string]any{}
	for _, name := range srv.GroupNames() {
		if strings.HasPrefix(name, "scim-registry-") {
			continue
		}
		g, _ := srv.Group(name)
		members := []any{}
		for _, m := range srv.Members(name) {
			members = append(members, m)
		}
		groups[name] = map[string]any{"active": g.Active, "members": members}
	}
	return map[string]any{"users": users, "groups": groups}
}

// checkState compares Crowd's state with a golden file.
func checkState(t *testing.T, srv *crowdtest.Server, file string) {
	t.Helper()
	got := state(srv)
	if *update {
		writeState(t, got, file)
		return
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]any
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Crowd's state mismatch (-want +got):\n%s", diff)
	}
}

// writeState writes the golden files: of the first way of playing a scenario,
// and of the one without changes of e-mail where it ends otherwise.
func writeState(t *testing.T, got map[string]any, file string) {
	t.Helper()
	text, err := json.MarshalIndent(got, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	switch {
	case strings.HasSuffix(t.Name(), "/once"):
	case strings.HasSuffix(t.Name(), "/no_e-mail_change"):
		same, err := os.ReadFile(strings.TrimSuffix(file, ".no-email-change.json") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(same, text) {
			return
		}
	default:
		return
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func noEmailChange(b *bridge) {
	b.crowd.SetOptions(func(o *crowdtest.Options) { o.AllowEmailChange = false })
}

func provider(p scim.Provider) func(*bridge) {
	return func(b *bridge) { b.cfg.Provider = p }
}

// TestScenarios replays what identity providers send, under their own provider
// and under generic: as it is; with the bridge replaced between any two requests;
// with each request sent twice; and with a Crowd that refuses changes of e-mail. Crowd must end in the same state each
// time, but for the addresses that it does not take.
func TestScenarios(t *testing.T) {
	folders, err := filepath.Glob("testdata/idp/*")
	if err != nil || len(folders) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	var played atomic.Int64
	scenarios := 0
	t.Run("all", func(t *testing.T) {
		for _, folder := range folders {
			idp := filepath.Base(folder)
			files, err := filepath.Glob(folder + "/*.json")
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: no scenarios: %v", folder, err)
			}
			scenarios += len(files)
			for _, file := range files {
				s := readScenario(t, file)
				name := strings.TrimSuffix(filepath.Base(file), ".json")
				golden := filepath.Join("testdata/state", idp, name+".json")
				t.Run(idp+"/"+name, func(t *testing.T) {
					t.Parallel()
					for _, p := range providersFor(idp) {
						played.Add(playAllWays(t, s, p, golden))
					}
				})
			}
		}
	})
	t.Logf("%d scenarios of %d folders, played %d times", scenarios, len(folders), played.Load())
}

// providersFor returns the providers that the requests of a folder are sent
// under. What is in the folder rfc comes from no product.
func providersFor(folder string) []scim.Provider {
	if folder == "rfc" {
		return []scim.Provider{scim.Generic}
	}
	return []scim.Provider{scim.Provider(folder), scim.Generic}
}

// playAllWays plays a scenario and returns how often.
func playAllWays(t *testing.T, s scenario, p scim.Provider, golden string) int64 {
	refused := refusedGolden(golden)
	ways := waysOf(s, p == scim.Okta)
	for _, w := range ways {
		t.Run(string(p)+"/"+w.name, func(t *testing.T) {
			b := newBridge(t, append(w.change, provider(p))...)
			b.play(s, w)
			if len(w.change) > 0 {
				checkState(t, b.crowd, refused)
				return
			}
			checkState(t, b.crowd, golden)
		})
	}
	return int64(len(ways))
}

// waysOf lists the ways to play a scenario. With each, the bridge is also replaced
// in one place alone, for each place.
func waysOf(s scenario, each bool) []way {
	between := func(b *bridge, step int) {
		if step > 0 {
			b.restart()
		}
	}
	ways := []way{
		{name: "once"},
		{name: "restart before each", before: between},
		{name: "each twice", twice: true},
		{name: "no e-mail change", change: []func(*bridge){noEmailChange}},
	}
	for i := 1; each && i < len(s.Steps) && len(s.Steps) > 2; i++ {
		ways = append(ways, way{name: fmt.Sprintf("restart before step %d", i), before: func(b *bridge, step int) {
			if step == i {
				b.restart()
			}
		}})
	}
	return ways
}

// refusedGolden names the state that Crowd ends in where it refuses changes of
// e-mail, if that is another one.
func refusedGolden(golden string) string {
	other := strings.TrimSuffix(golden, ".json") + ".no-email-change.json"
	if _, err := os.Stat(other); err != nil && !*update {
		return golden
	}
	return other
}

// TestDeactivationWithEmail sends what must never keep a leaver in: a PUT that
// deactivates and changes the e-mail at once.
func TestDeactivationWithEmail(t *testing.T) {
	for name, change := range map[string]func(*bridge){"allowed": func(*bridge) {}, "refused": noEmailChange} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBridge(t, change, provider(scim.Okta))
			id := b.user("mara")
			a := b.want(200, "PUT", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"mara",
				"emails":[{"value":"new@example.com","type":"work","primary":true}],"active":false}`)
			if a.object()["active"] != false {
				t.Errorf("answer says active %v", a.object()["active"])
			}
			if b.crowdUser("mara").Active {
				t.Error("the user is still active in Crowd")
			}
			if emails := fmt.Sprint(b.want(200, "GET", "/Users/"+id, "").object()["emails"]); !strings.Contains(emails, "new@example.com") {
				t.Errorf("what the identity provider sent is lost: %s", emails)
			}
		})
	}
}
