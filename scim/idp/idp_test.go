package idp_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/scimcrowd/scimcrowd/scim"
	"github.com/scimcrowd/scimcrowd/scim/idp"
)

func TestEachProviderHasItsPage(t *testing.T) {
	t.Parallel()
	for _, p := range scim.Providers() {
		page := idp.Page(p)
		if !strings.HasPrefix(page, "# ") || !strings.Contains(page, "\n## There\n") {
			t.Errorf("%s: the page does not say what to click there: %.60q", p, page)
		}
	}
	for _, none := range []scim.Provider{"", "nobody", "../doc", "README.md"} {
		if page := idp.Page(none); page != "" {
			t.Errorf("Page(%q) = %.60q", none, page)
		}
	}
}

func ExamplePage() {
	title, _, _ := strings.Cut(idp.Page(scim.Entra), "\n")
	fmt.Println(title)
	// Output: # Microsoft Entra ID
}
