package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/org/ai-ship/pkg/base"
	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/doctor"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/sign/sigstore"
)

// reports holds the gates on metrics to the reports that are there.
func (c *consultation) reports(ctx context.Context) (doctor.Finding, error) {
	policy, err := plan.Policy(c.project.config)
	if err != nil {
		return doctor.Finding{}, err
	}
	metrics := gate.Policy{Metrics: policy.Metrics}
	measured := pipeline.Measured{Project: c.project.root, Tracker: c.p.tracker(), Reports: c.project.config.Reports, Policy: metrics}
	read, err := measured.Read(ctx)
	if err != nil {
		return doctor.Finding{}, err
	}
	if len(read) == 0 && len(metrics.Metrics) == 0 {
		return doctor.Finding{Found: "none, and no gate on metrics", Advice: "name the reports of your tests under reports:, then ai-ship gate --list proposes gates"}, nil
	}
	evidence := gate.Evidence{Reports: read}
	if evidence.NewestModelPath, evidence.NewestModel, err = newestModel(c.project.root, c.project.config); err != nil {
		return doctor.Finding{}, err
	}
	verdict := gate.Evaluate(metrics, evidence)
	if refused := pipeline.Refusal(verdict); refused != nil {
		for _, r := range verdict.Results {
			if !r.Passed {
				refused = fmt.Errorf("%w: %s", refused, r.Reason)
				break
			}
		}
		return doctor.Finding{}, hint.Wrap(refused, "ai-ship gate shows all; run the tests anew where a report is missing or old")
	}
	return doctor.Finding{Found: fmt.Sprintf("%d read; the %d gates on them pass", len(read), len(verdict.Results))}, nil
}

// base is whether the image to build on is there, for each platform.
func (c *consultation) base(ctx context.Context) (doctor.Finding, error) {
	found, err := base.Open(ctx, c.project.config.Base, base.Options{Project: c.project.root, Keychain: c.project.keys})
	if err != nil {
		return doctor.Finding{}, hint.Wrap(err, "see whether base: is written right, and log in if its registry wants it")
	}
	for _, text := range c.project.config.Platforms {
		platform, err := v1.ParsePlatform(text)
		if err != nil {
			return doctor.Finding{}, misuse(err)
		}
		if err := found.Offers(*platform); err != nil {
			return doctor.Finding{}, err
		}
	}
	return doctor.Finding{Found: fmt.Sprintf("%s for %s", found.Pinned(), strings.Join(c.project.config.Platforms, ", "))}, nil
}

// database is whether the advisories can be had, and how old they are.
func (c *consultation) database(ctx context.Context) (doctor.Finding, error) {
	wanted, err := plan.Scanning(c.project.config, c.flags.registry)
	if err != nil {
		return doctor.Finding{}, misuse(err)
	}
	if !wanted.Packages {
		return doctor.Finding{Found: "not needed: no gate on vulnerabilities or licences"}, nil
	}
	if file := c.project.path(wanted.Database.File); wanted.Database.File != "" {
		if _, err := os.Stat(file); err != nil {
			return doctor.Finding{}, input(hint.Wrap(fmt.Errorf("looking for the vulnerability database: %w", err), "correct scan.db, or --scan-db"))
		}
		return doctor.Finding{Found: file}, nil
	}
	var failures []string
	for _, ref := range wanted.Database.Refs {
		found, err := remote.Get(ref, remote.WithContext(ctx), remote.WithAuthFromKeychain(c.project.keys))
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", ref, err))
			continue
		}
		return dated(ref.Name(), found, wanted.Database.MaxAge)
	}
	problem := fmt.Errorf("reaching the vulnerability database: %s", strings.Join(failures, "; "))
	const advice = "let this machine reach one of them, or name a copy with scan: {db: …} or --scan-db: a reference, a folder or a db.tar.gz"
	if _, err := c.project.root.Stat(stateDir + "/scan/db"); err == nil {
		return doctor.Finding{Found: problem.Error() + "; a run uses the one of the last run while it is younger than " + wanted.Database.MaxAge.String(), Advice: advice}, nil
	}
	return doctor.Finding{}, exitError{hint.Wrap(problem, advice), exitRegistry}
}

// dated is a database with its age, where its publisher says it.
func dated(ref string, found *remote.Descriptor, most time.Duration) (doctor.Finding, error) {
	image, err := found.Image()
	if err != nil {
		return doctor.Finding{}, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return doctor.Finding{}, err
	}
	made, err := time.Parse(time.RFC3339, manifest.Annotations["org.opencontainers.image.created"])
	if err != nil {
		return doctor.Finding{Found: ref}, nil //nolint:nilerr // the publisher does not say when
	}
	age := time.Since(made).Round(time.Minute)
	if age > most {
		return doctor.Finding{}, exitError{hint.Wrap(fmt.Errorf("%s is %s old, more than scan.max-age allows (%s)", ref, age, most), "use a source that is kept up to date"), exitRegistry}
	}
	return doctor.Finding{Found: fmt.Sprintf("%s, %s old", ref, age)}, nil
}

// signing is whether there is something to sign with. A laptop has no identity
// that could sign without a key, and need not have one: it does not ship.
func (c *consultation) signing(ctx context.Context) (doctor.Finding, error) {
	s := c.project.config.Sign
	if s == nil {
		return doctor.Finding{Found: "not asked for: sign is not set"}, nil
	}
	n := c.p.notary(c.project, c.flags.registry)
	if s.Keyless {
		return c.keyless(ctx, n)
	}
	signer, err := n.sign(ctx)
	if err != nil {
		return doctor.Finding{}, hint.Wrap(err, "sign.key names the key, and COSIGN_PASSWORD holds its password; ai-ship keygen makes one")
	}
	public, err := signer.PublicKey()
	if err != nil {
		return doctor.Finding{}, signing(err)
	}
	who, err := sigstore.IdentityOfKey(public)
	if err != nil {
		return doctor.Finding{}, signing(err)
	}
	return doctor.Finding{Found: "key " + who.Key}, nil
}

func (c *consultation) keyless(ctx context.Context, n *notary) (doctor.Finding, error) {
	if _, err := n.token().Token(ctx); err != nil {
		event, detected := ci.Detect(c.p.Getenv)
		if detected == nil && event.Provider == ci.Local {
			return doctor.Finding{
				Found:  "without a key, by the identity of a CI job: not from here",
				Advice: "ship from CI; here, ai-ship run --dry-run does all but pushing and signing",
			}, nil
		}
		return doctor.Finding{}, signing(err)
	}
	if n.trust == nil {
		return doctor.Finding{Found: "an identity token is there", Advice: "add verify: with the identity and its issuer, or nothing can be promoted"}, nil
	}
	return doctor.Finding{Found: "an identity token is there"}, nil
}
