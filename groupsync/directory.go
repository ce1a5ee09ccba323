package groupsync

import (
	"context"
	"iter"

	"github.com/scimcrowd/scimcrowd/crowd"
)

// Directory is the part of Crowd that an [Engine] works on. *[crowd.Client] has
// it; see there for what each call promises.
type Directory interface {
	User(ctx context.Context, name string) (*crowd.User, error)
	UserByKey(ctx context.Context, key string) (*crowd.User, error)
	CreateUser(ctx context.Context, u crowd.User, password crowd.Secret) (*crowd.User, error)
	UpdateUser(ctx context.Context, u crowd.User) error
	RenameUser(ctx context.Context, name, newName string) (*crowd.User, error)
	DeleteUser(ctx context.Context, name string) error
	SetUserAttributes(ctx context.Context, name string, a crowd.Attributes) error
	DeleteUserAttribute(ctx context.Context, name, attribute string) error
	SetPassword(ctx context.Context, name string, password crowd.Secret) error
	EndUserSessions(ctx context.Context, user string, keep ...crowd.Secret) error

	Group(ctx context.Context, name string) (*crowd.Group, error)
	CreateGroup(ctx context.Context, g crowd.Group) (*crowd.Group, error)
	UpdateGroup(ctx context.Context, g crowd.Group) error
	DeleteGroup(ctx context.Context, name string) error
	SetGroupAttributes(ctx context.Context, name string, a crowd.Attributes) error
	DeleteGroupAttribute(ctx context.Context, name, attribute string) error

	AddMember(ctx context.Context, group, user string) (changed bool, err error)
	RemoveMember(ctx context.Context, group, user string) (changed bool, err error)
	IsMember(ctx context.Context, group, user string, nested bool) (bool, error)
	Memberships(ctx context.Context) iter.Seq2[crowd.Membership, error]
	AddChildGroup(ctx context.Context, parent, child string) (changed bool, err error)
	RemoveChildGroup(ctx context.Context, parent, child string) (changed bool, err error)
	IsChildGroup(ctx context.Context, parent, child string, nested bool) (bool, error)
	Members(ctx context.Context, group string, q crowd.List) iter.Seq2[*crowd.User, error]
	GroupsOf(ctx context.Context, user string, q crowd.List) iter.Seq2[*crowd.Group, error]

	Users(ctx context.Context, q crowd.Query) iter.Seq2[*crowd.User, error]
	Groups(ctx context.Context, q crowd.Query) iter.Seq2[*crowd.Group, error]
}
