package crowd

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// An entryReader reads the entries of a list one by one, so that a list of any
// length needs the memory of one entry.
type entryReader[W any] struct {
	kind string // "user" or "group": the name of an entry, and, with an s, of the list
	json *json.Decoder
	xml  *xml.Decoder
	body *stretchReader // to the next entry
	err  error

	inside bool // in the array, or in the root element
	seen   bool // the list's member has come
	done   bool
	entry  W    // the latest, whose memory serves for all
	ahead  bool // it was read already by peekEnd
}

func newEntryReader[W any](media string, body io.Reader, kind string) *entryReader[W] {
	r := &entryReader[W]{kind: kind, body: &stretchReader{reader: body, limit: maxEntity}}
	switch media {
	case mediaJSON:
		r.json = json.NewDecoder(r.body)
	case mediaXML:
		r.xml = xml.NewDecoder(r.body)
	default:
		r.err = undecodable(media, body)
	}
	return r
}

// next returns the next entry, nil at the end of the whole document: a list
// that was cut off is an error, wherever it was cut. The entry is good until
// the next is read.
func (r *entryReader[W]) next() (*W, error) {
	if r.ahead {
		r.ahead = false
		return &r.entry, nil
	}
	if r.err != nil || r.done {
		return nil, r.err
	}
	r.body.begin()
	var w *W
	if r.json != nil {
		w, r.err = r.nextJSON()
	} else {
		w, r.err = r.nextXML()
	}
	if r.err == io.EOF {
		r.err = io.ErrUnexpectedEOF
	}
	if w == nil && r.err == nil {
		r.done = true
		drain(r.body)
	}
	return w, r.err
}

// peekEnd makes done known after the last entry that was wanted.
func (r *entryReader[W]) peekEnd() error {
	w, err := r.next()
	r.ahead = w != nil && err == nil
	return err
}

// blank returns the entry, without what was in it.
func (r *entryReader[W]) blank() *W {
	r.entry = *new(W)
	return &r.entry
}

func (r *entryReader[W]) nextJSON() (*W, error) {
	for !r.inside {
		if more, err := r.enterJSON(); !more || err != nil {
			return nil, err
		}
	}
	if r.json.More() {
		w := r.blank()
		return w, r.json.Decode(w)
	}
	if _, err := r.json.Token(); err != nil {
		return nil, err
	}
	r.inside = false
	return r.nextJSON()
}

// enterJSON goes on to the array of entries, over everything else, and reports
// whether there is one.
func (r *entryReader[W]) enterJSON() (bool, error) {
	if !r.seen && r.json.InputOffset() == 0 {
		if err := r.open('{'); err != nil {
			return false, err
		}
	}
	if !r.json.More() {
		_, err := r.json.Token()
		if err == nil && !r.seen {
			err = fmt.Errorf("it has no list of %ss", r.kind)
		}
		return false, err
	}
	name, err := r.json.Token()
	if err != nil {
		return false, err
	}
	if name != r.kind && name != r.kind+"s" || r.seen {
		return true, r.skipJSON()
	}
	r.seen = true
	return true, r.openList()
}

func (r *entryReader[W]) open(want json.Delim) error {
	token, err := r.json.Token()
	if err == nil && token != want {
		err = errors.New("it is not the JSON of a list")
	}
	return err
}

// openList enters the list, which is an array, null, or one entry.
func (r *entryReader[W]) openList() error {
	token, err := r.json.Token()
	switch {
	case err != nil:
		return err
	case token == nil:
		return nil
	case token == json.Delim('['):
		r.inside = true
		return nil
	}
	return errors.New("it is not the JSON of a list")
}

// skipJSON reads over one value.
func (r *entryReader[W]) skipJSON() error {
	for depth := 0; ; {
		token, err := r.json.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func (r *entryReader[W]) nextXML() (*W, error) {
	for {
		token, err := r.xml.Token()
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch {
			case !r.inside && t.Name.Local != r.kind+"s":
				return nil, fmt.Errorf("it is not a list of %ss", r.kind)
			case !r.inside:
				r.inside = true
			case t.Name.Local == r.kind:
				w := r.blank()
				return w, r.xml.DecodeElement(w, &t)
			default:
				if err := r.xml.Skip(); err != nil {
					return nil, err
				}
			}
		case xml.EndElement:
			return nil, nil
		}
	}
}
