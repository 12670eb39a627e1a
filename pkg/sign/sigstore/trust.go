package sigstore

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/sign"
)

// LogDemand says whether a signature must be in a transparency log.
type LogDemand int

const (
	// LogByRoot demands an entry of identities whose trusted root names a log,
	// and none of keys.
	LogByRoot LogDemand = iota
	// LogRequired demands an entry.
	LogRequired
	// LogNotRequired takes a timestamp authority's word alone for the time.
	LogNotRequired
)

// Trust says whose signatures count: those of one key, or those of one
// identity that one issuer vouched for.
type Trust struct {
	Key *Key // the public half, or a service's key
	// KeyPEM is a public key itself, in place of Key.
	KeyPEM []byte

	Identity        string // of the certificate, exactly: a workflow's URI, an address
	IdentityPattern string // in place of Identity: a regular expression for the whole of it
	Issuer          string // exactly

	// Root is a trusted root file. Without one the public good instance's is
	// fetched for identities, unless Offline; for keys it is not needed.
	Root    []byte
	Offline bool // fetch nothing but from the registry

	Log LogDemand
	// AnyRepository takes statements that name another repository or none, as
	// on a mirror. The digest is always held to.
	AnyRepository bool
}

// trusted is a Trust that was understood.
type trusted struct {
	words         string // for people
	anyRepository bool
	by            sign.Identity        // of the key; zero for an identity
	key           crypto.PublicKey     // nil for an identity
	material      root.TrustedMaterial // services, and the key
	logs          map[string]*root.TransparencyLog
	engine        *verify.Verifier
	policy        []verify.PolicyOption
	needsLog      bool
	needsSCT      bool
	identity      string // exactly, or
	pattern       string // anchored
	issuer        string
}

func (t Trust) understand(ctx context.Context) (*trusted, error) {
	byKey := t.Key != nil || len(t.KeyPEM) > 0
	byIdentity := t.Identity != "" || t.IdentityPattern != "" || t.Issuer != ""
	switch {
	case t.Log < LogByRoot || t.Log > LogNotRequired:
		return nil, fmt.Errorf("demand %d of a log is unknown", t.Log)
	case byKey && byIdentity:
		return nil, errors.New("a key and an identity are given; only one of them can be trusted")
	case t.Key != nil && len(t.KeyPEM) > 0:
		return nil, errors.New("two keys are given; only one of them can be trusted")
	case byKey:
		return t.understandKey(ctx)
	case byIdentity:
		return t.understandIdentity(ctx)
	}
	return nil, hint.Wrap(errors.New("nobody is trusted"), "give a public key, or an identity and its issuer")
}

func (t Trust) understandKey(ctx context.Context) (*trusted, error) {
	out := &trusted{anyRepository: t.AnyRepository, needsLog: t.Log == LogRequired}
	var err error
	if t.Key != nil {
		out.key, err = t.Key.public(ctx)
	} else {
		out.key, err = parsePublic(t.KeyPEM)
	}
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(out.key)
	if err != nil {
		return nil, err
	}
	out.by = identityOf(der)
	out.words = out.by.String()
	var services root.TrustedMaterial
	if len(t.Root) > 0 {
		parsed, err := parseRoot(t.Root)
		if err != nil {
			return nil, err
		}
		services, out.logs = parsed, parsed.RekorLogs()
	}
	if out.needsLog && len(out.logs) == 0 {
		return nil, hint.Wrap(errors.New("an entry in a log is demanded, and no log is known"), "give a trusted root that names the log")
	}
	if out.material, err = withKey(services, out.key); err != nil {
		return nil, err
	}
	options := []verify.VerifierOption{verify.WithNoObserverTimestamps()}
	if out.needsLog {
		options = append(options, verify.WithTransparencyLog(1))
	}
	out.policy = []verify.PolicyOption{verify.WithKey()}
	out.engine, err = verify.NewVerifier(out.material, options...)
	return out, err
}

func (t Trust) understandIdentity(ctx context.Context) (*trusted, error) {
	if err := t.checkIdentity(); err != nil {
		return nil, err
	}
	out := &trusted{anyRepository: t.AnyRepository, identity: t.Identity, issuer: t.Issuer}
	who := fmt.Sprintf("%q", t.Identity)
	if t.IdentityPattern != "" {
		out.pattern = anchored(t.IdentityPattern)
		who = fmt.Sprintf("/%s/", t.IdentityPattern)
	}
	out.words = fmt.Sprintf("%s of issuer %q", who, t.Issuer)
	var services *root.TrustedRoot
	var err error
	switch {
	case len(t.Root) > 0:
		services, err = parseRoot(t.Root)
	case t.Offline:
		err = hint.Wrap(errors.New("an identity cannot be verified offline without a trusted root"), "give a file trusted_root.json")
	default:
		services, err = fetchRoot(ctx)
	}
	if err != nil {
		return nil, err
	}
	return out, out.demand(services, t.Log)
}

// demand sets what must vouch for a certificate: whatever the trusted root
// names.
func (t *trusted) demand(services *root.TrustedRoot, log LogDemand) error {
	t.material, t.logs = services, services.RekorLogs()
	if len(services.FulcioCertificateAuthorities()) == 0 {
		return hint.Wrap(errors.New("the trusted root names no certificate authority"), "give the root of the instance that signed")
	}
	t.needsLog = log == LogRequired || log == LogByRoot && len(t.logs) > 0
	t.needsSCT = len(services.CTLogs()) > 0
	if t.needsLog && len(t.logs) == 0 {
		return hint.Wrap(errors.New("an entry in a log is demanded, and the trusted root names no log"), "give the root of the instance that signed")
	}
	var options []verify.VerifierOption
	if t.needsLog {
		options = append(options, verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
	} else {
		options = append(options, verify.WithSignedTimestamps(1))
	}
	if t.needsSCT {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	who, err := verify.NewShortCertificateIdentity(t.issuer, "", t.identity, t.pattern)
	if err != nil {
		return err
	}
	t.policy = []verify.PolicyOption{verify.WithCertificateIdentity(who)}
	t.engine, err = verify.NewVerifier(services, options...)
	return err
}

// checkIdentity refuses what would trust anybody.
func (t Trust) checkIdentity() error {
	if t.Issuer == "" {
		return hint.Wrap(errors.New("an identity is given without its issuer: anybody can found an issuer that gives it"),
			"give the issuer, as https://token.actions.githubusercontent.com")
	}
	if (t.Identity == "") == (t.IdentityPattern == "") {
		return hint.Wrap(errors.New("an issuer needs exactly one of an identity and a pattern for it"),
			"give the workflow's URI, or a pattern that matches it")
	}
	if t.IdentityPattern == "" {
		return nil
	}
	// By itself first: "a)|(b" would break out of what holds it to the whole.
	if _, err := regexp.Compile(t.IdentityPattern); err != nil {
		return fmt.Errorf("the identity's pattern: %w", err)
	}
	pattern, err := regexp.Compile(anchored(t.IdentityPattern))
	if err != nil {
		return fmt.Errorf("the identity's pattern: %w", err)
	}
	for _, stranger := range []string{
		"", "x", "x@example.invalid", "https://example.invalid/",
		"https://github.com/x/x/.github/workflows/x.yml@refs/heads/x", "https://gitlab.com/x/x//.gitlab-ci.yml@refs/heads/x",
	} {
		if pattern.MatchString(stranger) {
			return hint.Wrap(fmt.Errorf("the identity's pattern %q matches strangers, as %q", t.IdentityPattern, stranger),
				"name the owner in the pattern, as https://github\\.com/acme/.+")
		}
	}
	return nil
}

// anchored holds a pattern to the whole of a text, whose every line it sees.
func anchored(pattern string) string { return `\A(?:` + pattern + `)\z` }
