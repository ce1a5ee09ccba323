package filter_test

import (
	"errors"
	"fmt"

	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
)

func Example() {
	user := map[string]any{
		"userName": "Ann",
		"emails":   []any{map[string]any{"type": "work", "value": "ann@harbour.example"}},
	}
	schema := mapping.DefaultSchema()

	e, err := filter.Parse(`userName eq "ann" and emails[type eq "work" and value ew "@HARBOUR.example"]`)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := filter.Check(e, schema); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(filter.Match(e, user, schema))
	// Output: true
}

func ExampleParse_error() {
	_, err := filter.Parse(`userName eq jsmith`)
	if e, ok := errors.AsType[*filter.SyntaxError](err); ok {
		fmt.Println(e.Offset, e.Problem)
	}
	// Output: 12 "jsmith" is no value: write text in double quotes
}

func ExamplePath_Values() {
	user := map[string]any{"emails": []any{
		map[string]any{"type": "home", "value": "ann@home.example"},
		map[string]any{"type": "work", "value": "ann@harbour.example"},
	}}
	p, err := filter.ParsePath(`emails[type eq "work"].value`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Values(user, mapping.DefaultSchema()))
	// Output: [ann@harbour.example]
}

func ExampleCheck() {
	e, err := filter.Parse(`active gt "yes"`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(filter.Check(e, mapping.DefaultSchema()))
	// Output: filter: attribute active: the operator gt does not apply to a boolean
}
