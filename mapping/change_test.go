package mapping_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/mapping"
)

func lines(changes []mapping.Change) []string {
	var l []string
	for _, c := range changes {
		l = append(l, c.String())
	}
	return l
}

func TestAttributeChanges(t *testing.T) {
	t.Parallel()
	from := compile(t, mapping.Row{To: "dept", From: []string{"title"}}, mapping.Row{To: "same", From: []string{"title"}})
	to := compile(
		t, mapping.Row{To: "email", From: []string{`emails[type eq "work"].value`}}, mapping.Row{To: "active", Const: false},
		mapping.Row{To: "lastName", From: []string{"nickName"}, IfMissing: mapping.Reject},
		mapping.Row{To: "new", From: []string{"emails.type"}}, mapping.Row{To: "same", Expr: "title"},
	)
	want := []string{
		`user ann@harbour.example: email: ["ann@main.example"] -> ["ann@work.example"]`,
		`user ann@harbour.example: lastName: ["Berg"] -> refused: it is missing, and lastName in Crowd needs it. Assign a value in the identity provider, or give the row another source`,
		`user ann@harbour.example: active: true -> false`,
		`user ann@harbour.example: dept: ["Captain"] -> not mapped`,
		`user ann@harbour.example: new: not mapped -> ["home" "work" "other"]`,
	}
	if diff := cmp.Diff(want, lines(from.Changes(to, resource(t, annText)))); diff != "" {
		t.Errorf("Changes mismatch (-want +got):\n%s", diff)
	}
	if got := from.Changes(from, resource(t, annText)); len(got) > 0 {
		t.Errorf("Changes to the same settings = %v", got)
	}
}

func TestGroupChanges(t *testing.T) {
	t.Parallel()
	from := compileGroups(t, mapping.Groups{OnTheFly: mapping.OnTheFly{KeepExistingGroups: new(false)}})
	to := compileGroups(t, manual(
		mapping.Rule{From: "eng", To: []string{"Eng", "devs"}}, mapping.Rule{From: "adm", To: []string{"jira-administrators"}, Protected: "add"},
	))
	got := lines(from.Changes(to, []mapping.SCIMGroup{{Name: "Eng"}, {Name: "ops"}, {Name: "adm"}, {Name: "crowd-administrators"}}))
	want := []string{
		"group Eng: Eng: filled, others taken out -> filled, others kept",
		"group Eng: devs: not filled -> filled, others kept",
		"group ops: ops: filled, others taken out -> not filled",
		"group adm: adm: filled, others taken out -> not filled",
		"group adm: jira-administrators: not filled -> filled, nobody taken out",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Changes mismatch (-want +got):\n%s", diff)
	}
}

func TestUserChanges(t *testing.T) {
	t.Parallel()
	from := compileGroups(t, mapping.Groups{})
	to := compileGroups(t, manual(mapping.Rule{From: "eng", To: []string{"devs"}}))
	u := mapping.UserState{Name: "ann", Grants: live("eng"), Provenance: map[string]mapping.Provenance{"eng": mapping.Made}}
	want := []string{"user ann: devs: leave -> add", "user ann: eng: add -> remove"}
	if diff := cmp.Diff(want, lines(from.UserChanges(to, u))); diff != "" {
		t.Errorf("UserChanges mismatch (-want +got):\n%s", diff)
	}
}
