package scim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	bulkSchema         = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseSchema = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
	bulkReference      = "bulkId:"
)

// A bulk is a Bulk request under way (RFC 7644 section 3.7). Its operations run
// one after the other, in the order given but for those that others refer to.
type bulk struct {
	h          *Handler
	x          *exchange
	operations []*bulkOperation
	byID       map[string]*bulkOperation
	mostErrors int // 0: any number
	errors     int
}

// A bulkOperation is one of its operations, and what came of it.
type bulkOperation struct {
	method, path, id, version string
	data                      map[string]any

	begun      bool
	incomplete bool // made without some of its references
	status     int
	location   string
	etag       string
	made       string // the id of the resource that a POST made
	failure    *failure
}

// bulk serves POST /Bulk.
func (h *Handler) bulk(x *exchange) error {
	doc, err := x.document(h.limits)
	if err != nil {
		return err
	}
	b := &bulk{h: h, x: x, byID: map[string]*bulkOperation{}}
	if err := b.read(doc); err != nil {
		return err
	}
	for _, op := range b.operations {
		b.run(op)
	}
	b.complete()
	return x.send(http.StatusOK, b.response())
}

// read takes the operations out of the request.
func (b *bulk) read(doc map[string]any) error {
	members := lowerKeys(doc)
	if !names(members["schemas"], bulkSchema) {
		return refuse(invalidSyntax, "schemas: a bulk request has "+bulkSchema)
	}
	if v, ok := members["failonerrors"]; ok && v != nil {
		number, _ := v.(json.Number)
		n, err := strconv.Atoi(number.String())
		if err != nil || n < 1 {
			return refuse(invalidSyntax, "failOnErrors: send a whole number from 1")
		}
		b.mostErrors = n
	}
	list, ok := members["operations"].([]any)
	if !ok || len(list) == 0 {
		return refuse(invalidSyntax, "Operations: send a list of operations")
	}
	if most := b.h.limits.Operations; len(list) > most {
		return &failure{
			status: http.StatusRequestEntityTooLarge,
			detail: fmt.Sprintf("Operations: %d of them are more than the %d this server takes at once; send them in parts", len(list), most),
		}
	}
	for _, item := range list {
		b.add(item)
	}
	return nil
}

// lowerKeys returns an object with its names in lower case, as names of
// attributes are compared.
func lowerKeys(doc map[string]any) map[string]any {
	lower := make(map[string]any, len(doc))
	for name, v := range doc {
		lower[strings.ToLower(name)] = v
	}
	return lower
}

func (b *bulk) add(item any) {
	op := &bulkOperation{}
	b.operations = append(b.operations, op)
	object, ok := item.(map[string]any)
	if !ok {
		op.failure = refuse(invalidSyntax, "Operations: each is an object")
		return
	}
	members := lowerKeys(object)
	method, _ := members["method"].(string)
	op.method = strings.ToUpper(method)
	op.path, _ = members["path"].(string)
	op.id, _ = members["bulkid"].(string)
	op.data, _ = members["data"].(map[string]any)
	if op.failure = b.check(op); op.failure == nil {
		op.failure = op.condition(members["version"])
	}
	if op.id != "" && b.byID[op.id] == nil {
		b.byID[op.id] = op
	}
}

// condition takes the version that the resource must have. One that cannot be
// understood must not be taken for none.
func (op *bulkOperation) condition(version any) *failure {
	text, ok := version.(string)
	if !ok && version != nil {
		return refuse(invalidSyntax, "version: send the text of meta.version, or leave it out")
	}
	op.version = text
	return nil
}

// check refuses an operation that cannot be one.
func (b *bulk) check(op *bulkOperation) *failure {
	switch op.method {
	case http.MethodPost, http.MethodPut, http.MethodPatch:
		if op.data == nil {
			return refuse(invalidSyntax, "data: "+op.method+" needs an object")
		}
	case http.MethodDelete:
	default:
		return refuse(invalidSyntax, "method: use POST, PUT, PATCH or DELETE")
	}
	if op.method == http.MethodPost && op.id == "" {
		return refuse(invalidSyntax, "bulkId: POST needs one")
	}
	if op.id != "" && b.byID[op.id] != nil {
		return refuse(invalidSyntax, "bulkId: two operations have this one")
	}
	if !b.addressed(op.path) {
		return refuse(invalidSyntax, "path: use /Users or /Groups, with an id for all but POST")
	}
	return nil
}

// addressed reports whether a path is one of resources, or of all of a type.
func (b *bulk) addressed(path string) bool {
	path, _, _ = strings.Cut(b.relative(path), "?")
	endpoint, id, _ := strings.Cut(strings.Trim(path, "/"), "/")
	return (endpoint == "Users" || endpoint == "Groups") && id != ".search"
}

// relative returns a path as seen from the base URL.
func (b *bulk) relative(path string) string { return strings.TrimPrefix(path, b.h.base) }

func (b *bulk) stopped() bool { return b.mostErrors > 0 && b.errors >= b.mostErrors }

// run does an operation, after those it refers to. Where they refer to each
// other, the one that closes the circle is made without the reference, which
// complete adds in the end.
func (b *bulk) run(op *bulkOperation) {
	if op.begun || b.stopped() {
		return
	}
	op.begun = true
	if op.failure == nil {
		for _, id := range b.references(op) {
			if other := b.byID[id]; other != nil {
				b.run(other)
			}
		}
	}
	if b.stopped() {
		op.begun = false // it has no answer
		return
	}
	if op.failure == nil {
		op.failure = b.perform(op)
	}
	if op.failure != nil {
		b.errors++
	}
}

// perform sends an operation through the handler.
func (b *bulk) perform(op *bulkOperation) *failure {
	path, data, missing := b.resolve(op)
	for _, id := range missing {
		other := b.byID[id]
		if op.method != http.MethodPost || other == nil || other.method != http.MethodPost || other.failure != nil {
			return &failure{
				status: http.StatusConflict,
				detail: fmt.Sprintf("bulkId:%s refers to no resource that this request made", id),
			}
		}
		op.incomplete = true
	}
	return b.exchange(op, op.method, path, data)
}

// complete adds the references that a resource was made without. A circle that
// cannot be closed is a conflict (RFC 7644 section 3.7.1): the resource is there.
func (b *bulk) complete() {
	for _, op := range b.operations {
		if !op.incomplete || op.failure != nil {
			continue
		}
		_, data, missing := b.resolve(op)
		if len(missing) > 0 {
			op.failure = &failure{
				status: http.StatusConflict,
				detail: fmt.Sprintf("the resource was made, but without its reference to bulkId:%s, which failed", missing[0]),
			}
			continue
		}
		status := op.status
		endpoint, _, _ := strings.Cut(strings.Trim(b.relative(op.path), "/"), "/")
		op.failure = b.exchange(op, http.MethodPut, "/"+endpoint+"/"+op.made, data)
		op.status = status
		if f := op.failure; f != nil && f.status == http.StatusBadRequest {
			op.failure = &failure{status: http.StatusConflict, detail: f.detail, cause: f.cause}
		}
	}
}

// exchange runs one request inside the handler, and notes its answer.
func (b *bulk) exchange(op *bulkOperation, method, path string, data map[string]any) *failure {
	u, err := url.Parse("/" + strings.TrimLeft(path, "/"))
	if err != nil {
		return refuse(invalidSyntax, "path: it cannot be read")
	}
	r := b.x.r.Clone(b.x.context())
	r.Method, r.URL, r.Header = method, u, http.Header{}
	if op.version != "" {
		r.Header.Set("If-Match", op.version)
	}
	w := &bulkWriter{header: http.Header{}}
	x := &exchange{w: w, r: r, principal: b.x.principal, doc: data}
	if f := b.h.attempt(x); f != nil {
		return f
	}
	op.status, op.location, op.etag = x.status, w.location(), w.header.Get("ETag")
	op.made = op.location[strings.LastIndexByte(op.location, '/')+1:]
	return nil
}

// attempt is answer for a request inside another.
func (h *Handler) attempt(x *exchange) (f *failure) {
	defer func() {
		if p := recover(); p != nil {
			f = failureOf(crashed(p))
		}
	}()
	if err := h.dispatch(x); err != nil {
		return failureOf(err)
	}
	return nil
}

// A bulkWriter keeps the header of an answer and drops its body.
type bulkWriter struct{ header http.Header }

func (w *bulkWriter) Header() http.Header            { return w.header }
func (w *bulkWriter) WriteHeader(int)                {}
func (w *bulkWriter) Write(body []byte) (int, error) { return len(body), nil }

func (w *bulkWriter) location() string {
	if l := w.header.Get("Location"); l != "" {
		return l
	}
	return w.header.Get("Content-Location")
}
