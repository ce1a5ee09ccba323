package backup

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
)

// A Snapshot is the state of a connection at some time, as [WriteSnapshot] wrote it.
// It is a [groupsync.Past], to be handed to [groupsync.Engine.PlanRestore], and may be
// compared with now, see [Snapshot.Compare].
//
// Users are read from the file when they are asked for; of each no more than a few
// numbers are kept. It is safe for concurrent use as far as the reader is.
type Snapshot struct {
	r      io.ReaderAt
	size   int64
	head   snapshotHead
	end    snapshotEnd
	groups []*groupsync.GroupState
	begin  int64 // where the users begin
	line   int   // the number of the line before
	seed   maphash.Seed
	ids    []userLine // by hash of the id
	names  []userLine // by hash of the folded name
}

// A userLine is where a user's line is. Its sum tells whether that still is what was
// verified.
type userLine struct {
	hash, sum uint64
	offset    int64
	length    int32
	number    int32 // of the line
}

// OpenSnapshot verifies a snapshot of that many bytes, whole: that nothing is missing,
// was added or altered. What is wrong is a *[SnapshotError]. The sum shows damage, not
// forgery: who can write the file can write its sum.
func OpenSnapshot(r io.ReaderAt, size int64) (*Snapshot, error) {
	s := &Snapshot{r: r, size: size, seed: maphash.MakeSeed()}
	lines := newSnapshotReader(io.NewSectionReader(r, 0, size))
	if err := s.readHead(lines); err != nil {
		return nil, err
	}
	for {
		raw, l, err := nextLine(lines)
		if err != nil {
			return nil, err
		}
		if l.End != nil {
			if err := s.readEnd(lines, l.End); err != nil {
				return nil, err
			}
			return s, s.sort()
		}
		if err := s.enter(lines, raw, l); err != nil {
			return nil, err
		}
	}
}

func nextLine(lines *snapshotReader) ([]byte, *snapshotLine, error) {
	raw, err := lines.read()
	if err == io.EOF {
		return nil, nil, lines.wrong("the snapshot ends before it, without its end: it was cut off")
	}
	if err != nil {
		return nil, nil, err
	}
	l, err := lines.parse(raw)
	return raw, l, err
}

func (s *Snapshot) readHead(lines *snapshotReader) error {
	_, l, err := nextLine(lines)
	switch {
	case err != nil:
		return err
	case l.Head == nil:
		return lines.wrong("it is not the head of a snapshot")
	case l.Head.Format != SnapshotFormat:
		return lines.wrong("the format is %s; this version reads %q", quote(l.Head.Format), SnapshotFormat)
	}
	s.head = *l.Head
	s.begin, s.line = lines.next, lines.line
	return nil
}

// enter takes notice of a group or user.
func (s *Snapshot) enter(lines *snapshotReader, raw []byte, l *snapshotLine) error {
	switch {
	case l.Group != nil && len(s.ids) > 0 || l.Head != nil:
		return lines.wrong("it does not belong there: the head comes first, then groups, then users")
	case l.Group != nil && len(s.groups) == maxSnapshotGroups:
		return lines.wrong("there are more than %d groups", maxSnapshotGroups)
	case l.Group != nil:
		s.groups = append(s.groups, l.Group)
		s.begin, s.line = lines.next, lines.line
		return nil
	case len(s.ids) == maxSnapshotUsers:
		return lines.wrong("there are more than %d users", maxSnapshotUsers)
	}
	at := userLine{sum: maphash.Bytes(s.seed, raw), offset: lines.offset, length: int32(len(raw)), number: int32(lines.line)}
	at.hash = maphash.String(s.seed, l.User.ID)
	s.ids = append(s.ids, at)
	at.hash = maphash.String(s.seed, crowd.Fold(l.User.Name))
	s.names = append(s.names, at)
	return nil
}

func (s *Snapshot) readEnd(lines *snapshotReader, end *snapshotEnd) error {
	if got := hex.EncodeToString(lines.sum[:]); got != end.SHA256 {
		return lines.wrong("the sum of the lines before is another: the snapshot was altered")
	}
	if end.Groups != len(s.groups) || end.Users != len(s.ids) {
		return lines.wrong("it tells of %d groups and %d users, and there are %d and %d", end.Groups, end.Users, len(s.groups), len(s.ids))
	}
	if _, err := lines.read(); err != io.EOF {
		return lines.wrong("something follows the end")
	}
	s.end = *end
	return nil
}

// sort orders the indexes, and refuses ids that stand there twice.
func (s *Snapshot) sort() error {
	byHash := func(x, y userLine) int { return cmp.Or(cmp.Compare(x.hash, y.hash), cmp.Compare(x.offset, y.offset)) }
	slices.SortFunc(s.ids, byHash)
	slices.SortFunc(s.names, byHash)
	for i := 1; i < len(s.ids); i++ {
		if s.ids[i-1].hash == s.ids[i].hash {
			return &SnapshotError{int(s.ids[i].number), fmt.Sprintf("the user of line %d has that id already", s.ids[i-1].number)}
		}
	}
	seen := map[string]bool{}
	for _, g := range s.groups {
		if seen[g.ID] {
			return &SnapshotError{1, fmt.Sprintf("two groups have the id %s", quote(g.ID))}
		}
		seen[g.ID] = true
	}
	return nil
}

// Connection returns the name of the connection that it is of.
func (s *Snapshot) Connection() string { return s.head.Connection }

// Taken returns when it was taken.
func (s *Snapshot) Taken() time.Time { return s.head.Taken }

// Size returns how many SCIM groups and users it holds.
func (s *Snapshot) Size() (groups, users int) { return s.end.Groups, s.end.Users }

// Groups returns the SCIM groups, by folded name as they were then.
func (s *Snapshot) Groups() iter.Seq2[*groupsync.GroupState, error] {
	return func(yield func(*groupsync.GroupState, error) bool) {
		for _, g := range s.groups {
			if !yield(g, nil) {
				return
			}
		}
	}
}

// Users reads all users.
func (s *Snapshot) Users() iter.Seq2[*groupsync.UserState, error] {
	return func(yield func(*groupsync.UserState, error) bool) {
		lines := newSnapshotReader(io.NewSectionReader(s.r, s.begin, s.size-s.begin))
		lines.line = s.line
		for range s.ids {
			raw, l, err := nextLine(lines)
			if err == nil && (l.User == nil || !s.verified(l.User.ID, raw)) {
				err = lines.wrong("it has changed while the snapshot was in use")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(l.User, nil) {
				return
			}
		}
	}
}

func (s *Snapshot) verified(id string, raw []byte) bool {
	i, found := s.find(s.ids, id)
	return found && s.ids[i].sum == maphash.Bytes(s.seed, raw)
}

// User returns the user of an id, nil if there is none.
func (s *Snapshot) User(id string) (*groupsync.UserState, error) {
	i, found := s.find(s.ids, id)
	if !found {
		return nil, nil
	}
	u, err := s.at(s.ids[i])
	if err != nil || u.ID != id {
		return nil, err
	}
	return u, nil
}

// UserNamed returns the user of a name in any case, nil if there is none.
func (s *Snapshot) UserNamed(name string) (*groupsync.UserState, error) {
	i, found := s.find(s.names, crowd.Fold(name))
	if !found {
		return nil, nil
	}
	u, err := s.at(s.names[i])
	if err != nil || crowd.Fold(u.Name) != crowd.Fold(name) {
		return nil, err
	}
	return u, nil
}

// find returns where a text stands in an index.
func (s *Snapshot) find(index []userLine, text string) (int, bool) {
	return slices.BinarySearchFunc(index, maphash.String(s.seed, text), func(l userLine, h uint64) int { return cmp.Compare(l.hash, h) })
}

// at reads the user of a line.
func (s *Snapshot) at(l userLine) (*groupsync.UserState, error) {
	lines := &snapshotReader{line: int(l.number)}
	raw := make([]byte, l.length)
	if _, err := s.r.ReadAt(raw, l.offset); err != nil && err != io.EOF {
		return nil, fmt.Errorf("backup: read snapshot: %w", err)
	}
	if maphash.Bytes(s.seed, raw) != l.sum {
		return nil, lines.wrong("it has changed while the snapshot was in use")
	}
	parsed, err := lines.parse(raw)
	if err != nil {
		return nil, err
	}
	return parsed.User, nil
}

// String names the snapshot.
func (s *Snapshot) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "connection %s as of %s: %d SCIM groups, %d users", s.head.Connection, s.head.Taken.UTC().Format(time.RFC3339), s.end.Groups, s.end.Users)
	return b.String()
}
