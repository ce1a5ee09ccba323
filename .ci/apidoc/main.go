// Command apidoc checks what a stranger meets first: that every package and
// every exported name is documented, and that the tree has the shape it should.
package main

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// top is what the top level holds, apart from dotfiles.
var top = []string{"LICENSE", "README.md", "backup", "crowd", "examples", "go.mod", "go.sum", "groupsync", "mapping", "scim"}

// wellKnown are methods that need no words of their own.
var wellKnown = []string{"Error", "Unwrap", "Is"}

func main() {
	problems := append(topLevel(), packages()...)
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func topLevel() (problems []string) {
	entries, err := os.ReadDir(".")
	if err != nil {
		return []string{err.Error()}
	}
	var have []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			have = append(have, e.Name())
		}
	}
	if !slices.Equal(have, top) {
		problems = append(problems, fmt.Sprintf("top level holds %v, want %v", have, top))
	}
	return problems
}

func packages() (problems []string) {
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); path != "." && (strings.HasPrefix(name, ".") || name == "testdata") {
			return fs.SkipDir
		}
		found, p := checkDir(path)
		if found {
			seen++
		}
		problems = append(problems, p...)
		return nil
	})
	if err != nil {
		problems = append(problems, err.Error())
	}
	if seen < 5 {
		problems = append(problems, fmt.Sprintf("only %d packages found: run this from the top level", seen))
	}
	return problems
}

func checkDir(dir string) (found bool, problems []string) {
	names, _ := filepath.Glob(filepath.Join(dir, "*.go"))
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return true, []string{err.Error()}
		}
		files = append(files, f)
	}
	if len(files) == 0 {
		return false, nil
	}
	pkg, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		return true, []string{err.Error()}
	}
	complain := func(name, text string) {
		words := strings.Fields(text)
		if len(words) == 0 {
			problems = append(problems, fmt.Sprintf("%s: %s has no documentation", dir, name))
			return
		}
		if w := words[0]; w != name && !slices.Contains([]string{"A", "An", "The"}, w) {
			problems = append(problems, fmt.Sprintf("%s: the documentation of %s begins with %q", dir, name, w))
		}
	}
	if pkg.Name != "main" {
		if !strings.HasPrefix(pkg.Doc, "Package "+pkg.Name+" ") {
			problems = append(problems, fmt.Sprintf("%s: the package comment does not begin with \"Package %s\"", dir, pkg.Name))
		}
	} else if !strings.HasPrefix(pkg.Doc, "Command ") {
		problems = append(problems, fmt.Sprintf("%s: the package comment does not begin with \"Command\"", dir))
	}
	for _, f := range pkg.Funcs {
		complain(f.Name, f.Doc)
	}
	for _, t := range pkg.Types {
		complain(t.Name, t.Doc)
		for _, f := range slices.Concat(t.Funcs, t.Methods) {
			if !slices.Contains(wellKnown, f.Name) {
				complain(f.Name, f.Doc)
			}
		}
	}
	return true, problems
}
