// Package webhook tells other systems by a signed HTTP request that a user leaves. It
// is a hook of package groupsync:
//
//	hook, err := webhook.New(webhook.Config{
//		URL: "https://hr.example.com/leavers", Secrets: []crowd.Secret{secret},
//	})
//	engine, err := groupsync.New(groupsync.Config{..., Hooks: []groupsync.Hook{hook}})
//
// and the receiver's side of it:
//
//	receiver := webhook.Receiver{Secrets: []crowd.Secret{secret}}
//	event, err := receiver.Event(request)
//
// The address is no place for secrets: it is kept in clear. An event is genuine by its
// signature.
//
// # On the wire
//
// Requests follow Standard Webhooks 1.0 (https://www.standardwebhooks.com), so
// receivers can be written with any library for that. A POST carries a JSON document
// with type, timestamp and data, see [Event], and three headers:
//
//   - webhook-id names the event. It is the same however often the event is sent, so
//     that receivers can pass over what they have seen.
//   - webhook-timestamp is when it was sent, in seconds since 1970.
//   - webhook-signature holds, for each secret, "v1," and the base64 form of the
//     HMAC-SHA256 of id, timestamp and body, joined by full stops.
//
// Any answer of 200 to 299 takes the event. Other answers are failures: after 429, 500
// and above, or none, the request is sent again, later by a reconcile. An event is
// therefore delivered at least once, and possibly before the user is locked out.
package webhook
