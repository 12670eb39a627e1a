package sigstore

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/org/ai-ship/pkg/hint"
)

// The public good instance of sigstore.
const (
	PublicFulcio     = "https://fulcio.sigstore.dev"
	PublicRekor      = "https://rekor.sigstore.dev" // of version 1
	PublicTimestamps = "https://timestamp.sigstore.dev/api/v1/timestamp"
)

// Format is how signatures are stored.
type Format int

const (
	// Bundle stores Sigstore bundles as referrers.
	Bundle Format = iota
	// Legacy stores cosign's tags, .sig and .att, for clients that know no
	// bundles.
	Legacy
	// Both stores both. cosign v2 looks at bundles only once there are any.
	Both
)

func (f Format) bundles() bool { return f == Bundle || f == Both }
func (f Format) tags() bool    { return f == Legacy || f == Both }

// Options say who signs, with whose help, and how it is stored. Exactly one of
// Key and Token is given.
type Options struct {
	Key      *Key
	Token    TokenSource
	Services Services
	Format   Format
	Registry Registry
}

// Services are sigstore's, by URL. With Token and no URL at all they are those
// of the public good instance; with Key and no URL there are none: nothing is
// logged, and nothing but the registry is asked.
type Services struct {
	Fulcio       string // gives certificates
	Rekor        string // the transparency log
	RekorVersion int    // 1 or 2; 0 is 1
	Timestamps   string // the timestamp authority, with the path of its endpoint
	// Root is a trusted root file (trusted_root.json), which names the keys of
	// the services. Without one the public good instance's is fetched by TUF,
	// and nobody else's.
	Root      []byte
	Transport http.RoundTripper // nil: http.DefaultTransport
	Retry     Retry
}

// withDefaults completes and checks.
func (o Options) withDefaults() (Options, error) {
	if (o.Key == nil) == (o.Token == nil) {
		return o, errors.New("exactly one of a key and a token must be given")
	}
	if o.Format < Bundle || o.Format > Both {
		return o, fmt.Errorf("format %d is unknown", o.Format)
	}
	s := &o.Services
	if o.Token != nil && s.Fulcio == "" && s.Rekor == "" && s.Timestamps == "" {
		s.Fulcio, s.Rekor, s.Timestamps = PublicFulcio, PublicRekor, PublicTimestamps
	}
	if s.RekorVersion == 0 {
		s.RekorVersion = 1
	}
	if s.RekorVersion != 1 && s.RekorVersion != 2 {
		return o, fmt.Errorf("version %d of the log is unknown: 1 or 2 is", s.RekorVersion)
	}
	for service, at := range map[string]string{"certificate authority": s.Fulcio, "log": s.Rekor, "timestamp authority": s.Timestamps} {
		if err := checkURL(service, at); err != nil {
			return o, err
		}
	}
	if o.Format.tags() && s.Rekor != "" && s.RekorVersion == 2 {
		return o, hint.Wrap(errors.New("entries of a log of version 2 do not fit into .sig and .att tags"),
			"store bundles only, or take the log out and keep the timestamp authority")
	}
	if o.Token != nil {
		return o, o.Services.checkKeyless()
	}
	return o, nil
}

func (s Services) checkKeyless() error {
	if s.Fulcio == "" {
		return hint.Wrap(errors.New("a token needs a certificate authority"), "name fulcio's URL beside those of the other services")
	}
	if s.Timestamps == "" && (s.Rekor == "" || s.RekorVersion == 2) {
		return hint.Wrap(errors.New("nobody would vouch for the time of a signature, whose certificate ends in minutes"),
			"name a timestamp authority; a log of version 2 tells no time")
	}
	if len(s.Root) == 0 && !s.public() {
		return hint.Wrap(errors.New("services of your own need a trusted root"), "give the file trusted_root.json that names their keys")
	}
	return nil
}

// public says whether only the public good instance is asked.
func (s Services) public() bool {
	return s.Fulcio == PublicFulcio && (s.Rekor == "" || s.Rekor == PublicRekor) && (s.Timestamps == "" || s.Timestamps == PublicTimestamps)
}

func checkURL(service, at string) error {
	if at == "" {
		return nil
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("the URL of the %s is none of http or https", service)
	}
	return nil
}
