package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/sign/sigstore"
)

const (
	maxRoot = 4 << 20 // bytes of a trusted root file
	// tokenURL is set in jobs of GitHub that may ask for an identity token.
	tokenURL = "ACTIONS_ID_TOKEN_REQUEST_URL"
	// settle is how long a promotion waits before its last look at a channel.
	settle = 500 * time.Millisecond
)

// notary is what signs for a project, and what knows whom it trusts.
type notary struct {
	p       Process
	folder  *os.Root
	keys    authn.Keychain
	signing *plan.Signing    // nil: the project does not sign
	trust   *plan.Trust      // nil: it trusts nobody
	signer  *sigstore.Signer // nil until it is needed
	offline bool             // nothing but the registry is asked

	keyPEM, rootJSON []byte // what flags named in place of trust's files
}

// notary is the project's. The embedded registry has another port each time
// that its own is taken, so the name of the repository says nothing there.
func (p Process) notary(project *project, registry string) *notary {
	n := &notary{p: p, folder: project.root, keys: project.keys, signing: plan.Signed(project.config), trust: plan.Trusted(project.config)}
	if n.trust != nil && registry == embedded {
		n.trust.AnyRepository = true
	}
	return n
}

// lookup is the environment of keys.
func (n *notary) lookup(name string) (string, bool) {
	value := n.p.Getenv(name)
	n.p.job.Mask(value)
	return value, value != ""
}

func (n *notary) key(ref string) *sigstore.Key {
	return &sigstore.Key{Ref: ref, Folder: n.folder, Lookup: n.lookup, Password: sigstore.NewSecret(n.p.Getenv("COSIGN_PASSWORD"))}
}

// sign returns what signs. It loads the key; a token is asked for when it is
// used.
func (n *notary) sign(ctx context.Context) (*sigstore.Signer, error) {
	if n.signer != nil {
		return n.signer, nil
	}
	if n.signing == nil {
		return nil, misuse(hint.Wrap(errors.New("the config has no sign section, and a move must be recorded with a signature"),
			"add sign: {keyless: true}, or sign: {key: cosign.key}"))
	}
	s := n.signing
	services := sigstore.Services{Fulcio: s.Fulcio, Rekor: s.Rekor, RekorVersion: 2, Timestamps: s.Timestamp}
	if s.RekorV1 || s.Rekor == "" {
		services.RekorVersion = 1
	}
	var err error
	if services.Root, err = n.root(s.TrustedRoot); err != nil {
		return nil, err
	}
	options := sigstore.Options{Services: services, Format: formatOf(s), Registry: n.registry()}
	if s.Keyless {
		options.Token = n.token()
	} else {
		options.Key = n.key(s.Key)
	}
	n.signer, err = sigstore.NewSigner(ctx, options)
	return n.signer, signing(err)
}

// public is the public half of the key that signs.
func (n *notary) public(ctx context.Context) ([]byte, error) {
	signer, err := n.sign(ctx)
	if err != nil {
		return nil, err
	}
	key, err := signer.PublicKey()
	return key, signing(err)
}

func formatOf(s *plan.Signing) sigstore.Format {
	switch {
	case s.Bundle && s.Legacy:
		return sigstore.Both
	case s.Legacy:
		return sigstore.Legacy
	}
	return sigstore.Bundle
}

// token is the CI's: GitHub's runner is asked for one, GitLab and others put it
// into a variable.
func (n *notary) token() sigstore.TokenSource {
	if url := n.p.Getenv(tokenURL); url != "" || n.p.job.Provider() == ci.GitHub {
		return sigstore.GitHub{URL: url, Request: sigstore.NewSecret(n.p.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))}
	}
	const variable = "SIGSTORE_ID_TOKEN"
	return sigstore.Token{Value: sigstore.NewSecret(n.p.Getenv(variable)), From: variable}
}

func (n *notary) registry() sigstore.Registry {
	return sigstore.Registry{Keychain: n.keys}
}

// root reads a trusted root file; none is no file.
func (n *notary) root(name string) ([]byte, error) {
	if name == "" {
		return nil, nil
	}
	return rootFile(n.folder, name)
}

func rootFile(folder *os.Root, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, input(fmt.Errorf("reading the trusted root: %w", err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRoot+1))
	if err == nil && len(data) > maxRoot {
		err = fmt.Errorf("found more than %d bytes", maxRoot)
	}
	if err != nil {
		return nil, input(fmt.Errorf("reading the trusted root %q: %w", name, err))
	}
	return data, nil
}

// verifier returns what knows whom the config trusts; nil when it trusts nobody.
func (n *notary) verifier(ctx context.Context) (sign.Verifier, error) {
	t := n.trust
	if t == nil {
		return nil, nil //nolint:nilnil // nobody is trusted, as documented
	}
	trust := sigstore.Trust{
		Identity: t.Identity, IdentityPattern: t.IdentityRegexp, Issuer: t.Issuer, AnyRepository: t.AnyRepository, Offline: n.offline,
	}
	if t.Logged && t.Key != "" {
		trust.Log = sigstore.LogRequired
	}
	var err error
	if trust.Root = n.rootJSON; trust.Root == nil {
		if trust.Root, err = n.root(t.TrustedRoot); err != nil {
			return nil, err
		}
	}
	switch {
	case n.keyPEM != nil:
		trust.KeyPEM = n.keyPEM
	case t.Private:
		if trust.KeyPEM, err = n.public(ctx); err != nil {
			return nil, err
		}
	case t.Key != "":
		trust.Key = n.key(t.Key)
	}
	v, err := sigstore.NewVerifier(ctx, trust, n.registry())
	return v, signing(err)
}

// own returns what verifies the project's own signatures of this run: those of
// whoever has just signed.
func (n *notary) own(ctx context.Context, by sign.Identity) (sign.Verifier, error) {
	trust := sigstore.Trust{Identity: by.Subject, Issuer: by.Issuer}
	if n.signing.NoLog {
		trust.Log = sigstore.LogNotRequired
	}
	var err error
	if trust.Root, err = n.root(n.signing.TrustedRoot); err != nil {
		return nil, err
	}
	if by.Key != "" {
		if trust.KeyPEM, err = n.signer.PublicKey(); err != nil {
			return nil, signing(err)
		}
	}
	v, err := sigstore.NewVerifier(ctx, trust, n.registry())
	return v, signing(err)
}

// predecessors returns what verifies the images that layers and numbers are
// taken from. A run that signs nothing goes on without it.
func (n *notary) predecessors(ctx context.Context, lenient bool) (sign.Verifier, error) {
	v, err := n.verifier(ctx)
	if err != nil && lenient && ctx.Err() == nil {
		return nil, nil //nolint:nilnil,nilerr // the plan notes that nothing is trusted
	}
	return v, err
}

// engines adds what signs to a run that pushes to a registry; trusted may be
// nil. Held is why it does not push, if it does not.
func (n *notary) engines(ctx context.Context, e *pipeline.Engines, to destination, held string, trusted sign.Verifier) error {
	if n.signing == nil || e.Publish == nil || to.kind != toRegistry || held != "" {
		return nil
	}
	if n.signing.Keyless && n.p.Getenv(tokenURL) == "" { // better now than when the image is pushed
		if _, err := n.token().Token(ctx); err != nil {
			return signing(err)
		}
	}
	signer, err := n.sign(ctx)
	if err != nil {
		return err
	}
	e.Signer = signer
	e.Verify = func(by sign.Identity) (sign.Verifier, error) { return n.own(ctx, by) }
	e.Channels = func(own sign.Verifier) pipeline.Channels {
		m := release.Mover{Registry: release.Registry{Keychain: n.keys}, Signer: signer, Verifier: own, Now: time.Now}
		if trusted != nil { // a channel's history may have been signed by others too
			m.Verifier = trusted
		}
		return m
	}
	return nil
}

// mover returns what moves channels and records it.
func (n *notary) mover(ctx context.Context) (release.Mover, error) {
	m, err := n.reader(ctx)
	if err != nil {
		return m, err
	}
	m.Signer, err = n.sign(ctx)
	return m, err
}

// reader returns a mover that can only read histories.
func (n *notary) reader(ctx context.Context) (release.Mover, error) {
	v, err := n.verifier(ctx)
	if err != nil {
		return release.Mover{}, err
	}
	if v == nil {
		return release.Mover{}, nobodyTrusted()
	}
	return release.Mover{Registry: release.Registry{Keychain: n.keys}, Verifier: v, Now: time.Now, Settle: settle}, nil
}

func nobodyTrusted() error {
	return misuse(hint.Wrap(errors.New("the config does not say whose signatures count"),
		"add verify: with a key, or with an identity and its issuer"))
}

// signing marks an error as one of signing or verification.
func signing(err error) error {
	if err == nil {
		return nil
	}
	return exitError{err, exitSigning}
}
