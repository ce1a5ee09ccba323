package source_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/scim/source"
)

const wholeFile = `{"id": "1", "userName": "ann", "emails": [{"value": "ann@example.com"}], "groups": [{"value": "7"}]}

{"externalId": "2", "userName": "bob"}
{"id": "7", "displayName": "devs", "members": [{"value": "1"}, {"value": "8", "type": "Group"}]}
{"id": "8", "displayName": "all"}
{"end": {"users": 2, "groups": 2}}
`

func TestJSONLines(t *testing.T) {
	want := []string{"user 1 ann", "user 2 bob", "group 7 devs [1 group:8]", "group 8 all [not told]"}
	for name, r := range map[string]io.Reader{
		"whole":          strings.NewReader(wholeFile),
		"byte by byte":   iotest.OneByteReader(strings.NewReader(wholeFile)),
		"Windows":        strings.NewReader(strings.ReplaceAll(wholeFile, "\n", "\r\n")),
		"no last break":  strings.NewReader(strings.TrimSpace(wholeFile)),
		"a marked start": strings.NewReader("\ufeff" + wholeFile),
	} {
		got, err := told(t.Context(), source.NewJSONLines(r))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: records mismatch (-want +got):\n%s", name, diff)
		}
	}
}

// However a file is cut off, it does not count as whole.
func TestJSONLinesCutOff(t *testing.T) {
	whole := strings.TrimSpace(wholeFile)
	for n := range len(whole) {
		if _, err := told(t.Context(), source.NewJSONLines(strings.NewReader(whole[:n]))); err == nil {
			t.Errorf("cut off after %d bytes, behind %q, it counts as whole", n, whole[max(0, n-20):n])
		}
	}
}

func TestJSONLinesFaults(t *testing.T) {
	user, group, end := `{"id": "1", "userName": "ann"}`, `{"id": "7", "displayName": "devs"}`, `{"end": {"users": 1, "groups": 0}}`
	for name, c := range map[string]struct {
		text, want string
		incomplete bool
	}{
		"no last line":    {user, `line 1: source: ended early: the last line, such as {"end": {"users": 1, "groups": 0}}, is missing`, true},
		"empty":           {"", `line 0: source: ended early: the last line, such as {"end": {"users": 0, "groups": 0}}, is missing`, true},
		"other counts":    {user + "\n" + user + "\n" + end, "line 3: source: ended early: the file has 2 users, its last line says 1", true},
		"no counts":       {user + "\n" + `{"end": true}`, "line 2: source: ended early: the file has 1 users, its last line says nothing", true},
		"more behind":     {user + "\n" + end + "\n" + user, `line 3: there is more behind the line with "end"`, false},
		"two ends":        {user + "\n" + end + "\n" + end, `line 3: there is more behind the line with "end"`, false},
		"users last":      {group + "\n" + user, "line 2: a user comes after a group; users must come first", false},
		"no id":           {`{"userName": "ann"}`, `line 1: there is neither "id" nor "externalId"`, false},
		"nothing":         {`{"id": "1"}`, `line 1: there is neither "userName" nor "displayName"`, false},
		"members":         {`{"id": "7", "displayName": "devs", "members": "1"}`, `line 1: "members" is not a list`, false},
		"member":          {`{"id": "7", "displayName": "devs", "members": ["1"]}`, `line 1: a member has no "value"`, false},
		"no JSON":         {"hello", "line 1: ", false},
		"two in one line": {user + user, "line 1: ", false},
		"deep":            {strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "line 1: ", false},
		"long":            {`{"id": "` + strings.Repeat("x", 17<<20), "line 0: the line is longer than 16777216 bytes", false},
	} {
		_, err := told(t.Context(), source.NewJSONLines(strings.NewReader(c.text)))
		if err == nil || !strings.HasPrefix(err.Error(), "source: json lines: "+c.want) || errors.Is(err, source.ErrIncomplete) != c.incomplete {
			t.Errorf("%s: error is %v, want %s", name, err, c.want)
		}
	}
}

func TestJSONLinesReader(t *testing.T) {
	broken := errors.New("the disk is broken")
	r := io.MultiReader(strings.NewReader(`{"id": "1", "userName": "ann"}`+"\n"), iotest.ErrReader(broken))
	got, err := told(t.Context(), source.NewJSONLines(r))
	if !errors.Is(err, broken) || !cmp.Equal(got, []string{"user 1 ann"}) {
		t.Errorf("records are %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := told(ctx, source.NewJSONLines(strings.NewReader(wholeFile))); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// What one source has can be kept in a file and read from there.
func TestWriteJSONLines(t *testing.T) {
	want := must[[]string](t)(told(t.Context(), oktaOf(t, staff())))
	var file strings.Builder
	if err := source.WriteJSONLines(t.Context(), &file, oktaOf(t, staff())); err != nil {
		t.Fatal(err)
	}
	got := must[[]string](t)(told(t.Context(), source.NewJSONLines(strings.NewReader(file.String()))))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records mismatch (-want +got):\n%s", diff)
	}
}

// A source that ended early leaves a file that has.
func TestWriteJSONLinesEarly(t *testing.T) {
	var file strings.Builder
	half := source.NewJSONLines(strings.NewReader(strings.SplitAfter(wholeFile, "\n")[0]))
	if err := source.WriteJSONLines(t.Context(), &file, half); !errors.Is(err, source.ErrIncomplete) {
		t.Errorf("error is %v", err)
	}
	got, err := told(t.Context(), source.NewJSONLines(strings.NewReader(file.String())))
	if !errors.Is(err, source.ErrIncomplete) || !cmp.Equal(got, []string{"user 1 ann"}) {
		t.Errorf("records are %q, %v", got, err)
	}
}
