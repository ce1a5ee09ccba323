package mapping_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The package decides and does nothing: it imports no sibling, and of the standard library and others only what
// computes. The clock is not read, though time is, of a filter's values.
func TestImports(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"bytes", "cmp", "encoding/json", "errors", "fmt", "iter", "maps", "math/big", "reflect", "regexp", "regexp/syntax", "slices", "strconv",
		"strings", "time", "unicode", "unicode/utf16", "unicode/utf8", "golang.org/x/text/unicode/norm",
		"github.com/scimcrowd/scimcrowd/mapping/filter",
	}
	files, err := filepath.Glob("*.go")
	below, err2 := filepath.Glob("filter/*.go")
	if err != nil || err2 != nil || len(below) == 0 {
		t.Fatal(err, err2, below)
	}
	for _, name := range append(files, below...) {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(allowed, path) && !strings.HasPrefix(path, "github.com/expr-lang/expr") {
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && does(s) {
				t.Errorf("%s uses %s", name, s.Sel.Name)
			}
			return true
		})
	}
}

// does reports whether a name is that of something that reads the clock, waits or prints.
func does(s *ast.SelectorExpr) bool {
	p, ok := s.X.(*ast.Ident)
	if !ok {
		return false
	}
	switch p.Name {
	case "time":
		return slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Local"}, s.Sel.Name)
	case "fmt":
		return strings.HasPrefix(s.Sel.Name, "Print") || strings.HasPrefix(s.Sel.Name, "Scan")
	}
	return false
}
