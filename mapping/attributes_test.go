package mapping_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// resource reads a SCIM resource.
func resource(tb testing.TB, text string) map[string]any {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var r map[string]any
	if err := d.Decode(&r); err != nil {
		tb.Fatal(err)
	}
	return r
}

func compile(tb testing.TB, rows ...mapping.Row) *mapping.AttributeMap {
	tb.Helper()
	m, err := mapping.CompileAttributes(rows, mapping.AttributeOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

const annText = `{
	"userName": "ann@harbour.example", "externalId": "e1", "displayName": "Ann Berg", "active": true, "title": "Captain",
	"name": {"givenName": "Ann", "familyName": "Berg", "formatted": "Dr. Ann Berg"},
	"emails": [
		{"value": "ann@home.example", "type": "home"},
		{"value": "ann@work.example", "type": "work"},
		{"value": "ann@main.example", "type": "other", "primary": true}
	],
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Sea", "manager": {"value": "m1"}}
}`

func fieldsOfAnn() mapping.Fields {
	return mapping.Fields{
		Username: new("ann@harbour.example"), Email: new("ann@main.example"), FirstName: new("Ann"), LastName: new("Berg"),
		DisplayName: new("Ann Berg"), Active: new(true),
	}
}

// Of several values a field takes the first, whatever is wrong with the others; a custom attribute takes each once.
func TestSeveralValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	user := resource(t, `{"userName": "ann", "emails": [{"value": "a@x"}, {"value": "b@x"}, {"value": "a@x"}], "photos": [{"value": "p"}, {"value": "`+long+`"}]}`)
	m := compile(t, mapping.Row{To: "email", From: []string{"photos.value"}}, mapping.Row{To: "all", From: []string{"emails.value"}})
	f, err := m.ToCrowd(user)
	if err != nil || f.Email == nil || *f.Email != "p" {
		t.Errorf("email = %v, %v, want the first value", f.Email, err)
	}
	if diff := cmp.Diff([]string{"a@x", "b@x"}, f.Custom["all"]); diff != "" {
		t.Errorf("custom values mismatch (-want +got):\n%s", diff)
	}
	if _, err := m.ToCrowd(map[string]any{"userName": "a\xff"}); err == nil {
		t.Error("a user name that is not valid UTF-8 was accepted")
	}
}

func TestToCrowdDefaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     mapping.Fields
	}{
		{"all", annText, fieldsOfAnn()},
		{"least: what is missing is cleared, active left alone", `{"userName": "ann"}`, mapping.Fields{
			Username: new("ann"), Email: new(""), FirstName: new(""), LastName: new(""), DisplayName: new(""),
		}},
		{"work email without primary", `{"userName": "a", "emails": [{"value": "h@x", "type": "home"}, {"value": "w@x", "type": "WORK"}]}`, mapping.Fields{
			Username: new("a"), Email: new("w@x"), FirstName: new(""), LastName: new(""), DisplayName: new(""),
		}},
		{"first email that is one", `{"userName": "a", "emails": [{"value": "", "primary": true}, {"type": "home"}, {"value": "h@x"}]}`, mapping.Fields{
			Username: new("a"), Email: new("h@x"), FirstName: new(""), LastName: new(""), DisplayName: new(""),
		}},
		{"display name from formatted", `{"userName": "a", "name": {"formatted": "A. B."}}`, mapping.Fields{
			Username: new("a"), Email: new(""), FirstName: new(""), LastName: new(""), DisplayName: new("A. B."),
		}},
		{"display name from given and family name", `{"userName": "a", "name": {"givenName": "Ann", "familyName": "Berg"}}`, mapping.Fields{
			Username: new("a"), Email: new(""), FirstName: new("Ann"), LastName: new("Berg"), DisplayName: new("Ann Berg"),
		}},
		{"display name from family name alone", `{"userName": "a", "name": {"familyName": "Berg"}}`, mapping.Fields{
			Username: new("a"), Email: new(""), FirstName: new(""), LastName: new("Berg"), DisplayName: new("Berg"),
		}},
		{"boolean as text, keys in another case, nulls", `{"USERNAME": "a", "Active": "False", "displayName": null, "name": null, "emails": null}`, mapping.Fields{
			Username: new("a"), Email: new(""), FirstName: new(""), LastName: new(""), DisplayName: new(""), Active: new(false),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := compile(t).ToCrowd(resource(t, tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ToCrowd mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestToCrowdRows(t *testing.T) {
	t.Parallel()
	custom := func(name string, values ...string) func(*mapping.Fields) {
		return func(f *mapping.Fields) { f.Custom = map[string][]string{name: values} }
	}
	tests := []struct {
		name string
		row  mapping.Row
		want func(*mapping.Fields)
	}{
		{"another path", mapping.Row{To: "email", From: []string{`emails[type eq "home"].value`}}, func(f *mapping.Fields) { f.Email = new("ann@home.example") }},
		{"URN path", mapping.Row{To: "lastName", From: []string{enterprise + ":department"}}, func(f *mapping.Fields) { f.LastName = new("Sea") }},
		{"complex attribute by its value", mapping.Row{To: "lastName", From: []string{enterprise + ":manager"}}, func(f *mapping.Fields) { f.LastName = new("m1") }},
		{"cleared", mapping.Row{To: "lastName", From: []string{"nickName"}}, func(f *mapping.Fields) { f.LastName = new("") }},
		{"kept", mapping.Row{To: "lastName", From: []string{"nickName"}, IfMissing: mapping.Keep}, func(f *mapping.Fields) { f.LastName = nil }},
		{"left to Crowd", mapping.Row{To: "email", IfMissing: mapping.Keep}, func(f *mapping.Fields) { f.Email = nil }},
		{"constant", mapping.Row{To: "lastName", Const: "x"}, func(f *mapping.Fields) { f.LastName = new("x") }},
		{"constant behind a path", mapping.Row{To: "lastName", From: []string{"nickName"}, Const: "x"}, func(f *mapping.Fields) { f.LastName = new("x") }},
		{"active constant", mapping.Row{To: "active", Const: false}, func(f *mapping.Fields) { f.Active = new(false) }},
		{"active by condition", mapping.Row{To: "active", Expr: `active && title != "Captain"`}, func(f *mapping.Fields) { f.Active = new(false) }},
		{"custom, all values", mapping.Row{To: "mails", From: []string{"emails.value"}}, custom("mails", "ann@home.example", "ann@work.example", "ann@main.example")},
		{"custom, cleared", mapping.Row{To: "nick", From: []string{"nickName"}}, custom("nick")},
		{"custom, kept", mapping.Row{To: "nick", From: []string{"nickName"}, IfMissing: mapping.Keep}, func(*mapping.Fields) {}},
		{"custom constants", mapping.Row{To: "tags", Const: []string{"a", "b"}}, custom("tags", "a", "b")},
		{"custom list by expression", mapping.Row{To: "kinds", Expr: `filter(emails, .value endsWith "k.example") | map(upper(.type))`}, custom("kinds", "WORK")},
		{"username by expression", mapping.Row{To: "username", Expr: `lower(localPart(userName))`}, func(f *mapping.Fields) { f.Username = new("ann") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := fieldsOfAnn()
			tt.want(&want)
			got, err := compile(t, tt.row).ToCrowd(resource(t, annText))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("ToCrowd mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// A condition that reads active says nothing where the identity provider says nothing.
func TestToCrowdActiveByOmission(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Row{To: "active", Expr: `active && title != "Guest"`})
	got, err := m.ToCrowd(resource(t, `{"userName": "a"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Active != nil {
		t.Errorf("Active = %v, want nothing said", *got.Active)
	}
}

func TestToCrowdErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 256)
	tests := []struct {
		name string
		rows mapping.Attributes
		in   string
		want *mapping.ValueError
	}{
		{"no userName", nil, `{}`, &mapping.ValueError{
			Attribute: "userName", Problem: "it is missing, and username in Crowd needs it",
			Remedy: "Assign a value in the identity provider, or give the row another source",
		}},
		{"rejected where missing", mapping.Attributes{{To: "email", From: []string{"emails.value"}, IfMissing: mapping.Reject}}, `{"userName": "a"}`, &mapping.ValueError{
			Attribute: "emails.value", Problem: "it is missing, and email in Crowd needs it",
			Remedy: "Assign a value in the identity provider, or give the row another source",
		}},
		{"long user name", nil, `{"userName": "` + long + `"}`, &mapping.ValueError{
			Attribute: "userName", Problem: `it gives the user name "` + strings.Repeat("é", 60) + `"..., which has more than 255 characters`,
			Remedy: "Correct it in the identity provider, or map another attribute to username",
		}},
		{"blank at the end", nil, `{"userName": "ann "}`, &mapping.ValueError{
			Attribute: "userName", Problem: `it gives the user name "ann ", which begins or ends with a blank`,
			Remedy: "Correct it in the identity provider, or map another attribute to username",
		}},
		{"control character", nil, `{"userName": "a\nn"}`, &mapping.ValueError{
			Attribute: "userName", Problem: `it gives the user name "a\nn", which has a control character`,
			Remedy: "Correct it in the identity provider, or map another attribute to username",
		}},
		{"long email", nil, `{"userName": "a", "emails": [{"value": "` + long + `"}]}`, &mapping.ValueError{
			Attribute: "emails[primary eq true].value", Problem: "its value has 256 characters, Crowd holds 255",
			Remedy: "Shorten it in the identity provider, or map it with an expression such as substring(..., 0, 255)",
		}},
		{"long custom value", mapping.Attributes{{To: "x", From: []string{"title"}}}, `{"userName": "a", "title": "` + long + `"}`, &mapping.ValueError{
			Attribute: "title", Problem: "its value has 256 characters, Crowd holds 255",
			Remedy: "Shorten it in the identity provider, or map it with an expression such as substring(..., 0, 255)",
		}},
		{"long email of characters that count twice", nil, `{"userName": "a", "emails": [{"value": "` + strings.Repeat("😀", 128) + `"}]}`, &mapping.ValueError{
			Attribute: "emails[primary eq true].value", Problem: "its value has 256 characters, Crowd holds 255",
			Remedy: "Shorten it in the identity provider, or map it with an expression such as substring(..., 0, 255)",
		}},
		{"user name that is blank", nil, `{"userName": " \u00a0"}`, &mapping.ValueError{
			Attribute: "userName", Problem: `it gives the user name " \u00a0", which is blank`,
			Remedy: "Correct it in the identity provider, or map another attribute to username",
		}},
		{"user name that XML cannot hold", nil, `{"userName": "a\uffffb"}`, &mapping.ValueError{
			Attribute: "userName", Problem: `it gives the user name "a\uffffb", which has a control character`,
			Remedy: "Correct it in the identity provider, or map another attribute to username",
		}},
		{"active that is no boolean", nil, `{"userName": "a", "active": "perhaps"}`, &mapping.ValueError{
			Attribute: "active", Problem: `"perhaps" is neither true nor false`, Remedy: "Send a boolean",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := compile(t, tt.rows...).ToCrowd(resource(t, tt.in))
			got, ok := errors.AsType[*mapping.ValueError](err)
			if !ok {
				t.Fatalf("ToCrowd = %v, want a ValueError", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ValueError mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// Crowd cuts names of persons; cutting them first makes what is wanted equal what Crowd will hold. It counts UTF-16 code
// units, and no character is cut in two.
func TestToCrowdCutsAsCrowdDoes(t *testing.T) {
	t.Parallel()
	e, smile := strings.Repeat("é", 252), strings.Repeat("😀", 126) // 252 units each
	for in, want := range map[string]string{
		e + "ééé":           e + "ééé",
		e + "éééé":          e + "...",
		e + e:               e + "...",
		smile + "aaa":       smile + "aaa",
		smile + "😀a":        smile + "😀a",
		smile + "😀😀":        smile + "...",
		"a" + smile + "😀":   "a" + smile + "😀",
		"a" + smile + "😀😀":  "a" + strings.Repeat("😀", 125) + "...",
		"aa" + smile + "😀":  "aa" + strings.Repeat("😀", 125) + "...",
		"aaa" + smile + "😀": "aaa" + strings.Repeat("😀", 124) + "...",
	} {
		got, err := compile(t).ToCrowd(map[string]any{"userName": "a", "displayName": in, "name": map[string]any{"givenName": in, "familyName": in}})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{*got.DisplayName, *got.FirstName, *got.LastName} {
			if name != want {
				t.Errorf("%.9q of %d bytes became %d bytes, want %d", in, len(in), len(name), len(want))
			}
		}
	}
}

// So many values of one attribute take a moment; held each against each they would take minutes.
func TestManyValues(t *testing.T) {
	t.Parallel()
	emails := make([]any, 200_000)
	for i := range emails {
		emails[i] = map[string]any{"value": strconv.Itoa(i)}
	}
	user := map[string]any{"userName": "a", "emails": emails}
	m := compile(t, mapping.Row{To: "mails", From: []string{"emails.value"}})
	f, err := m.ToCrowd(user)
	if err != nil || len(f.Custom["mails"]) != len(emails) {
		t.Fatalf("%d values, %v", len(f.Custom["mails"]), err)
	}
	if shown := m.ToSCIM(f, user)["emails"].([]any); len(shown) != len(emails) {
		t.Errorf("shown are %d", len(shown))
	}
}

// An extension of one's own is as good as those of the RFC: in paths, expressions and faults, and on the way back.
func TestExtension(t *testing.T) {
	t.Parallel()
	const urn = "urn:example:params:scim:Badge:1.0:User"
	schema := mapping.DefaultSchema().With(urn, filter.AttrInfo{Name: "badge"}, filter.AttrInfo{
		Name: "rooms", Type: filter.Complex, Multi: true, Sub: map[string]filter.AttrInfo{"value": {Name: "value"}, "kind": {Name: "kind"}},
	})
	rows := mapping.Attributes{
		{To: "badge", From: []string{strings.ToUpper(urn) + ":BADGE"}},
		{To: "rooms", From: []string{urn + `:rooms[kind eq "lab"].value`}},
		{To: "shout", Expr: `upper(path("` + urn + `:badge"))`},
	}
	m, err := mapping.CompileAttributes(rows, mapping.AttributeOptions{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	f, err := m.ToCrowd(resource(t, `{"userName": "ann", "`+urn+`": {"badge": "x1", "rooms": [{"value": "1", "kind": "lab"}, {"value": "2", "kind": "office"}]}}`))
	if diff := cmp.Diff(map[string][]string{"badge": {"x1"}, "rooms": {"1"}, "shout": {"X1"}}, f.Custom); err != nil || diff != "" {
		t.Errorf("ToCrowd: %v, mismatch (-want +got):\n%s", err, diff)
	}
	held := mapping.Fields{Username: new("ann"), Active: new(true), Custom: map[string][]string{"badge": {"x2"}}}
	want := resource(t, `{"userName": "ann", "active": true, "`+urn+`": {"badge": "x2"}}`)
	if diff := cmp.Diff(want, m.ToSCIM(held, nil)); diff != "" {
		t.Errorf("ToSCIM mismatch (-want +got):\n%s", diff)
	}
	_, err = mapping.CompileAttributes(mapping.Attributes{{To: "x", From: []string{urn + ":bagde"}}}, mapping.AttributeOptions{Schema: schema})
	if got := faults(t, err); len(got) != 1 || !strings.HasSuffix(got[0], "Did you mean "+urn+":badge?") {
		t.Errorf("faults = %q", got)
	}
	if _, err := mapping.CompileAttributes(rows, mapping.AttributeOptions{}); err == nil {
		t.Error("the default schema has taken the extension over")
	}
}

func TestRowAndPaths(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Row{To: "username", From: []string{"externalId", "USERNAME"}}, mapping.Row{To: "dept", Expr: `default(title, path("` + enterprise + `:department"))`})
	row, ok := m.Row("username")
	if diff := cmp.Diff(mapping.Row{To: "username", From: []string{"externalId", "USERNAME"}, IfMissing: mapping.Reject}, row); !ok || diff != "" {
		t.Errorf("Row mismatch (-want +got):\n%s", diff)
	}
	if _, ok := m.Row("nothing"); ok {
		t.Error("Row found what is not there")
	}
	var got []string
	for _, p := range m.Paths() {
		got = append(got, p.String())
	}
	want := []string{
		"externalId", "USERNAME", "emails[primary eq true].value", `emails[type eq "work"].value`, "emails.value",
		"name.givenName", "name.familyName", "displayName", "name.formatted", "name", "active", enterprise + ":department", "title",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Paths mismatch (-want +got):\n%s", diff)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	m := compile(t, mapping.Row{To: "dept", From: []string{"title", enterprise + ":department"}, IfMissing: mapping.Reject})
	got := m.Explain(resource(t, `{"userName": "ann", "active": "no", "emails": [{"value": "a@x"}]}`))
	want := `user ann
  username: ["ann"], from userName
  email: ["a@x"], from emails.value
    emails[primary eq true].value has no value
    emails[type eq "work"].value has no value
  firstName: emptied: no source has a value
    name.givenName has no value
  lastName: emptied: no source has a value
    name.familyName has no value
  displayName: emptied: no source has a value
    displayName has no value
    name.formatted has no value
    trim(name.givenName + " " + name.familyName) has no value
  active: refused: "no" is neither true nor false. Send a boolean
  dept: refused: it is missing, and dept in Crowd needs it. Assign a value in the identity provider, or give the row another source
    title has no value
    urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department has no value
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("Explain mismatch (-want +got):\n%s", diff)
	}
}
