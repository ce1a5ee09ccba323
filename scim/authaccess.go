package scim

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// Access says how tokens are presented, whose else than the connection's own are
// accepted, and from where requests may come. With its zero value a token comes
// in the Authorization header, after "Bearer" or as the password of "Basic" with
// any user name, from any address.
type Access struct {
	// Raw also takes a token that stands alone in the header, as Okta's apps
	// with "HTTP Header" authentication send it. Default false.
	Raw bool `json:"raw,omitempty"`
	// Scheme is a word that is taken in front of the token as "Bearer" is, for
	// clients whose word can be changed, such as PingFederate. Default none.
	Scheme string `json:"scheme,omitempty"`
	// Header is the header that has the token. In any but Authorization it may
	// stand alone. Default "Authorization".
	Header string `json:"header,omitempty"`
	// Addresses lists the only client addresses and networks from which requests
	// are taken, such as "192.0.2.17" or "2001:db8::/32"; all others are answered
	// 403 before any credential is looked at. Default: all are taken.
	//
	// The address is [http.Request.RemoteAddr]. Behind a proxy that is the
	// proxy's, unless a middleware of the caller's puts the client's there. Only
	// the caller knows which proxies to trust, so X-Forwarded-For and its like
	// are never read here.
	Addresses []string `json:"addresses,omitempty"`
	// Issuers sign JSON web tokens that are accepted besides the connection's own
	// tokens. Of several, the first that accepts a token decides what it may do.
	// Default none.
	Issuers []Issuer `json:"issuers,omitempty"`
}

const authorization = "Authorization"

// Validate returns an error that says what is wrong with the settings: nobody could
// authenticate under them.
func (a Access) Validate() error {
	if !word.MatchString(a.Header) {
		return fmt.Errorf("scim: access.header: %q is no name of a header such as \"X-Api-Key\"", a.Header)
	}
	if !word.MatchString(a.Scheme) || strings.EqualFold(a.Scheme, "basic") {
		return fmt.Errorf("scim: access.scheme: %q is no word such as \"OAuth\"; Basic and Bearer are understood without it", a.Scheme)
	}
	for i, issuer := range a.Issuers {
		if err := issuer.Validate(); err != nil {
			return fmt.Errorf("scim: access.issuers[%d]: %w", i, err)
		}
	}
	_, err := a.networks()
	return err
}

var word = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

func (a Access) header() string {
	if a.Header == "" {
		return authorization
	}
	return http.CanonicalHeaderKey(a.Header)
}

// presented returns the token of a request.
func (a Access) presented(r *http.Request) (string, error) {
	name := a.header()
	values := r.Header.Values(name)
	switch len(values) {
	case 0:
		return "", &CredentialError{Problem: fmt.Sprintf("no %s header; send: %[1]s: Bearer TOKEN", name), Err: ErrOtherCredential}
	case 1:
	default:
		return "", &CredentialError{Problem: "more than one " + name + " header"}
	}
	scheme, rest, found := strings.Cut(strings.TrimSpace(values[0]), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case a.isScheme(scheme) && rest != "":
		return rest, nil
	case strings.EqualFold(scheme, "basic") && name == authorization:
		if _, password, ok := r.BasicAuth(); ok && password != "" {
			return password, nil
		}
	case !found && scheme != "" && !a.isScheme(scheme):
		return a.alone(scheme, name)
	}
	return "", &CredentialError{Problem: fmt.Sprintf("the %s header is malformed; send: %[1]s: Bearer TOKEN", name)}
}

func (a Access) isScheme(word string) bool {
	return strings.EqualFold(word, "bearer") || (a.Scheme != "" && strings.EqualFold(word, a.Scheme))
}

// alone takes a token that has no scheme in front of it. Where that is not
// allowed, the token comes with the error.
func (a Access) alone(text, header string) (string, error) {
	if a.Raw || header != authorization {
		return text, nil
	}
	return text, &CredentialError{
		Problem: `the Authorization header has a token without "Bearer" in front; add that in the identity provider, or switch on the setting access.raw here`,
	}
}

// networks is where requests may come from, empty for everywhere.
type networks []netip.Prefix

func (a Access) networks() (networks, error) {
	var list networks
	for i, text := range a.Addresses {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(text); err == nil && addr.Zone() == "" {
				p = netip.PrefixFrom(addr, addr.BitLen())
			}
		}
		if err != nil || !p.IsValid() {
			return nil, fmt.Errorf("scim: access.addresses[%d]: %q is no address or network such as \"192.0.2.17\" or \"2001:db8::/32\"", i, text)
		}
		list = append(list, unmapped(p))
	}
	return list, nil
}

// unmapped returns an IPv4 network written as IPv6 in its own form.
func unmapped(p netip.Prefix) netip.Prefix {
	const within = 96 // bits in front of an IPv4 address
	if p.Addr().Is4In6() && p.Bits() >= within {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-within)
	}
	return p.Masked()
}

// check refuses a client outside the networks.
func (n networks) check(remoteAddr string) error {
	if len(n) == 0 {
		return nil
	}
	host, _, err := net.SplitHostPort(remoteAddr)
	if err != nil {
		host = remoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return &CredentialError{Problem: "requests are taken from listed addresses only, and yours is not known", Err: ErrForbidden}
	}
	addr = addr.Unmap().WithZone("")
	if slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(addr) }) {
		return nil
	}
	return &CredentialError{Problem: fmt.Sprintf("requests from %s are not taken; the setting access.addresses lists from where they are", addr), Err: ErrForbidden}
}
