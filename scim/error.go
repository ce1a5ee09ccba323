package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/scimcrowd/scimcrowd/crowd"
	"github.com/scimcrowd/scimcrowd/groupsync"
	"github.com/scimcrowd/scimcrowd/mapping"
	"github.com/scimcrowd/scimcrowd/mapping/filter"
	"github.com/scimcrowd/scimcrowd/scim/internal/resource"
)

// The scimType values of RFC 7644 table 9 and RFC 9865 section 2.1.
const (
	invalidCount  = "invalidCount"
	invalidCursor = "invalidCursor"
	invalidFilter = "invalidFilter"
	invalidPath   = "invalidPath"
	invalidSyntax = "invalidSyntax"
	invalidValue  = "invalidValue"
	noTarget      = "noTarget"
	tooMany       = "tooMany"
	uniqueness    = "uniqueness"
)

// A failure is an answer with the error body of RFC 7644 section 3.12.
type failure struct {
	status           int
	scimType, detail string
	retryAfter       time.Duration // 0: no such header
	header           http.Header   // further headers
	cause            error         // goes to the log, never to the client
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.detail + ": " + f.cause.Error()
	}
	return f.detail
}

func (f *failure) Unwrap() error { return f.cause }

// refuse returns a 400 failure.
func refuse(scimType, detail string) *failure {
	return &failure{status: http.StatusBadRequest, scimType: scimType, detail: detail}
}

// failureOf turns any error into the one the client gets. It is the only place
// where errors of other packages become statuses.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	for _, known := range []func(error) *failure{requestFailure, engineFailure, crowdFailure} {
		if f := known(err); f != nil {
			f.cause = err
			return f
		}
	}
	return &failure{
		status: http.StatusInternalServerError, cause: err,
		detail: "internal error; the server's log has the cause under the request id of this answer",
	}
}

// crashed returns the error that a panic is to the client: an internal one.
func crashed(p any) error { return fmt.Errorf("panic: %v\n%s", p, debug.Stack()) }

// requestFailure knows what is wrong with a request itself.
func requestFailure(err error) *failure {
	if e, ok := errors.AsType[*resource.Error](err); ok {
		return &failure{status: e.Status, scimType: e.ScimType, detail: e.Detail}
	}
	if e, ok := errors.AsType[*mapping.ValueError](err); ok {
		return refuse(invalidValue, strings.TrimPrefix(e.Error(), "mapping: "))
	}
	if e, ok := errors.AsType[*filter.SyntaxError](err); ok {
		return refuse(invalidFilter, e.Error())
	}
	if e, ok := errors.AsType[*filter.AttributeError](err); ok {
		return refuse(invalidFilter, e.Error())
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(e.Limit)
	}
	return nil
}

// engineFailure knows what the engine refuses.
func engineFailure(err error) *failure {
	if errors.Is(err, groupsync.ErrNoUser) {
		return &failure{status: http.StatusNotFound, detail: "no user has this id"}
	}
	if errors.Is(err, groupsync.ErrNoGroup) {
		return &failure{status: http.StatusNotFound, detail: "no group has this id"}
	}
	if e, ok := errors.AsType[*groupsync.ConflictError](err); ok {
		return &failure{status: http.StatusConflict, scimType: uniqueness, detail: e.Error()}
	}
	if e, ok := errors.AsType[*groupsync.BusyError](err); ok {
		return &failure{status: http.StatusServiceUnavailable, retryAfter: e.RetryAfter, detail: e.Error()}
	}
	if e, ok := errors.AsType[*groupsync.GuardError](err); ok {
		return &failure{status: http.StatusForbidden, detail: e.Error()}
	}
	if e, ok := errors.AsType[*groupsync.ProtectedError](err); ok {
		return &failure{status: http.StatusForbidden, detail: e.Error()}
	}
	if e, ok := errors.AsType[*groupsync.RefusedError](err); ok {
		return refuse(invalidValue, e.Error())
	}
	if e, ok := errors.AsType[*groupsync.HookError](err); ok {
		return unavailable(fmt.Sprintf("the user is locked out, but the hook %q failed; send the request again later", e.Hook), crowdDownDelay)
	}
	return nil
}

const (
	crowdBusyDelay = 5 * time.Second
	crowdDownDelay = 30 * time.Second
)

// crowdFailure knows Crowd's own answers. Their text stays in the log.
func crowdFailure(err error) *failure {
	switch {
	case errors.Is(err, crowd.ErrBusy):
		return unavailable("Crowd is busy; send the request again later", retryAfter(err, crowdBusyDelay))
	case errors.Is(err, crowd.ErrUnauthenticated):
		return misconfigured("Crowd refuses the application name or password this connection uses. Correct them in the connection's settings, or set the application's password in Crowd anew")
	case errors.Is(err, crowd.ErrAddress):
		return misconfigured("Crowd does not accept this server's address for the application this connection uses. Add it in Crowd under Applications, Remote addresses")
	case errors.Is(err, crowd.ErrPermission):
		return misconfigured("the Crowd application this connection uses lacks a permission on its directory. Grant it to add, modify and remove users and groups, and their attributes, in Crowd under Applications, Directories")
	case errors.Is(err, crowd.ErrUnsupported):
		return misconfigured("this version of Crowd lacks a call that the request needs. The server's log names it")
	case errors.Is(err, crowd.ErrUnavailable):
		return unavailable("Crowd cannot be reached; send the request again later", retryAfter(err, crowdDownDelay))
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable("the request was not finished in time; send it again, what is done already is kept", crowdBusyDelay)
	}
	return crowdRefusal(err)
}

// crowdRefusal knows what Crowd finds wrong with a value. The engine turns the
// usual ones into its own errors; these are the rest.
func crowdRefusal(err error) *failure {
	switch {
	case errors.Is(err, crowd.ErrExists):
		return &failure{status: http.StatusConflict, scimType: uniqueness, detail: "userName or displayName: the name is taken in Crowd; choose another"}
	case errors.Is(err, crowd.ErrInvalidName):
		return refuse(invalidValue, "userName or displayName: Crowd does not accept the name: it must not be empty, longer than 255 characters, or begin or end with a blank")
	case errors.Is(err, crowd.ErrInvalidEmail):
		return refuse(invalidValue, "emails: Crowd does not accept the address; correct it")
	case errors.Is(err, crowd.ErrInvalidCredential):
		return refuse(invalidValue, "password: it does not meet the password policy of the Crowd directory; choose another")
	case errors.Is(err, crowd.ErrNestedGroups):
		return refuse(invalidValue, "members: the Crowd directory does not take groups as members; send users only")
	case errors.Is(err, crowd.ErrInvalidUser), errors.Is(err, crowd.ErrInvalidGroup), errors.Is(err, crowd.ErrIllegalArgument):
		return refuse(invalidValue, "Crowd does not accept a value of the resource. The server's log has its words")
	case errors.Is(err, crowd.ErrUserNotFound):
		return &failure{status: http.StatusNotFound, detail: "the user has been deleted from Crowd meanwhile"}
	case errors.Is(err, crowd.ErrGroupNotFound):
		return &failure{status: http.StatusNotFound, detail: "the group has been deleted from Crowd meanwhile"}
	}
	return nil
}

func unavailable(detail string, after time.Duration) *failure {
	return &failure{status: http.StatusServiceUnavailable, detail: detail, retryAfter: after}
}

func misconfigured(detail string) *failure {
	return &failure{status: http.StatusInternalServerError, detail: detail}
}

func tooLarge(limit int64) *failure {
	return &failure{
		status: http.StatusRequestEntityTooLarge,
		detail: "the request body is larger than the " + strconv.FormatInt(limit, 10) + " bytes this server accepts; send it in parts",
	}
}

// retryAfter returns how long Crowd asks to wait, or else a fallback.
func retryAfter(err error, fallback time.Duration) time.Duration {
	if e, ok := errors.AsType[*crowd.Error](err); ok && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return fallback
}

// seconds writes a duration as clients read Retry-After: whole seconds, rounded
// up, at least one.
func seconds(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10)
}

const errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"

// body renders the error message.
func (f *failure) body() []byte {
	e := encoder{}
	e.raw(`{"schemas":["` + errorSchema + `"],"status":"` + strconv.Itoa(f.status) + `"`)
	if f.scimType != "" {
		e.raw(`,"scimType":"` + f.scimType + `"`)
	}
	e.raw(`,"detail":`)
	e.value(resource.Brief(f.detail)) // other packages quote the request as well
	e.raw(`}`)
	return e.buf
}
