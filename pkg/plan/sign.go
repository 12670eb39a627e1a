package plan

import (
	"fmt"
	"time"

	"github.com/org/ai-ship/pkg/config"
)

// Signing is how the digest is signed. URLs are "" for the public services;
// NoLog says that nothing is logged.
type Signing struct {
	Keyless                  bool
	Key                      string // file in the project, env://NAME or a key service's URI; "" when keyless
	Bundle, Legacy           bool   // the formats that are written
	Fulcio, Rekor, Timestamp string
	RekorV1, NoLog           bool
	TrustedRoot              string // file in the project; "" for the public roots
}

// Trust is whose signatures and statements count: a key, or an identity with
// its issuer.
type Trust struct {
	Key            string // file in the project, env://NAME or a key service's URI; "" for an identity
	Private        bool   // Key is the one that signs: its public half counts
	Identity       string
	IdentityRegexp string
	Issuer         string
	TrustedRoot    string // file in the project; "" for the public roots
	AnyRepository  bool
	Logged         bool     // an entry in a transparency log is demanded
	Require        []string // statements, by predicate type or short name
}

// Channel is what a channel demands.
type Channel struct {
	Name       string
	After      string
	Soak       time.Duration
	ScanMaxAge time.Duration // 0: whatever its age
}

// Signed is the config's sign section, nil when there is none.
func Signed(c *config.Config) *Signing {
	s := c.Sign
	if s == nil {
		return nil
	}
	signing := &Signing{
		Keyless: s.Keyless, Key: s.Key, Bundle: s.Format != "legacy", Legacy: s.Format != "bundle",
		Fulcio: s.Fulcio, Rekor: s.Rekor, RekorV1: s.RekorV1, Timestamp: s.Timestamp, TrustedRoot: s.TrustedRoot,
	}
	if s.Rekor == "none" || s.Key != "" && s.Rekor == "" {
		signing.Rekor, signing.NoLog = "", true
	}
	return signing
}

// Trusted is the config's verify section, filled up from sign; nil when neither
// says whose signatures count, as of a keyless project without verify.
func Trusted(c *config.Config) *Trust {
	t := Trust{Require: []string{"verdict"}}
	if v := c.Verify; v != nil {
		t = Trust{
			Key: v.Key, Identity: v.Identity, IdentityRegexp: v.IdentityRegexp, Issuer: v.Issuer,
			TrustedRoot: v.TrustedRoot, AnyRepository: v.AnyRepository, Require: v.Require,
		}
	}
	signing := Signed(c)
	if signing != nil {
		t.Logged = !signing.NoLog
		if t.TrustedRoot == "" {
			t.TrustedRoot = signing.TrustedRoot
		}
		if t.Issuer == "" && t.Key == "" && !signing.Keyless {
			t.Key, t.Private = signing.Key, true
		}
	}
	if t.Key == "" && t.Issuer == "" {
		return nil
	}
	return &t
}

// ChannelOf is what the config says about a channel.
func ChannelOf(c *config.Config, name string) (Channel, error) {
	declared, ok := c.Channels[name]
	if !ok {
		return Channel{}, fmt.Errorf("%w: there is no channel %q in channels", ErrConfig, name)
	}
	channel := Channel{Name: name, After: declared.After}
	for _, d := range []struct {
		key, text string
		to        *time.Duration
	}{{"soak", declared.Soak, &channel.Soak}, {"scan-max-age", declared.ScanMaxAge, &channel.ScanMaxAge}} {
		if d.text == "" {
			continue
		}
		var err error
		if *d.to, err = time.ParseDuration(d.text); err != nil {
			return Channel{}, fmt.Errorf("%w: channels.%s.%s: %w", ErrConfig, name, d.key, err)
		}
	}
	return channel, nil
}
