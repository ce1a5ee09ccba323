package crowdtest

import (
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"github.com/scimcrowd/scimcrowd/crowd/crowdtest/internal/wire"
)

// A refusal is an error entity with its status.
type refusal struct {
	status          int
	reason, message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s (%s, %d)", r.message, r.reason, r.status) }

func (r *refusal) entity() *wire.Error { return &wire.Error{Reason: r.reason, Message: r.message} }

// Reasons of refusals, as the Crowd REST reference lists them.
const (
	reasonAccessDenied       = "APPLICATION_ACCESS_DENIED"
	reasonPermissionDenied   = "APPLICATION_PERMISSION_DENIED"
	reasonEventTokenExpired  = "EVENT_TOKEN_EXPIRED"
	reasonExpiredCredential  = "EXPIRED_CREDENTIAL"
	reasonGroupNotFound      = "GROUP_NOT_FOUND"
	reasonIllegalArgument    = "ILLEGAL_ARGUMENT"
	reasonInactiveAccount    = "INACTIVE_ACCOUNT"
	reasonNoIncremental      = "INCREMENTAL_SYNC_NOT_AVAILABLE"
	reasonInvalidCredential  = "INVALID_CREDENTIAL"
	reasonInvalidEmail       = "INVALID_EMAIL"
	reasonInvalidGroup       = "INVALID_GROUP"
	reasonInvalidMembership  = "INVALID_MEMBERSHIP"
	reasonInvalidToken       = "INVALID_SSO_TOKEN"
	reasonInvalidUser        = "INVALID_USER"
	reasonUserAuthentication = "INVALID_USER_AUTHENTICATION"
	reasonMembershipExists   = "MEMBERSHIP_ALREADY_EXISTS"
	reasonMembershipNotFound = "MEMBERSHIP_NOT_FOUND"
	reasonNestedGroups       = "NESTED_GROUPS_NOT_SUPPORTED"
	reasonOperationFailed    = "OPERATION_FAILED"
	reasonUnsupported        = "UNSUPPORTED_OPERATION"
	reasonUserNotFound       = "USER_NOT_FOUND"
	reasonWebhookNotFound    = "WEBHOOK_NOT_FOUND"
)

// statusOf returns the status of a reason where it is not named otherwise.
func statusOf(reason string) int {
	switch reason {
	case reasonAccessDenied, reasonPermissionDenied:
		return http.StatusForbidden
	case reasonUserNotFound, reasonGroupNotFound, reasonMembershipNotFound, reasonInvalidToken, reasonWebhookNotFound:
		return http.StatusNotFound
	case reasonMembershipExists:
		return http.StatusConflict
	case reasonEventTokenExpired:
		return http.StatusGone
	case reasonUnsupported, reasonOperationFailed:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// refuse returns the refusal for a reason. What XML cannot hold is left out of
// its message.
func (x *exchange) refuse(reason, format string, args ...any) error {
	status, set := x.opts.Statuses[reason]
	if !set {
		status = statusOf(reason)
	}
	message := fmt.Sprintf(format, args...)
	if !x.opts.AllowControls {
		message = printable(message)
	}
	return &refusal{status, reason, message}
}

func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
}

func (x *exchange) illegal(format string, args ...any) error {
	return x.refuse(reasonIllegalArgument, format, args...)
}

func (x *exchange) userNotFound(name string) error {
	return x.refuse(reasonUserNotFound, "User <%s> does not exist", name)
}

func (x *exchange) groupNotFound(name string) error {
	return x.refuse(reasonGroupNotFound, "Group <%s> does not exist", name)
}

func (x *exchange) denied(op Operation) error {
	return x.refuse(reasonPermissionDenied, "Application %s may not %s in any directory that it is mapped to", x.app.Name, op)
}

// inBody turns a refusal into that of an entity named in a body.
func (x *exchange) inBody(err error) error {
	r := *err.(*refusal)
	r.status = x.opts.BodyNotFoundStatus
	return &r
}
