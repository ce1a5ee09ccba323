package bridge

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// forwarded returns the request as it came to the first of the trusted proxies: the
// address of its client is the last in X-Forwarded-For that is none of theirs. Of a
// request that comes from elsewhere the header is not read.
func forwarded(r *http.Request, trusted []netip.Prefix) *http.Request {
	if len(trusted) == 0 || !within(peer(r.RemoteAddr), trusted) {
		return r
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		client := peer(strings.TrimSpace(hop))
		if !client.IsValid() {
			return r // whatever stands in front of it is anybody's word
		}
		if !within(client, trusted) {
			at := r.WithContext(r.Context())
			at.RemoteAddr = net.JoinHostPort(client.String(), "0")
			return at
		}
	}
	return r
}

// peer returns the address in a text with or without port.
func peer(text string) netip.Addr {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	a, _ := netip.ParseAddr(strings.Trim(text, "[]"))
	return a.Unmap()
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(a) })
}
