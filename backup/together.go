package backup

import (
	"context"
	"strings"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
)

// BuildAll makes what serves each connection of a document, in its order. Those
// that share a directory know each other, so that a membership goes with the last
// grant of all of them; see [Connection.SharesDirectory].
func BuildAll(ctx context.Context, c *Config, o BuildOptions) ([]*Running, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Locks == nil {
		o.Locks = groupsync.NewLocks()
	}
	all := make([]*Running, len(c.Connections))
	for i, connection := range c.Connections {
		with := o
		with.Neighbours = nil
		for j, other := range c.Connections {
			if i != j && connection.SharesDirectory(other) {
				with.Neighbours = append(with.Neighbours, other)
			}
		}
		var err error
		if all[i], err = Build(ctx, connection, with); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// SharesDirectory reports whether two connections work on one directory, as far
// as the document tells: they have the same Crowd, and the same application or
// the same directory. What the document does not tell is found out in Crowd, by
// [groupsync.Engine.CheckStrangers].
func (c Connection) SharesDirectory(other Connection) bool {
	if !c.sameCrowd(other) {
		return false
	}
	mine, theirs := c.Crowd.Directory.Name, other.Crowd.Directory.Name
	if mine != "" && theirs != "" {
		return crowd.Fold(mine) == crowd.Fold(theirs)
	}
	return crowd.Fold(c.Crowd.Application) == crowd.Fold(other.Crowd.Application)
}

// sameCrowd reports whether two connections have the same Crowd.
func (c Connection) sameCrowd(other Connection) bool {
	address := func(c Connection) string { return strings.ToLower(strings.TrimRight(c.Crowd.URL, "/")) }
	return address(c) == address(other)
}

// neighbours returns the other connections as the engine knows them.
func neighbours(others []Connection, client *crowd.Client, o BuildOptions) ([]groupsync.Neighbour, error) {
	var all []groupsync.Neighbour
	for _, c := range others {
		groups, err := mapping.CompileGroups(c.Groups.Groups)
		if err != nil {
			return nil, err
		}
		n := groupsync.Neighbour{Connection: c.Name, Groups: groups}
		if o.Ledger != nil {
			n.Ledger = o.Ledger(client, c.Name)
		}
		all = append(all, n)
	}
	return all, nil
}
