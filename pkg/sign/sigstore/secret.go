package sigstore

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is what a Secret prints as.
const redacted = "[secret]"

// Secret is a value that must not be seen: a key, a token, a password. No
// format, log or encoder prints it.
type Secret struct{ value string }

// NewSecret hides the value.
func NewSecret(value string) Secret { return Secret{value} }

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// Format implements fmt.Formatter, for verbs that would look inside.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, for JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// empty says whether there is no value.
func (s Secret) empty() bool { return s.value == "" }

// Lookup finds a value by its name, as os.LookupEnv does.
type Lookup func(name string) (string, bool)

// find is a Lookup's answer; a nil Lookup knows nothing.
func (l Lookup) find(name string) (string, bool) {
	if l == nil {
		return "", false
	}
	return l(name)
}
