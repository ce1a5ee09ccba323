// Package idp has a page for each identity provider: what to set here, what to click
// there, and what it cannot do. The pages are the Markdown files beside it; programs
// that help to set up a connection show them.
package idp

import (
	"embed"

	"github.com/scimcrowd/scimcrowd/scim"
)

//go:embed *.md
var pages embed.FS

// Page returns the page of a provider in Markdown, "" if there is none.
func Page(p scim.Provider) string {
	text, err := pages.ReadFile(string(p) + ".md")
	if err != nil {
		return ""
	}
	return string(text)
}
