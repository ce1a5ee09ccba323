package crowd

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"net/http"
)

// A Membership is one edge of the dump of all memberships: exactly one of User
// and ChildGroup is set, or neither for a group without members.
type Membership struct {
	Group      string
	User       string
	ChildGroup string
}

// Memberships streams all direct memberships of all groups, edge by edge, in
// memory that does not grow with them. It is by far the cheapest way to read
// everything and the heaviest single request there is: a Client has one dump
// under way at a time, and others wait. Do not begin one within the loop over
// another. Other calls within the loop are fine.
//
// A dump that breaks off ends in an error and begins anew only before its first
// edge, and never because the server was silent for too long. Old servers do
// not have it: [ErrUnsupported].
//
// Resource: GET group/membership.
func (c *Client) Memberships(ctx context.Context) iter.Seq2[Membership, error] {
	return func(yield func(Membership, error) bool) {
		k := call{
			op: "list memberships", method: http.MethodGet, resource: "group/membership",
			accept: mediaXML, client: c.dumps, repeat: true, heavy: true, optional: true,
		}
		var reader *dumpReader
		var edge *Membership
		k.read = func(r *http.Response) (err error) {
			if media := mediaType(r.Header); media != mediaXML {
				return undecodable(media, r.Body)
			}
			reader = newDumpReader(r.Body)
			edge, err = reader.next()
			return err
		}
		response, err := c.exchange(ctx, k)
		if err != nil {
			yield(Membership{}, err)
			return
		}
		defer func() { _ = response.Body.Close() }()
		for edge != nil {
			if !yield(*edge, nil) {
				return
			}
			if edge, err = reader.next(); err != nil {
				yield(Membership{}, k.unreadable(0, err))
				return
			}
		}
	}
}

// A dumpReader reads the elements of a dump one by one; not even a group is
// held as a whole.
type dumpReader struct {
	xml     *xml.Decoder
	stretch *stretchReader // to the next edge
	path    []string       // of open elements
	rooted  bool           // the root element has been seen
	group   string
	empty   bool // the open group has shown no member yet
}

func newDumpReader(r io.Reader) *dumpReader {
	stretch := &stretchReader{reader: r, limit: maxEdge}
	return &dumpReader{xml: xml.NewDecoder(stretch), stretch: stretch}
}

// next returns the next edge, nil at the end of the document.
func (d *dumpReader) next() (*Membership, error) {
	d.stretch.begin()
	for {
		token, err := d.xml.Token()
		if err == io.EOF && d.rooted {
			return nil, nil // an element left open would have been another error
		}
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		edge, err := d.take(token)
		if edge != nil || err != nil {
			return edge, err
		}
	}
}

// take follows one token and returns the edge it completes, if any.
func (d *dumpReader) take(token xml.Token) (*Membership, error) {
	switch t := token.(type) {
	case xml.StartElement:
		return d.open(t)
	case xml.EndElement:
		d.path = d.path[:len(d.path)-1]
		if len(d.path) == 1 && d.empty {
			d.empty = false
			return &Membership{Group: d.group}, nil
		}
	}
	return nil, nil
}

func (d *dumpReader) open(t xml.StartElement) (*Membership, error) {
	name := t.Name.Local
	d.path = append(d.path, name)
	switch len(d.path) {
	case 1:
		if name != "memberships" {
			return nil, errors.New("it is not a list of memberships")
		}
		d.rooted = true
	case 2:
		if name != "membership" {
			return nil, d.skip()
		}
		d.group, d.empty = attribute(t, "group"), true
		if d.group == "" {
			return nil, errors.New("a membership is of no group")
		}
	case 3:
		if name != "users" && name != "groups" {
			return nil, d.skip()
		}
	case 4:
		return d.member(t)
	}
	return nil, nil
}

// member reads a user or group element, whatever is within it.
func (d *dumpReader) member(t xml.StartElement) (*Membership, error) {
	edge := &Membership{Group: d.group}
	name := attribute(t, "name")
	switch {
	case t.Name.Local == "user" && d.path[2] == "users":
		edge.User = name
	case t.Name.Local == "group" && d.path[2] == "groups":
		edge.ChildGroup = name
	default:
		return nil, d.skip()
	}
	if name == "" {
		return nil, errors.New("a member has no name")
	}
	d.empty = false
	return edge, d.skip()
}

// skip reads over the rest of the element just opened.
func (d *dumpReader) skip() error {
	d.path = d.path[:len(d.path)-1]
	return d.xml.Skip()
}

func attribute(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
