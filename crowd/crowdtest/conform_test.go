package crowdtest_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
)

func TestConform(t *testing.T) {
	for name, change := range map[string]func(*crowdtest.Options){
		"as it comes":         func(*crowdtest.Options) {},
		"with nested groups":  func(o *crowdtest.Options) { o.NestedGroups = true },
		"an older version":    func(o *crowdtest.Options) { o.Version = "4.3.5" },
		"without events":      func(o *crowdtest.Options) { o.EventsUnavailable = true },
		"with refused cycles": func(o *crowdtest.Options) { o.NestedGroups, o.RefuseCycles = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			started, direct := crowdtest.NewServer(t), &crowdtest.Server{}
			for _, srv := range []*crowdtest.Server{started, direct} {
				srv.SetOptions(change)
				crowdtest.Conform(t, srv.Target())
				if got := len(srv.UserNames()) + len(srv.GroupNames()); got != 0 {
					t.Errorf("%d users and groups are left behind", got)
				}
			}
		})
	}
}

// A reporter keeps the errors of a test instead of failing it.
type reporter struct {
	testing.TB
	errors []string
}

func (r *reporter) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// TestConformFinds makes a server differ and expects that Conform names the
// lines, and no others.
func TestConformFinds(t *testing.T) {
	for _, c := range []struct {
		change func(*crowdtest.Options)
		want   []int
	}{
		{func(o *crowdtest.Options) { o.HideVersionOnErrors = true }, []int{5}},
		{func(o *crowdtest.Options) { o.DefaultJSON = true }, []int{7}},
		{func(o *crowdtest.Options) { o.PartialUpdate = true }, []int{17}},
		{func(o *crowdtest.Options) { o.RefuseCaseRename = true }, []int{22}},
		{func(o *crowdtest.Options) { o.MissingAttribute404 = true }, []int{23, 32}},
		{func(o *crowdtest.Options) { o.BodyNotFoundStatus = 404 }, []int{28, 34}},
		{func(o *crowdtest.Options) { o.EmptyListForUnknown = true }, []int{41}},
		{func(o *crowdtest.Options) { o.DumpForJSON = true }, []int{44}},
		{func(o *crowdtest.Options) { o.NoAttributeSearch = true }, []int{46}},
		{func(o *crowdtest.Options) { o.AllowOuterSpace = true }, []int{57}},
	} {
		srv := &crowdtest.Server{}
		srv.SetOptions(c.change)
		r := &reporter{TB: t}
		crowdtest.Conform(r, srv.Target())
		if diff := cmp.Diff(c.want, reportedLines(r.errors)); diff != "" {
			t.Errorf("lines mismatch (-want +got):\n%s\n%s", diff, strings.Join(r.errors, "\n"))
		}
		for _, text := range r.errors {
			if !strings.Contains(text, "of the behaviour list: ") || !strings.Contains(text, "the line: ") {
				t.Errorf("report %q", text)
			}
		}
	}
}

func reportedLines(errors []string) []int {
	lines := map[int]bool{}
	for _, text := range errors {
		n, _ := strconv.Atoi(regexp.MustCompile(`^line (\d+) `).FindStringSubmatch(text)[1])
		lines[n] = true
	}
	return slices.Sorted(maps.Keys(lines))
}

// TestEveryLineHasATest holds the names of the tests against the behaviour
// list.
func TestEveryLineHasATest(t *testing.T) {
	tested := testedLines(t)
	list, err := os.ReadFile(filepath.Join("testdata", "behaviour.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile(`(?m)^(\d+)\. (.*)$`).FindAllStringSubmatch(string(list), -1)
	for i, line := range lines {
		n, _ := strconv.Atoi(line[1])
		if n != i+1 {
			t.Errorf("line %d has the number %d", i+1, n)
		}
		if served := !strings.HasPrefix(line[2], "(not served)"); served != tested[n] {
			t.Errorf("line %d: served %v, tested %v: %s", n, served, tested[n], line[2])
		}
		delete(tested, n)
	}
	if len(lines) != 66 || len(tested) > 0 {
		t.Errorf("%d lines, and tests of others: %v", len(lines), tested)
	}
}

// testedLines returns the numbers in the names of this package's tests.
func testedLines(t *testing.T) map[int]bool {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	tested := map[int]bool{}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if f, isFunc := d.(*ast.FuncDecl); isFunc {
				if number, found := strings.CutPrefix(f.Name.Name, "TestContract"); found {
					n, err := strconv.Atoi(number[:min(2, len(number))])
					if err != nil {
						t.Errorf("%s names no line", f.Name.Name)
					}
					tested[n] = true
				}
			}
		}
	}
	return tested
}
