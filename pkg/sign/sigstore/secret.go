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
type Secret struct {
	// reveal is a function because fmt asks no method about a value inside of
	// one whose verb is wrong; of a function it has only the address.
	reveal func() string
}

// NewSecret hides the value.
func NewSecret(value string) Secret { return Secret{func() string { return value }} }

// Reveal is the hidden value, for the one who stores or sends it.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// String implements fmt.Stringer.
func (s Secret) String() string { return redacted }

// Format implements fmt.Formatter, for verbs that would look inside.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, for JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// empty says whether there is no value.
func (s Secret) empty() bool { return s.Reveal() == "" }

// Lookup finds a value by its name, as os.LookupEnv does.
type Lookup func(name string) (string, bool)

// find is a Lookup's answer; a nil Lookup knows nothing.
func (l Lookup) find(name string) (string, bool) {
	if l == nil {
		return "", false
	}
	return l(name)
}
