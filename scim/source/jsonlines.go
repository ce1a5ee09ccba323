package source

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"strings"

	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// JSONLines is a [Source] that reads a file: one JSON object in each line, first
// users, then groups, then one that ends it.
//
//	{"id": "1", "userName": "ann", "emails": [{"value": "ann@example.com"}]}
//	{"id": "7", "displayName": "devs", "members": [{"value": "1"}]}
//	{"end": {"users": 1, "groups": 1}}
//
// Users and groups are resources of RFC 7643 sections 4.1 and 4.2. Their id is that
// of the identity provider; where there is none, their externalId is taken for it.
// Names of attributes are compared ignoring case. A group without "members", or with
// null there, does not tell who is in it, and an import leaves its members alone; an
// empty list says that nobody is. A line has at most 16 MiB. Empty lines are passed over.
//
// The last line counts those before it. A file without it may have been cut off: its
// records come, and then an error that matches [ErrIncomplete].
type JSONLines struct {
	r io.Reader
}

// NewJSONLines returns a source that reads r. Its records can be gone through once.
func NewJSONLines(r io.Reader) *JSONLines { return &JSONLines{r} }

const (
	longestLine = 16 << 20
	deepestLine = 32
)

// Records implements [Source].
func (s *JSONLines) Records(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		l := &lines{r: bufio.NewReaderSize(s.r, 64<<10)}
		for {
			record, err := l.next()
			if err == nil {
				err = ctx.Err()
			}
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(Record{}, l.fault(err))
				return
			}
			if !yield(record, nil) {
				return
			}
		}
	}
}

// lines are those of a file, as far as they have been read.
type lines struct {
	r             *bufio.Reader
	line          int
	users, groups int
	ended         bool
}

func (l *lines) fault(err error) error {
	return &Error{Source: "json lines", Op: fmt.Sprintf("line %d", l.line), Err: err}
}

// next returns the next record, io.EOF at the end of a whole file.
func (l *lines) next() (Record, error) {
	for {
		line, err := l.read()
		if err != nil {
			return Record{}, err
		}
		if len(line) == 0 {
			continue
		}
		if l.ended {
			return Record{}, errors.New(`there is more behind the line with "end"`)
		}
		doc, err := decode(line)
		if err != nil {
			return Record{}, err
		}
		if end, ok := doc["end"]; ok {
			if err := l.end(end); err != nil {
				return Record{}, err
			}
			continue
		}
		return l.record(doc)
	}
}

// decode reads one JSON object.
func decode(text []byte) (map[string]any, error) {
	doc, err := resource.Decode(text, resource.Limits{Depth: deepestLine})
	if e, ok := errors.AsType[*resource.Error](err); ok {
		return nil, errors.New(e.Detail)
	}
	return doc, err
}

// read returns the next line without its end and blanks around it.
func (l *lines) read() ([]byte, error) {
	var line []byte
	for {
		part, err := l.r.ReadSlice('\n')
		if line = append(line, part...); len(line) > longestLine {
			return nil, fmt.Errorf("the line is longer than %d bytes", longestLine)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(line) > 0:
			l.line++
			return bytes.TrimSpace(line), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && !l.ended:
			return nil, fmt.Errorf(`%w: the last line, such as {"end": {"users": %d, "groups": %d}}, is missing`, ErrIncomplete, l.users, l.groups)
		default:
			return nil, err
		}
	}
}

// end holds the counts of the last line against what came before it.
func (l *lines) end(v any) error {
	counts, _ := v.(map[string]any)
	for _, c := range []struct {
		what string
		have int
	}{{"users", l.users}, {"groups", l.groups}} {
		n, _ := counts[c.what].(json.Number)
		if want, err := n.Int64(); err != nil || want != int64(c.have) {
			return fmt.Errorf("%w: the file has %d %s, its last line says %s", ErrIncomplete, c.have, c.what, cmp.Or(n.String(), "nothing"))
		}
	}
	l.ended = true
	return nil
}

// record makes a record of a line.
func (l *lines) record(doc map[string]any) (Record, error) {
	id := cmp.Or(text(doc, "id"), text(doc, "externalId"))
	if id == "" {
		return Record{}, errors.New(`there is neither "id" nor "externalId"`)
	}
	if _, user := attribute(doc, "userName"); user {
		if l.groups > 0 {
			return Record{}, errors.New("a user comes after a group; users must come first")
		}
		l.users++
		return Record{ID: id, User: withID(doc, id)}, nil
	}
	l.groups++
	group, err := groupOf(doc)
	return Record{ID: id, Group: group}, err
}

// withID makes the source's id the externalId of a user, and drops what only the
// source can know.
func withID(user map[string]any, id string) map[string]any {
	for _, name := range []string{"id", "meta", "groups", "externalId"} {
		maps.DeleteFunc(user, func(key string, _ any) bool { return strings.EqualFold(key, name) })
	}
	user["externalId"] = id
	return user
}

// groupOf reads a Group resource. One without members does not tell them: a server
// may leave out what is empty, but also what it was not asked for, or what its user
// may not see (RFC 7643 sections 2.5 and 7, RFC 7644 section 3.9).
func groupOf(doc map[string]any) (*Group, error) {
	name := text(doc, "displayName")
	if name == "" {
		return nil, errors.New(`there is neither "userName" nor "displayName"`)
	}
	told, _ := attribute(doc, "members")
	if told == nil {
		return &Group{Name: name}, nil
	}
	list, ok := told.([]any)
	if !ok {
		return nil, errors.New(`"members" is not a list`)
	}
	members := make([]Member, 0, len(list))
	for _, item := range list {
		m, err := memberOf(item)
		if err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return &Group{Name: name, Members: func(yield func(Member, error) bool) {
		for _, m := range members {
			if !yield(m, nil) {
				return
			}
		}
	}}, nil
}

// memberOf reads a member: a group says so by its type or its address (RFC 7643
// section 4.2).
func memberOf(item any) (Member, error) {
	object, _ := item.(map[string]any)
	id := text(object, "value")
	if id == "" {
		return Member{}, errors.New(`a member has no "value"`)
	}
	kind, ref := text(object, "type"), text(object, "$ref")
	return Member{ID: id, Group: strings.EqualFold(kind, "Group") || kind == "" && strings.Contains(ref, "/Groups/")}, nil
}

// WriteJSONLines writes all records of a source as [JSONLines] reads them. A source
// that ends early leaves the file without its last line, and its error is returned.
func WriteJSONLines(ctx context.Context, w io.Writer, s Source) error {
	out := bufio.NewWriter(w)
	var users, groups int
	for record, err := range s.Records(ctx) {
		if err != nil {
			return errors.Join(err, out.Flush())
		}
		doc := record.User
		if record.Group != nil {
			groups++
			if doc, err = groupDoc(record); err != nil {
				return errors.Join(err, out.Flush())
			}
		} else {
			users++
		}
		if err := writeLine(out, doc); err != nil {
			return err
		}
	}
	if err := writeLine(out, map[string]any{"end": map[string]any{"users": users, "groups": groups}}); err != nil {
		return err
	}
	return out.Flush()
}

func groupDoc(r Record) (map[string]any, error) {
	doc := map[string]any{"id": r.ID, "displayName": r.Group.Name}
	if r.Group.Members == nil {
		return doc, nil
	}
	members := []any{}
	for m, err := range r.Group.Members {
		if err != nil {
			return nil, err
		}
		member := map[string]any{"value": m.ID}
		if m.Group {
			member["type"] = "Group"
		}
		members = append(members, member)
	}
	doc["members"] = members
	return doc, nil
}

func writeLine(w io.Writer, doc map[string]any) error {
	line, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
