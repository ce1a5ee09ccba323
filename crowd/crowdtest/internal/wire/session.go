package wire

import "encoding/xml"

// A Session is a single sign-on session.
type Session struct {
	XMLName xml.Name `json:"-" xml:"session"`
	Expand  string   `json:"expand" xml:"expand,attr"`
	Token   string   `json:"token" xml:"token"`
	User    User     `json:"user" xml:"user"`
	Link    Link     `json:"link" xml:"link"`
	Created Time     `json:"created-date" xml:"created-date"`
	Expires Time     `json:"expiry-date" xml:"expiry-date"`
}

// An Authentication asks for a session.
type Authentication struct {
	XMLName  xml.Name `json:"-" xml:"authentication-context"`
	Username string   `json:"username" xml:"username"`
	Password string   `json:"password" xml:"password"`
	Factors  *Factors `json:"validation-factors" xml:"validation-factors"`
}

// Factors is what a session is bound to, such as the address of a browser.
type Factors struct {
	XMLName xml.Name `json:"-" xml:"validation-factors"`
	Factors []Factor `json:"validationFactors" xml:"validation-factor"`
	// Dashed is the spelling of the generated reference pages.
	Dashed []Factor `json:"validation-factor" xml:"-"`
}

// A Factor is a name and a value.
type Factor struct {
	Name  string `json:"name" xml:"name"`
	Value string `json:"value" xml:"value"`
}

// All returns the factors of either spelling.
func (f *Factors) All() []Factor {
	if f == nil {
		return nil
	}
	return append(f.Factors[:len(f.Factors):len(f.Factors)], f.Dashed...)
}
