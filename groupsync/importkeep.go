package groupsync

import (
	"context"
	"slices"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// recordedAs notes the Crowd users that ids of the identity provider are on record
// with, whose records have not come or are passed over. Each id is searched for once.
func (r *importing) recordedAs(ctx context.Context, externalIDs []string) error {
	var open []string
	for _, id := range externalIDs {
		if _, known := r.strangers[id]; !known {
			r.strangers[id] = nil
			open = append(open, id)
		}
	}
	for chunk := range slices.Chunk(open, importChunk) {
		var any []crowd.Restriction
		for _, id := range chunk {
			any = append(any, crowd.Equals(r.e.names.externalID, lookupValue(id)))
		}
		if err := r.search(ctx, any, func(v *User) {
			r.strangers[v.externalID] = append(r.strangers[v.externalID], person{name: v.Crowd.Name, id: v.ID})
		}); err != nil {
			return err
		}
	}
	return nil
}

// keep takes those from the users held by a group whom the identity provider has in it,
// by the id on record or by name, though nothing is known of them otherwise.
func (r *importing) keep(ctx context.Context, held map[string]string, members []string) error {
	if len(held) == 0 || len(members) == 0 {
		return nil
	}
	if err := r.recordedAs(ctx, members); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, member := range members {
		delete(held, member)
		for _, p := range r.strangers[member] {
			delete(held, p.id)
		}
		if p, told := r.people[member]; told {
			names[crowd.Fold(p.name)] = true
		}
	}
	for id, name := range held {
		if names[crowd.Fold(name)] {
			delete(held, id)
		}
	}
	return nil
}
