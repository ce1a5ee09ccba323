package filter_test

import (
	"encoding/json"
	"testing"

	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

const annJSON = `{
	"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
	"id": "A1", "externalId": "Ext-1", "userName": "Ann.Berg", "displayName": "Ann \"Zoë\" Berg", "active": true, "age": 41,
	"title": "", "name": {"givenName": "Ann", "familyName": "Berg"},
	"emails": [{"type": "work", "value": "ann@Work.example", "primary": true}, {"type": "home", "value": "ann@home.example"}],
	"x509Certificates": [{"value": "TUlJ"}],
	"meta": {"created": "2026-05-13T04:42:34Z", "lastModified": "2026-05-13T06:42:34+02:00"},
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Harbour", "manager": {"value": "m1"}}
}`

func ann(t *testing.T) map[string]any {
	t.Helper()
	var resource map[string]any
	if err := json.Unmarshal([]byte(annJSON), &resource); err != nil {
		t.Fatal(err)
	}
	return resource
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		filter string
		want   bool
	}{
		// text and its case rule
		{`userName eq "ann.berg"`, true},
		{`userName eq "ann"`, false},
		{`userName ne "ann"`, true},
		{`userName co "N.B"`, true},
		{`userName sw "ann"`, true},
		{`userName ew "BERG"`, true},
		{`userName gt "ann.aerg" and userName lt "ann.cerg"`, true},
		{`userName ge "ANN.BERG" and userName le "ANN.BERG"`, true},
		{`id eq "a1"`, false},
		{`id eq "A1"`, true},
		{`externalId co "ext"`, false},
		{`displayName eq "ann \"ZOË\" berg"`, true},
		{`displayName eq "ann \"ZO\u00CB\" berg"`, true},
		// no value
		{`title pr`, false},
		{`title eq null`, true},
		{`title ne null`, false},
		{`userName ne null`, true},
		{`title eq "x"`, false},
		{`title ne "x"`, true},
		{`not (title eq "x")`, true},
		{`title co ""`, false},
		// booleans, numbers, dates, binary
		{`active eq true`, true},
		{`active eq "True"`, true},
		{`active ne "TRUE"`, false},
		{`active eq false`, false},
		{`age eq 41`, true},
		{`age eq 41.0`, true},
		{`age gt 40.5 and age lt 4.2e1`, true},
		{`age ge 99999999999999999999999999`, false},
		{`age lt 1e999999999`, true},
		{`age ne 41`, false},
		{`meta.created eq "2026-05-13T06:42:34+02:00"`, true},
		{`meta.lastModified eq "2026-05-13T04:42:34Z"`, true},
		{`meta.created gt "2026-05-13T04:42:33.999Z"`, true},
		{`meta.created lt "2026-05-13"`, false},
		{`meta.created sw "2026-05"`, true},
		{`x509Certificates eq "TUlJ"`, true},
		{`x509Certificates eq "tulj"`, false},
		// complex and multi-valued
		{`name.familyName co "ER"`, true},
		{`emails co "@work"`, true},
		{`emails.type eq "home"`, true},
		{`emails.value eq "ANN@home.example"`, true},
		{`emails ne "ann@home.example"`, true},
		{`emails[type eq "home" and value co "@work"]`, false},
		{`emails.type eq "home" and emails.value co "@work"`, true},
		{`emails[type eq "work" and (value co "@x" or primary eq true)].value ew "EXAMPLE"`, true},
		{`emails[type eq "work"].value eq "ann@home.example"`, false},
		{`emails[primary pr]`, true},
		{`emails[not (primary pr) and type eq "home"]`, true},
		{`schemas eq "urn:ietf:params:scim:schemas:core:2.0:User"`, true},
		{`schemas[value co "group"]`, false},
		{`name pr and emails pr and meta pr`, true},
		// URNs
		{`urn:ietf:params:scim:schemas:core:2.0:User:USERNAME EQ "ann.berg"`, true},
		{enterprise + `:department eq "harbour" and userName pr`, true},
		{enterprise + `:manager.value eq "m1"`, true},
		{enterprise + `:manager eq "m1"`, true},
		{enterprise + `:manager[value eq "m1"]`, true},
		{enterprise + ` pr`, true},
		{`URN:ietf:PARAMS:scim:schemas:extension:Enterprise:2.0:user:DEPARTMENT sw "HAR"`, true},
		{odd + `:badge pr`, false},
		// logic
		{`userName eq "x" or active eq true and age eq 41`, true},
		{`(userName eq "x" or active eq true) and age eq 42`, false},
		{`not (userName eq "x" or age eq 42)`, true},
	}
	for _, tt := range tests {
		t.Run(tt.filter, func(t *testing.T) {
			t.Parallel()
			e, err := filter.Parse(tt.filter)
			if err != nil {
				t.Fatal(err)
			}
			if err := filter.Check(e, newSchema()); err != nil {
				t.Fatal(err)
			}
			if got := filter.Match(e, ann(t), newSchema()); got != tt.want {
				t.Errorf("Match = %v, want %v", got, tt.want)
			}
		})
	}
}

// The same without a schema: types are those of the values, and case is ignored.
func TestMatchWithoutSchema(t *testing.T) {
	t.Parallel()
	for f, want := range map[string]bool{
		`id eq "a1"`:                      true,
		`active eq "true"`:                true,
		`age gt 40`:                       true,
		`userName gt 40`:                  false,
		`emails co "@work"`:               true,
		`nothing ne "x"`:                  true,
		`emails[value ew "home.EXAMPLE"]`: true,
		`userName[value eq "ann.berg"]`:   true,
	} {
		e, err := filter.Parse(f)
		if err != nil {
			t.Fatal(err)
		}
		if got := filter.Match(e, ann(t), nil); got != want {
			t.Errorf("Match(%s) = %v, want %v", f, got, want)
		}
	}
}

func TestMatchBareValues(t *testing.T) {
	t.Parallel()
	resource := map[string]any{"externalId": "4711", "userName": "true", "active": true, "age": json.Number("7")}
	for f, want := range map[string]bool{
		`externalId eq 4711`: true,
		`externalId eq 4712`: false,
		`userName eq true`:   true,
		`active eq true`:     true,
		`age eq 7`:           true,
	} {
		e, err := filter.ParseLenient(f, filter.Lenience{BareValues: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := filter.Check(e, newSchema()); err != nil {
			t.Error(err)
		}
		if got := filter.Match(e, resource, newSchema()); got != want {
			t.Errorf("Match(%s) = %v, want %v", f, got, want)
		}
	}
}

func TestCheckErrors(t *testing.T) {
	t.Parallel()
	for f, want := range map[string]string{
		`usrname eq "x"`:              "filter: attribute usrname: the schema has no such attribute",
		`userName eq 5`:               "filter: attribute userName: it is compared with 5, but it is a string: text in double quotes is expected",
		`userName eq true`:            "filter: attribute userName: it is compared with true, but it is a string: text in double quotes is expected",
		`active eq "yes"`:             `filter: attribute active: it is compared with "yes", but it is a boolean: true or false is expected`,
		`active gt true`:              "filter: attribute active: the operator gt does not apply to a boolean",
		`active co "t"`:               "filter: attribute active: the operator co does not apply to a boolean",
		`x509Certificates gt "a"`:     "filter: attribute x509Certificates: the operator gt does not apply to a binary",
		`age eq "41"`:                 `filter: attribute age: it is compared with "41", but it is a number: a number is expected`,
		`age sw 4`:                    "filter: attribute age: the operator sw does not apply to a number",
		`meta.created gt "yesterday"`: `filter: attribute meta.created: it is compared with "yesterday", but it is a dateTime: a date and time such as "2026-05-13T04:42:34Z" is expected`,
		`meta.created gt 5`:           `filter: attribute meta.created: it is compared with 5, but it is a dateTime: a date and time such as "2026-05-13T04:42:34Z" is expected`,
		`name eq "x"`:                 "filter: attribute name: it is complex: compare one of its sub-attributes, familyName, givenName",
		`title gt null`:               "filter: attribute title: null can be compared by eq and ne only",
		`name.nick pr`:                `filter: attribute name.nick: name has no sub-attribute "nick"`,
		`title pr and not (foo pr)`:   "filter: attribute foo: the schema has no such attribute",
		`title pr or foo[bar eq "x"]`: "filter: attribute foo: the schema has no such attribute",
		`emails[valu eq "x" or a pr]`: `filter: attribute emails.valu: emails has no sub-attribute "valu"`,
		`title[value eq "x"]`:         "filter: attribute title: it has a single value, so no filter in brackets can follow",
		enterprise + `:floor eq "3"`:  "filter: attribute " + enterprise + ":floor: the schema has no such attribute",
	} {
		e, err := filter.Parse(f)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := filter.Check(e, newSchema()); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("Check(%s)\n got %q\nwant %q", f, got, want)
		}
	}
}
