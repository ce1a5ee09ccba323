package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/scim"
)

// TestStrict checks what the strict provider refuses and all others take.
func TestStrict(t *testing.T) {
	tests := map[string]struct{ method, path, body string }{
		"active as text":        {"POST", "/Users", `{` + userSchemas + `,"userName":"zed","active":"True"}`},
		"no schemas":            {"POST", "/Users", `{"userName":"zed"}`},
		"one e-mail, no array":  {"POST", "/Users", `{` + userSchemas + `,"userName":"zed","emails":{"value":"z@example.com"}}`},
		"patch without schemas": {"PATCH", "/Users/{id}", `{"Operations":[{"op":"replace","path":"title","value":"x"}]}`},
		"patch of URN keys":     {"PATCH", "/Users/{id}", patch(`{"op":"replace","value":{"name.givenName":"x"}}`)},
		"bare filter value":     {"GET", "/Users?filter=userName+eq+ann", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBridge(t)
			path := strings.ReplaceAll(test.path, "{id}", b.user("ann"))
			for _, p := range scim.Providers() {
				b.cfg.Provider = p
				b.restart()
				a := b.do(test.method, path, strings.ReplaceAll(test.body, "zed", "zed-"+string(p)))
				if refused := a.status == 400; refused != (p == scim.Strict) {
					t.Errorf("%s: %d %s", p, a.status, a.text)
				}
			}
		})
	}
}

// TestProviders: a PATCH of a group is answered with the group where nothing
// was said of its members, under the providers that expect it, else with 204.
func TestProviders(t *testing.T) {
	b := newBridge(t)
	ann := b.user("ann")
	devs := b.group("devs", ann)
	for _, p := range scim.Providers() {
		b.cfg.Provider = p
		b.restart()
		want := 204
		if p == scim.Generic || p == scim.Okta {
			want = 200
		}
		a := b.want(want, "PATCH", "/Groups/"+devs, patch(`{"op":"replace","path":"displayName","value":"devs"}`))
		if want == 200 && (a.string("id") != devs || a.object()["members"] != nil) {
			t.Errorf("%s: answer %s, want the group without members", p, a.text)
		}
		b.want(204, "PATCH", "/Groups/"+devs, patch(`{"op":"add","path":"members","value":[{"value":"`+ann+`"}]}`))
		a = b.want(200, "PATCH", "/Groups/"+devs+"?attributes=members", patch(`{"op":"add","path":"members","value":[{"value":"`+ann+`"}]}`))
		if members, _ := a.object()["members"].([]any); len(members) != 1 {
			t.Errorf("%s: answer %s, want the members asked for", p, a.text)
		}
	}
	b.cfg.Provider = "nobody"
	cfg := b.cfg
	cfg.Engine = new(groupsync.Engine)
	if _, err := scim.New(cfg); err == nil || !strings.Contains(err.Error(), "okta") {
		t.Errorf("an unknown provider: %v, want an error that lists the known ones", err)
	}
}

// TestMemberDisplay: members show what the published schema of Group says of
// them, no more and no less.
func TestMemberDisplay(t *testing.T) {
	b := newBridge(t)
	path := "/Groups/" + b.group("devs", b.user("ann"))
	for _, p := range scim.Providers() {
		b.cfg.Provider = p
		b.restart()
		schema := b.want(200, "GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group", "").object()
		var declared []string
		for _, attribute := range schema["attributes"].([]any) {
			subs, _ := attribute.(map[string]any)["subAttributes"].([]any)
			for _, sub := range subs {
				declared = append(declared, sub.(map[string]any)["name"].(string))
			}
		}
		member := b.want(200, "GET", path, "").object()["members"].([]any)[0].(map[string]any)
		if diff := cmp.Diff(slices.Sorted(slices.Values(declared)), slices.Sorted(maps.Keys(member))); diff != "" {
			t.Errorf("%s: members mismatch (-schema +shown):\n%s", p, diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	b := newBridge(t)
	good := b.cfg
	good.Engine = new(groupsync.Engine)
	tests := map[string]func(*scim.Config){
		"no engine":       func(c *scim.Config) { c.Engine = nil },
		"no auth":         func(c *scim.Config) { c.Auth = nil },
		"no base URL":     func(c *scim.Config) { c.BaseURL = "" },
		"relative URL":    func(c *scim.Config) { c.BaseURL = "/scim/v2" },
		"other scheme":    func(c *scim.Config) { c.BaseURL = "ftp://example.com" },
		"query":           func(c *scim.Config) { c.BaseURL = "https://example.com/?a" },
		"delete":          func(c *scim.Config) { c.Users.Delete = "explode" },
		"existing":        func(c *scim.Config) { c.Users.Existing = "maybe" },
		"password":        func(c *scim.Config) { c.Users.Password = "maybe" },
		"email":           func(c *scim.Config) { c.Users.EmailRefused = "maybe" },
		"keep":            func(c *scim.Config) { c.Users.Keep.Paths = []string{"a b"} },
		"extension twice": func(c *scim.Config) { c.Extensions = []scim.Extension{costs(t), costs(t)} },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := good
			change(&cfg)
			if _, err := scim.New(cfg); err == nil {
				t.Error("no error")
			}
		})
	}
}

// costs is an extension as settings declare it.
func costs(t *testing.T) scim.Extension {
	t.Helper()
	var e scim.Extension
	err := json.Unmarshal([]byte(`{"required":false,"schema":{"id":"urn:example:params:scim:schemas:Costs_1","name":"Costs","attributes":[
		{"name":"center","type":"string","multiValued":false,"required":false,"caseExact":true,"mutability":"immutable","returned":"default","uniqueness":"none"},
		{"name":"rate","type":"integer","multiValued":false,"required":false,"mutability":"readWrite","returned":"request","uniqueness":"none"},
		{"name":"tags","type":"string","multiValued":true,"required":false,"caseExact":false,"mutability":"readWrite","returned":"default","uniqueness":"none"}]}}`), &e)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestExtension(t *testing.T) {
	const urn = "urn:example:params:scim:schemas:Costs_1"
	b := newBridge(t, func(b *bridge) { b.cfg.Extensions = []scim.Extension{costs(t)} })
	id := b.want(201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","`+urn+`"],"userName":"ann",
		"`+urn+`":{"center":"C1","rate":5,"tags":["a","b"]}}`).string("id")
	a := b.want(200, "GET", "/Users/"+id, "")
	want := map[string]any{"center": "C1", "tags": []any{"a", "b"}}
	if diff := cmp.Diff(any(want), a.object()[urn]); diff != "" {
		t.Errorf("extension mismatch (-want +got):\n%s", diff)
	}
	if got := fmt.Sprint(b.want(200, "GET", "/Users/"+id+"?attributes="+urn+":rate", "").object()[urn]); got != "map[rate:5]" {
		t.Errorf("on request: %s", got)
	}
	b.want(200, "GET", filtered("/Users", urn+`:tags eq "B" and userName sw "a"`), "")
	if n := b.want(200, "GET", filtered("/Users", urn+`:rate ge 5`), "").object()["totalResults"]; n != json.Number("1") {
		t.Errorf("%v users of that rate", n)
	}
	for what, a := range map[string]answer{
		"PUT":   b.do("PUT", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ann","`+urn+`":{"center":"C2"}}`),
		"PATCH": b.do("PATCH", "/Users/"+id, patch(`{"op":"replace","path":"`+urn+`:center","value":"C2"}`)),
	} {
		if a.status != 400 || a.string("scimType") != "mutability" {
			t.Errorf("%s of an immutable attribute: %d %s", what, a.status, a.text)
		}
	}
	b.want(400, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"`+urn+`:rate","value":"much"}`))
	b.want(200, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"`+urn+`:rate","value":6}`))
	if n := b.want(200, "GET", "/Schemas", "").object()["totalResults"]; n != json.Number("4") {
		t.Errorf("%v schemas, want 4", n)
	}
	b.want(200, "GET", "/Schemas/"+urn, "")
}

// TestDetails checks that a refusal begins with what it is about.
func TestDetails(t *testing.T) {
	b := newBridge(t)
	for want, body := range map[string]string{
		"userName: ":                             `{` + userSchemas + `,"userName":"` + strings.Repeat("n", 256) + `"}`,
		"userName is required":                   `{` + userSchemas + `}`,
		"emails[primary eq true].value: ":        `{` + userSchemas + `,"userName":"ann","emails":[{"primary":true,"value":"` + strings.Repeat("n", 256) + `"}]}`,
		"name is a string: send an object with ": `{` + userSchemas + `,"userName":"ann","name":"Ann"}`,
	} {
		if got := b.want(400, "POST", "/Users", body).string("detail"); !strings.HasPrefix(got, want) {
			t.Errorf("detail %q, want one that begins with %q", got, want)
		}
	}
}

// TestExtensionTypes: an attribute of any type that an embedder declares is
// checked, kept, found and sorted by as that type.
func TestExtensionTypes(t *testing.T) {
	const urn = "urn:example:Types"
	types := map[string]struct{ value, refused, finds, passes string }{
		"string":    {`"Käse\n🎉"`, `{"a":1}`, `eq "KÄSE\n🎉"`, `eq "other"`},
		"boolean":   {`true`, `"perhaps"`, `eq true`, `eq false`},
		"decimal":   {`1.25`, `"much"`, `gt 1.2`, `lt -1`},
		"integer":   {`-7`, `1.5`, `le -7`, `gt 0`},
		"dateTime":  {`"2026-05-13T04:42:34Z"`, `"noon"`, `eq "2026-05-13T06:42:34+02:00"`, `lt "2000-01-01T00:00:00Z"`},
		"binary":    {`"AAEC"`, `"*"`, `eq "AAEC"`, `eq "AAED"`},
		"reference": {`"https://example.com/a"`, `{}`, `ew "/a"`, `eq "https://example.com/A"`},
	}
	var attributes []string
	for kind := range types {
		attributes = append(attributes, `{"name":"`+kind+`X","type":"`+kind+`","multiValued":false,"required":false,"mutability":"readWrite","returned":"default","uniqueness":"none","referenceTypes":["uri"]}`)
	}
	attributes = append(attributes, `{"name":"parts","type":"complex","multiValued":true,"required":false,"mutability":"readWrite","returned":"default","subAttributes":[
		{"name":"value","type":"string","required":true,"mutability":"immutable","returned":"default"},{"name":"level","type":"integer","mutability":"readWrite","returned":"default"}]}`)
	var e scim.Extension
	if err := json.Unmarshal([]byte(`{"schema":{"id":"`+urn+`","name":"Types","attributes":[`+strings.Join(attributes, ",")+`]}}`), &e); err != nil {
		t.Fatal(err)
	}
	b := newBridge(t, func(b *bridge) { b.cfg.Extensions = []scim.Extension{e} })
	id := b.user("ann")
	b.user("bob")
	found := func(filter string) any {
		return b.want(200, "GET", filtered("/Users", filter), "").object()["totalResults"]
	}
	for kind, v := range types {
		path := urn + ":" + kind + "X"
		a := b.want(400, "PATCH", "/Users/"+id, patch(`{"op":"add","path":"`+path+`","value":`+v.refused+`}`))
		if a.string("scimType") != "invalidValue" || !strings.Contains(a.string("detail"), path) {
			t.Errorf("%s: %s", kind, a.text)
		}
		var want any
		d := json.NewDecoder(strings.NewReader(v.value))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		b.want(200, "PATCH", "/Users/"+id, patch(`{"op":"add","path":"`+path+`","value":`+v.value+`}`))
		extension, _ := b.want(200, "GET", "/Users/"+id, "").object()[urn].(map[string]any)
		if extension[kind+"X"] != want {
			t.Errorf("%s is %v, want %v", kind, extension[kind+"X"], want)
		}
		if n := found(path + " " + v.finds); n != json.Number("1") {
			t.Errorf("%s %s finds %v", kind, v.finds, n)
		}
		if n := found(path + " " + v.passes + " and userName pr"); n != json.Number("0") {
			t.Errorf("%s %s finds %v", kind, v.passes, n)
		}
		list := b.want(200, "GET", "/Users?sortOrder=descending&sortBy="+path, "").object()["Resources"].([]any)
		if last := list[len(list)-1].(map[string]any)["userName"]; last != "ann" {
			t.Errorf("sorted by %s, descending, %v is last", kind, last)
		}
	}
	b.want(200, "PATCH", "/Users/"+id, patch(`{"op":"add","path":"`+urn+`:parts","value":[{"value":"a","level":1},{"value":"b","level":2}]}`))
	if n := found(urn + `:parts[value eq "b" and level gt 1]`); n != json.Number("1") {
		t.Errorf("the value path finds %v", n)
	}
	if n := found(urn + `:parts[value eq "a" and level gt 1]`); n != json.Number("0") {
		t.Errorf("the value path finds %v across values", n)
	}
	b.want(400, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"`+urn+`:parts[value eq \"a\"].value","value":"c"}`))
	b.want(200, "PATCH", "/Users/"+id, patch(`{"op":"replace","path":"`+urn+`:parts[value eq \"a\"].level","value":9}`))
}

func TestMe(t *testing.T) {
	b := newBridge(t)
	secret, token := scim.NewToken()
	token.User = "ann"
	var err error
	if b.cfg.Auth, err = scim.Tokens(token); err != nil {
		t.Fatal(err)
	}
	b.token = secret.Reveal()
	b.restart()
	b.want(404, "GET", "/Me", "")
	id := b.user("ann")
	if got := b.want(200, "GET", "/Me", "").string("id"); got != id {
		t.Errorf("/Me is %s, want %s", got, id)
	}
	b.want(200, "PATCH", "/Me", patch(`{"op":"replace","path":"title","value":"Dr"}`))
	if got := b.want(200, "GET", "/Users/"+id, "").string("title"); got != "Dr" {
		t.Errorf("title = %q", got)
	}
	b.want(501, "POST", "/Me", `{`+userSchemas+`}`)
}

// TestLog checks the access log: one line per request, with its id, and
// nothing that must not be read there.
func TestLog(t *testing.T) {
	var mu sync.Mutex
	var text bytes.Buffer
	var ids []string
	b := newBridge(t, func(b *bridge) {
		b.cfg.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &text}, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.cfg.Users.Password = scim.SetPassword
		b.engine.Observer = func(_ context.Context, e groupsync.Event) {
			mu.Lock()
			defer mu.Unlock()
			ids = append(ids, e.Request)
		}
	})
	a := b.want(201, "POST", "/Users", `{`+userSchemas+`,"userName":"ann","password":"pa55-w0rd"}`, "X-Request-Id: abc-123")
	if got := a.header.Get("X-Request-Id"); got != "abc-123" {
		t.Errorf("X-Request-Id = %q", got)
	}
	a = b.do("GET", "/Users?filter=userName+eq+%22secret-name%22", "", "X-Request-Id: not\tfit")
	if got := a.header.Get("X-Request-Id"); got == "" || strings.Contains(got, "fit") {
		t.Errorf("X-Request-Id = %q, want one of the server's own", got)
	}
	b.do("POST", "/Users", `{`+userSchemas+`,"userName":"bob","password":{"a":"pa55-w0rd"}}`)
	b.crowd.Fail(crowdtest.Fault{Kind: crowdtest.Answer, Status: 401, Times: -1})
	b.want(500, "GET", "/Users", "")
	mu.Lock()
	defer mu.Unlock()
	log := text.String()
	for _, secret := range []string{b.token, "pa55-w0rd", "secret-name", crowdtest.DefaultPassword.Reveal()} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q:\n%s", secret, log)
		}
	}
	if !strings.Contains(log, "request=abc-123") || !strings.Contains(log, "status=201") || !strings.Contains(log, "level=WARN") {
		t.Errorf("the log lacks the request's id, the status or the failure:\n%s", log)
	}
	if !slices.Contains(ids, "abc-123") {
		t.Errorf("events of requests %q, want abc-123 among them", ids)
	}
}

type lockedWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.w.Write(p)
}

// TestDeadline checks that a Crowd that does not answer costs the request's
// time and no more.
func TestDeadline(t *testing.T) {
	b := newBridge(t, func(b *bridge) { b.cfg.Limits.Time = 100 * time.Millisecond })
	b.crowd.SetOptions(func(o *crowdtest.Options) { o.Latency = time.Hour })
	begun := time.Now()
	a := b.want(503, "GET", "/Users", "")
	if took := time.Since(begun); took > 5*time.Second || a.header.Get("Retry-After") == "" {
		t.Errorf("took %v, Retry-After %q", took, a.header.Get("Retry-After"))
	}
}

// TestManyMembers reads a group of more members than are held in memory, also
// within a list, and one whose listing breaks off in the middle.
func TestManyMembers(t *testing.T) {
	b := newBridge(t, provider(scim.Okta))
	const n = 5000
	names := make([]string, 0, n)
	for i := range n {
		name := fmt.Sprintf("user%05d", i)
		names = append(names, name)
		b.crowd.AddUser(crowd.User{Name: name, Active: true})
	}
	b.crowd.AddGroup(crowd.Group{Name: "all", Active: true}, crowd.Group{Name: "none", Active: true})
	b.crowd.AddMember("all", names...)
	list := b.want(200, "GET", "/Groups", "").object()["Resources"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d groups, want 2", len(list))
	}
	group := list[0].(map[string]any)
	if got := len(group["members"].([]any)); got != n {
		t.Errorf("the list shows %d members, want %d", got, n)
	}
	path := "/Groups/" + group["id"].(string)
	members := b.want(200, "GET", path, "").object()["members"].([]any)
	if len(members) != n {
		t.Fatalf("the group shows %d members, want %d", len(members), n)
	}
	for i, m := range members {
		if got := m.(map[string]any)["display"]; got != names[i] {
			t.Fatalf("member %d is %v, want %s", i, got, names[i])
		}
	}
	b.crowd.Fail(crowdtest.Fault{Method: "GET", Resource: "group/user/direct", Nth: 3, Kind: crowdtest.Answer, Status: 401, Times: -1})
	for _, target := range []string{path, "/Groups"} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", b.url+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+b.token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err == nil && response.StatusCode == 200 && json.Valid(body) {
			t.Errorf("%s: half the members were sent as if they were all", target)
		}
	}
}
