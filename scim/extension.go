package scim

import (
	elimity "github.com/elimity-com/scim/schema"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// An Extension is a schema extension of User (RFC 7643 section 3.3).
type Extension struct {
	// Schema is the extension's schema; its JSON form is that of RFC 7643
	// section 7.
	Schema elimity.Schema `json:"schema"`
	// Required makes every user have the extension.
	Required bool `json:"required,omitempty"`
}

func userType(extensions []Extension) (*resource.Type, error) {
	declared := make([]resource.Extension, 0, len(extensions))
	for _, e := range extensions {
		declared = append(declared, resource.Extension{Schema: e.Schema, Required: e.Required})
	}
	return resource.UserType(declared...)
}
