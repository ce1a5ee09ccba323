package resource_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// seeds adds what identity providers send by the methods given, and broken text.
func seeds(f *testing.F, methods ...string) {
	f.Helper()
	files, err := filepath.Glob("testdata/idp/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no requests: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var requests []request
		if err := json.Unmarshal(text, &requests); err != nil {
			f.Fatal(err)
		}
		for _, r := range requests {
			for _, m := range methods {
				if r.Method == m {
					f.Add([]byte(r.Body))
				}
			}
		}
	}
	f.Add([]byte(`{"a":"\ud83d\ude00","A":[1e999,{"b":null}]}`))
	f.Add([]byte("\xef\xbb\xbf{\"a\":\"\\u00"))
}

// FuzzDecode: whatever is read is JSON that encoding/json reads as well.
func FuzzDecode(f *testing.F) {
	seeds(f, "POST", "PUT", "PATCH")
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := resource.Decode(body, resource.Limits{})
		if err != nil {
			scimType(t, err)
			return
		}
		again, err := resource.Decode(marshal(t, doc), resource.Limits{})
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v", err)
		}
		if !resource.Equal(doc, again) {
			t.Fatalf("read again it is %v, before %v", again, doc)
		}
	})
}

// FuzzNormalise: normal form is valid by the library's schema once what is required is there, and stays as it is.
func FuzzNormalise(f *testing.F) {
	seeds(f, "POST", "PUT")
	users, groups := typeNamed(f, "User"), typeNamed(f, "Group")
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := resource.Decode(body, resource.Limits{})
		if err != nil {
			return
		}
		for _, typ := range []*resource.Type{users, groups} {
			for _, l := range []resource.Leniency{resource.Lenient(), resource.Strict()} {
				checkNormal(t, typ, doc, l)
			}
		}
	})
}

func checkNormal(t *testing.T, typ *resource.Type, doc map[string]any, l resource.Leniency) {
	t.Helper()
	once, err := typ.Normalise(doc, l)
	if err != nil {
		scimType(t, err)
		return
	}
	twice, err := typ.Normalise(once, resource.Strict())
	if l == resource.Strict() && err != nil {
		t.Fatalf("normal form is refused: %v", err)
	}
	if err == nil && !resource.Equal(once, twice) {
		t.Fatalf("a second time %v, once %v", twice, once)
	}
	if err := typ.Validate(once); err != nil {
		scimType(t, err)
	}
	typ.Projection(nil, nil).Apply(once)
}

// FuzzPatch: a PATCH is refused with a SCIM error or done, never by halves, and what comes out is in normal form.
func FuzzPatch(f *testing.F) {
	seeds(f, "PATCH")
	for _, path := range []string{`emails[type eq \"work\"].value`, `emails[not (value pr)]`, badgeURN + `:tags[value sw \"x\"]`, badgeURN + `:doors.days`} {
		for _, op := range []string{"add", "remove", "replace"} {
			f.Add([]byte(`{"Operations":[{"op":"` + op + `","path":"` + path + `","value":["x"]}]}`))
		}
	}
	users, groups := typeNamed(f, "User"), typeNamed(f, "Group")
	ann := user(f, `{"emails":[`+work+`,`+home+`],"`+badgeURN+`":{"number":7,"tags":["x","y"],"doors":[{"value":"d","days":["mon"]}]}}`)
	team := map[string]any{
		"schemas": []any{groupURN}, "displayName": "T",
		"members": []any{map[string]any{"value": "a", "display": "A"}, map[string]any{"value": "b"}},
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := resource.Decode(body, resource.Limits{})
		if err != nil {
			return
		}
		for _, l := range []resource.Leniency{resource.Lenient(), resource.Strict()} {
			checkPatch(t, users, ann, doc, l)
			checkPatch(t, groups, team, doc, l)
		}
	})
}

func checkPatch(t *testing.T, typ *resource.Type, before, body map[string]any, l resource.Leniency) {
	t.Helper()
	ops, err := resource.ParsePatch(body, typ, l, resource.Limits{})
	if err != nil {
		scimType(t, err)
		return
	}
	kept := marshal(t, before)
	after, err := typ.Apply(before, ops)
	if string(marshal(t, before)) != string(kept) {
		t.Fatal("the resource given was changed")
	}
	if typ.Name() == "Group" {
		checkFold(t, ops, before, after)
	}
	if err != nil {
		scimType(t, err)
		return
	}
	normal, err := typ.Normalise(after, resource.Strict())
	if err != nil {
		t.Fatalf("the result is not in normal form: %v\n%s", err, marshal(t, after))
	}
	if !resource.Equal(normal, after) {
		t.Fatalf("the result is not in normal form: %s\nbut %s", marshal(t, after), marshal(t, normal))
	}
}

// checkFold folds the operations. Unless the fold refuses them, a member that the operations took away must be one
// that the fold takes away too.
func checkFold(t *testing.T, ops []resource.Op, before, after map[string]any) {
	t.Helper()
	folded, err := resource.FoldGroup(ops)
	if err != nil {
		scimType(t, err)
		return
	}
	if after == nil {
		return
	}
	got, want := memberSet(before), memberSet(after)
	for _, m := range folded.Members {
		if m.Filter != nil {
			return // it needs what the members are called
		}
		change(got, m)
	}
	for id := range want {
		if !got[id] {
			t.Fatalf("%s is a member after the operations, but not after the fold %s", id, patchText(folded))
		}
	}
	if len(got) != len(want) {
		t.Fatalf("members are %v after the fold %s, but %v after the operations", got, patchText(folded), want)
	}
}
