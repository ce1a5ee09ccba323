package crowd

import (
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a password, or the token of a session. It shows itself to no log,
// no error and no JSON document; [Secret.Reveal] returns it.
type Secret string

const redacted = "[secret]"

// Reveal returns the secret as text. Call it only where the text is sent.
func (s Secret) Reveal() string { return string(s) }

// Format writes a placeholder, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a placeholder.
func (s Secret) String() string { return redacted }

// GoString returns a placeholder.
func (s Secret) GoString() string { return redacted }

// LogValue returns a placeholder.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText returns a placeholder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
