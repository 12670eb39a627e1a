package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/sign"
)

type verifyFlags struct {
	imageFlags
	trust   plan.Trust
	offline bool
}

func (p Process) verify() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify REF",
		Short: "Check who signed an image and what is attested about it",
		Long: `verify checks an image's signature and the statements beside it, and prints who
signed, when, and what is attested. It fails unless somebody whom the config's
verify section (or the flags) trusts has signed the digest and made every
statement that is required. REF is an image, or a channel or tag of the config's.

With a key, or with --trusted-root, nothing but the registry is asked.` + "\n" + exitHelp(),
		Example: `  ai-ship verify production
  ai-ship verify --key cosign.pub ghcr.io/acme/digits:1.2.3
  ai-ship verify --issuer https://token.actions.githubusercontent.com \
    --identity https://github.com/acme/digits/.github/workflows/ship.yml@refs/heads/main ghcr.io/acme/digits:production`,
		Args: one("an image: a reference, digest, channel or tag"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.check(cmd.Context(), f, args[0]) },
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.StringVar(&f.trust.Key, "key", "", "public `key` whose signatures count: a file, env://NAME or a key service")
	flags.StringVar(&f.trust.Identity, "identity", "", "`subject` of the certificate whose signatures count")
	flags.StringVar(&f.trust.IdentityRegexp, "identity-regexp", "", "`pattern` that the whole subject must match, in place of --identity")
	flags.StringVar(&f.trust.Issuer, "issuer", "", "`URL` of the issuer that vouches for the identity")
	flags.StringVar(&f.trust.TrustedRoot, "trusted-root", "", "`file` with the roots to verify with")
	flags.StringSliceVar(&f.trust.Require, "require", nil, "`statements` that must be there (default the config's, or verdict)")
	flags.BoolVar(&f.trust.AnyRepository, "any-repository", false, "statements made for the digest in another repository count")
	flags.BoolVar(&f.offline, "offline", false, "fetch no roots")
	return cmd
}

// check verifies an image and says what was found, also when it is refused.
func (p Process) check(ctx context.Context, f verifyFlags, text string) (err error) {
	if t := f.trust; (t.Identity != "" || t.IdentityRegexp != "") != (t.Issuer != "") {
		return misuse(errors.New("an identity and its issuer are given together or not at all: --identity or --identity-regexp, and --issuer"))
	}
	n, digest, done, err := p.subject(ctx, f, text)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	v, err := n.verifier(ctx)
	if err != nil {
		return err
	}
	if v == nil {
		return misuse(hint.Wrap(errors.New("nothing says whose signatures count"),
			"give --key, or --identity and --issuer, or write verify: into the config"))
	}
	evidence, err := v.Verify(ctx, digest)
	if err != nil {
		return signing(fmt.Errorf("verifying %s: %w", digest, err))
	}
	_, failed := sign.Hold(evidence, digest, attest.Demands(typed(n.trust.Require), nil))
	gates := attest.LastVerdict(evidence).Gates
	r := report.Report{
		Passed: failed == nil, Exit: exitCode(ctx, failed), Generator: p.Version,
		Image: digest.Name(), Repository: digest.Context().Name(), Digest: digest.DigestStr(), Gates: gates,
	}
	if failed != nil {
		r.Error, r.Hints = failed.Error(), hint.Of(failed)
	}
	return errors.Join(failed, p.tell(output{}, r), report.Verified(p.Out, report.Verification{
		Evidence: evidence, Required: n.trust.Require, Passed: failed == nil, Names: named, Verdict: gates,
	}, f.json, p.style()))
}

// named is what people call a statement.
func named(predicateType string) string {
	if predicateType == release.PromotionPredicate {
		return "promotion"
	}
	return attest.Name(predicateType)
}

// typed has the promotion by its type; attest knows the other names.
func typed(names []string) []string {
	all := slices.Clone(names)
	for i, name := range all {
		if name == "promotion" {
			all[i] = release.PromotionPredicate
		}
	}
	return all
}

// subject is the image and whom to trust about it: by the flags, which need no
// config, or by the config.
func (p Process) subject(ctx context.Context, f verifyFlags, text string) (n *notary, digest name.Digest, done func() error, err error) {
	var s *shelf
	byFlags := f.trust.Key != "" || f.trust.Issuer != "" || f.trust.Identity != "" || f.trust.IdentityRegexp != ""
	if _, missing := os.Stat(f.config); byFlags && errors.Is(missing, fs.ErrNotExist) {
		root, err := os.OpenRoot(".")
		if err != nil {
			return nil, digest, nil, err
		}
		keys, err := p.keychain(f.registry, text)
		n, done = &notary{p: p, folder: root, keys: keys}, root.Close
		if err == nil {
			digest, err = resolve(ctx, text, keys)
		}
		if err != nil {
			return nil, digest, nil, errors.Join(err, done())
		}
	} else {
		if s, done, err = p.shelf(ctx, f.imageFlags); err != nil {
			return nil, digest, nil, err
		}
		n = p.notary(s.project, f.registry)
		if digest, err = s.resolve(ctx, text); err != nil {
			return nil, digest, nil, errors.Join(err, done())
		}
	}
	n.offline = f.offline
	n.told(f.trust, byFlags)
	if err := n.read(ctx, f.trust); err != nil {
		return nil, digest, nil, errors.Join(err, done())
	}
	return n, digest, done, nil
}

// read reads the files that flags name. Their paths are the shell's, not the
// project's.
func (n *notary) read(ctx context.Context, t plan.Trust) (err error) {
	if t.Key != "" && !strings.Contains(t.Key, "://") {
		folder, err := os.OpenRoot(filepath.Dir(t.Key))
		if err != nil {
			return input(fmt.Errorf("reading --key %q: %w", t.Key, err))
		}
		defer folder.Close()
		key := n.key(filepath.Base(t.Key))
		key.Folder = folder
		if n.keyPEM, err = key.Public(ctx); err != nil {
			return signing(fmt.Errorf("reading --key %q: %w", t.Key, err))
		}
	}
	if t.TrustedRoot != "" {
		folder, err := os.OpenRoot(filepath.Dir(t.TrustedRoot))
		if err != nil {
			return input(fmt.Errorf("reading --trusted-root %q: %w", t.TrustedRoot, err))
		}
		defer folder.Close()
		if n.rootJSON, err = rootFile(folder, filepath.Base(t.TrustedRoot)); err != nil {
			return err
		}
	}
	return nil
}

// told puts what the flags say over what the config says.
func (n *notary) told(t plan.Trust, byFlags bool) {
	switch {
	case byFlags:
		if t.Require == nil {
			t.Require = []string{"verdict"}
			if n.trust != nil {
				t.Require = n.trust.Require
			}
		}
		n.trust = &t
	case n.trust != nil:
		if t.Require != nil {
			n.trust.Require = t.Require
		}
		if t.TrustedRoot != "" {
			n.trust.TrustedRoot = t.TrustedRoot
		}
		n.trust.AnyRepository = n.trust.AnyRepository || t.AnyRepository
	}
}
