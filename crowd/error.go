package crowd

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Kinds of failure. The errors of [Client] match them with [errors.Is]; one
// error may match several.
var (
	// ErrNotFound is matched by ErrUserNotFound, ErrGroupNotFound and
	// ErrMembershipNotFound, and by every 404 but that of a resource which this
	// version of Crowd does not have.
	ErrNotFound = errors.New("crowd: not found")
	// ErrUserNotFound: there is no user of that name or key.
	ErrUserNotFound = errors.New("crowd: user not found")
	// ErrGroupNotFound: there is no group of that name.
	ErrGroupNotFound = errors.New("crowd: group not found")
	// ErrMembershipNotFound: the user or group is not in the group.
	ErrMembershipNotFound = errors.New("crowd: membership not found")

	// ErrExists: a user or group of that name is there already, as a read has
	// verified, or a membership is.
	ErrExists = errors.New("crowd: it exists already")

	// ErrInvalidName: Crowd would refuse the name, so nothing was sent; see
	// [ValidateName]. Where the name is that of something to be found, the error
	// matches its kind of absence as well.
	ErrInvalidName = errors.New("crowd: invalid name")
	// ErrInvalidUser: Crowd refuses what was written; a rename onto a taken name
	// too.
	ErrInvalidUser = errors.New("crowd: invalid user")
	// ErrInvalidGroup is as ErrInvalidUser, of groups.
	ErrInvalidGroup = errors.New("crowd: invalid group")
	// ErrInvalidCredential: the password does not satisfy the policy.
	ErrInvalidCredential = errors.New("crowd: invalid credential")
	// ErrInvalidEmail: mail cannot be sent to that address, or there is none.
	ErrInvalidEmail = errors.New("crowd: invalid e-mail address")
	// ErrIllegalArgument: a request Crowd does not understand, or one that the
	// client refuses to send because of what it was given.
	ErrIllegalArgument = errors.New("crowd: illegal argument")

	// ErrUserAuthentication: the user's password is wrong.
	ErrUserAuthentication = errors.New("crowd: user not authenticated")
	// ErrInactiveAccount: the user is not active.
	ErrInactiveAccount = errors.New("crowd: inactive account")
	// ErrExpiredCredential: the user's password is right and must be changed.
	ErrExpiredCredential = errors.New("crowd: expired credential")
	// ErrSession: the session token is unknown, over, or of other validation
	// factors.
	ErrSession = errors.New("crowd: invalid session")
	// ErrAccessDenied: the user may not use this application.
	ErrAccessDenied = errors.New("crowd: user may not use the application")

	// ErrNestedGroups: the directory has nested groups switched off.
	ErrNestedGroups = errors.New("crowd: nested groups are not supported")
	// ErrPermission: the application lacks the permission in the directory.
	ErrPermission = errors.New("crowd: permission denied to the application")
	// ErrEmailChange: Crowd from 4.4 on lets no application change an e-mail
	// address, and the update was refused whole. Matches ErrPermission too.
	ErrEmailChange = errors.New("crowd: e-mail change refused to the application")

	// ErrUnauthenticated: the application's name or password is wrong.
	ErrUnauthenticated = errors.New("crowd: application not authenticated")
	// ErrAddress: the application may not call from this address.
	ErrAddress = errors.New("crowd: address not allowed")
	// ErrUnsupported: this version of Crowd, or the directory, does not have what
	// was asked for.
	ErrUnsupported = errors.New("crowd: not supported by this server")
	// ErrEventToken: the event token is unknown or has expired.
	ErrEventToken = errors.New("crowd: event token expired")

	// ErrBusy: the server limits requests, or has too much to do (429, 503). Ask
	// again after [Error.RetryAfter].
	ErrBusy = errors.New("crowd: server is busy")
	// ErrUnavailable: no connection, no answer in time, an answer of status 5xx,
	// of a proxy, or cut off; a refusal that was cut off before it told its
	// reason matches by its status too.
	ErrUnavailable = errors.New("crowd: unavailable")
	// ErrAmbiguous is matched, besides the kind of failure, by the errors of
	// writes that may have taken effect, or may yet.
	ErrAmbiguous = errors.New("crowd: unknown whether it took effect")
)

// An Error is a call that failed.
type Error struct {
	// Op is what was tried, such as "add member", and Name on what, such as
	// "ann to devs"; it is empty where the call has no such object.
	Op, Name string
	// Method and Resource are what was called, such as "PUT" and
	// "user/attribute"; empty where nothing was.
	Method, Resource string
	// Status is the HTTP status, 0 where there was no answer.
	Status int
	// Reason is Crowd's reason, such as "USER_NOT_FOUND", and Message its text;
	// both may be empty. Reasons this package does not know are kept.
	Reason, Message string
	// RetryAfter is how long the server asked to be left alone, 0 if it did not.
	RetryAfter time.Duration
	// Err is the cause where no answer, or an unreadable one, came.
	Err error

	kind      error // overrules the kind that status and reason tell
	ambiguous bool  // a write that may have taken effect
	lost      bool  // a try of the call got no answer
	cut       bool  // the answer broke off before it told the reason
}

// Error returns a text of the form
//
//	crowd: add member ann to devs: user not found (USER_NOT_FOUND, 404)
//
// It holds neither URL nor password, and is one line: control characters,
// in what users or servers wrote, show as spaces.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("crowd: " + e.Op)
	if e.Name != "" {
		b.WriteString(" " + e.Name)
	}
	kind := e.mainKind()
	if kind != nil {
		b.WriteString(": " + bare(kind))
	}
	if answer := e.answer(); answer != "" {
		b.WriteString(" (" + answer + ")")
	}
	if e.Message != "" && !slices.Contains(absences, kind) {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + bare(e.Err))
	}
	return oneLine(b.String())
}

// oneLine returns a text that moves no cursor and begins no line of a log.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}

// answer names reason and status, as far as there are any.
func (e *Error) answer() string {
	switch {
	case e.Status == 0:
		return e.Reason
	case e.Reason == "":
		return fmt.Sprint(e.Status)
	default:
		return fmt.Sprintf("%s, %d", e.Reason, e.Status)
	}
}

// bare returns the text of err without the package's name.
func bare(err error) string { return strings.TrimPrefix(err.Error(), "crowd: ") }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// absences are the kinds that say all there is to say.
var absences = []error{ErrUserNotFound, ErrGroupNotFound, ErrMembershipNotFound}

// Is ties status and reason to the kinds of failure above.
func (e *Error) Is(target error) bool {
	kind := e.mainKind()
	switch target {
	case nil:
		return false
	case ErrAmbiguous:
		return e.ambiguous
	case ErrNotFound:
		return kind == ErrNotFound || slices.Contains(absences, kind) ||
			e.Status == 404 && kind != ErrUnsupported
	case ErrPermission:
		return errors.Is(kind, ErrPermission) || kind == ErrEmailChange
	case ErrUnavailable:
		return kind == ErrUnavailable || e.Status >= 500 && kind == ErrBusy || e.cut
	}
	return errors.Is(kind, target)
}

// mainKind returns the sentinel that describes the error best, nil if none.
func (e *Error) mainKind() error {
	if e.kind != nil {
		return e.kind
	}
	if kind := kindOfReason(e.Reason); kind != nil {
		return kind
	}
	return kindOfStatus(e.Status)
}

// kindOfReason follows the reasons of the error entity; nil where the status
// tells more.
func kindOfReason(reason string) error {
	switch reason {
	case "USER_NOT_FOUND":
		return ErrUserNotFound
	case "GROUP_NOT_FOUND":
		return ErrGroupNotFound
	case "MEMBERSHIP_NOT_FOUND":
		return ErrMembershipNotFound
	case "APPLICATION_NOT_FOUND", "DIRECTORY_NOT_FOUND", "WEBHOOK_NOT_FOUND":
		return ErrNotFound
	case "MEMBERSHIP_ALREADY_EXISTS", "APPLICATION_ALREADY_EXISTS":
		return ErrExists
	case "INVALID_USER":
		return ErrInvalidUser
	case "INVALID_GROUP":
		return ErrInvalidGroup
	case "INVALID_CREDENTIAL":
		return ErrInvalidCredential
	case "INVALID_EMAIL":
		return ErrInvalidEmail
	case "ILLEGAL_ARGUMENT", "INVALID_MEMBERSHIP":
		return ErrIllegalArgument
	case "INVALID_USER_AUTHENTICATION":
		return ErrUserAuthentication
	case "INACTIVE_ACCOUNT":
		return ErrInactiveAccount
	case "EXPIRED_CREDENTIAL":
		return ErrExpiredCredential
	case "INVALID_SSO_TOKEN":
		return ErrSession
	case "APPLICATION_ACCESS_DENIED":
		return ErrAccessDenied
	case "NESTED_GROUPS_NOT_SUPPORTED":
		return ErrNestedGroups
	case "APPLICATION_PERMISSION_DENIED", "PERMISSION_DENIED":
		return ErrPermission
	case "EVENT_TOKEN_EXPIRED":
		return ErrEventToken
	case "UNSUPPORTED_OPERATION", "INCREMENTAL_SYNC_NOT_AVAILABLE":
		return ErrUnsupported
	}
	return nil
}

func kindOfStatus(status int) error {
	switch status {
	case 400, 409, 415, 422:
		return ErrIllegalArgument
	case 401:
		return ErrUnauthenticated
	case 403:
		return ErrPermission
	case 404:
		return ErrNotFound
	case 405, 406, 501:
		return ErrUnsupported
	case 410:
		return ErrEventToken
	case 429, 503:
		return ErrBusy
	}
	if status >= 500 {
		return ErrUnavailable
	}
	return nil
}

// uncertain reports whether a write that failed so may have taken effect: it
// was sent, and the answer is missing, unreadable, or not the application's.
func (e *Error) uncertain() bool {
	switch {
	case e.Status == 0, e.Status == 501:
		return e.Status == 0
	case e.Status < 300:
		return true
	}
	return e.Status >= 500
}

// asError returns the *Error in err, or an empty one.
func asError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{}
}
