package source_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim/source"
)

// A group whose members do not come is not one that has none.
func TestMembersNotTold(t *testing.T) {
	for line, want := range map[string]bool{
		`{"id": "7", "displayName": "devs"}`:                             false,
		`{"id": "7", "displayName": "devs", "members": null}`:            false,
		`{"id": "7", "displayName": "devs", "members": []}`:              true,
		`{"ID": "7", "DISPLAYNAME": "devs", "Members": []}`:              true,
		`{"Id": "7", "displayname": "devs", "MEMBERS": [{"VALUE":"1"}]}`: true,
	} {
		client, _ := pages(`{"totalResults": 0}`, `{"totalResults": 1, "Resources": [`+line+`]}`)
		for name, s := range map[string]source.Source{
			"json lines": file(line),
			"scim":       scimOf(t, client, func(c *source.SCIMConfig) { c.NoGroups = false }),
		} {
			n := 0
			for r, err := range s.Records(t.Context()) {
				if n++; err != nil || r.ID != "7" || r.Group.Name != "devs" || (r.Group.Members != nil) != want {
					t.Errorf("%s: %s: %+v, %v", name, line, r, err)
				}
			}
			if n != 1 {
				t.Errorf("%s: %s: %d records", name, line, n)
			}
		}
	}
}

// The names of attributes are compared ignoring case.
func TestAttributeNames(t *testing.T) {
	user := `{"Id": "1", "EXTERNALID": "of another", "UserName": "ann", "Meta": {}, "Groups": []}`
	group := `{"ExternalID": "7", "DisplayName": "devs", "MEMBERS": [{"Value": "8", "Type": "group"}, {"Value": "9", "$REF": "/Groups/9"}]}`
	text := user + "\n" + group + "\n" + `{"end": {"users": 1, "groups": 1}}`
	got := must[[]source.Record](t)(records(t, source.NewJSONLines(strings.NewReader(text))))
	if diff := cmp.Diff(map[string]any{"externalId": "1", "UserName": "ann"}, got[0].User); diff != "" {
		t.Errorf("user mismatch (-want +got):\n%s", diff)
	}
	members := must[[]string](t)(membersOf(got[1].Group))
	if want := []string{"group:8", "group:9"}; got[1].ID != "7" || !slices.Equal(want, members) {
		t.Errorf("group %q has %q, want %q", got[1].ID, members, want)
	}
}

func records(tb testing.TB, s source.Source) (all []source.Record, err error) {
	tb.Helper()
	for r, err := range s.Records(tb.Context()) {
		if err != nil {
			return all, err
		}
		all = append(all, r)
	}
	return all, nil
}

// What a source does not tell, a file written from it does not tell either.
func TestWriteJSONLinesMembers(t *testing.T) {
	text := `{"displayName":"a","id":"7"}` + "\n" + `{"displayName":"b","id":"8","members":[]}` + "\n" + `{"end":{"groups":2,"users":0}}` + "\n"
	var written strings.Builder
	if err := source.WriteJSONLines(t.Context(), &written, source.NewJSONLines(strings.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(text, written.String()); diff != "" {
		t.Errorf("file mismatch (-want +got):\n%s", diff)
	}
}

// Nobody is taken out of a group whose members do not come; an empty list empties it.
func TestImportMembersNotTold(t *testing.T) {
	s := newSite(t, func(s *site) { s.imports.RemoveMembers = true })
	ann := user("1", "ann")
	s.run(ann, group("7", "devs", "1"))
	for _, c := range []struct {
		line string
		want []string
	}{
		{`{"id": "7", "displayName": "devs"}`, []string{"ann"}},
		{`{"id": "7", "displayName": "devs", "MEMBERS": [{"value": "1"}]}`, []string{"ann"}},
		{`{"id": "7", "displayName": "devs", "members": []}`, nil},
	} {
		s.run(ann, c.line)
		if got := s.fake.Members("devs"); !slices.Equal(c.want, got) {
			t.Errorf("after %s the group has %q, want %q", c.line, got, c.want)
		}
	}
}
