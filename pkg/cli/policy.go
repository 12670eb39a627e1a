package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/policy"
)

type policyFlags struct {
	planFlags
	out string
}

func (p Process) policy() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Print the policy with which a cluster demands what is signed",
		Args:  none,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		p.policyFor("kyverno", "a ClusterPolicy of Kyverno", policy.Demand.Kyverno),
		p.policyFor("kyverno-cel", "an ImageValidatingPolicy of Kyverno", policy.Demand.KyvernoCEL),
		p.policyFor("policy-controller", "a ClusterImagePolicy of sigstore's policy-controller", policy.Demand.PolicyController),
		p.policyFor("conforma", "a policy and its rules for conforma", policy.Demand.Conforma),
	)
	return cmd
}

func (p Process) policyFor(engine, short string, write func(policy.Demand) ([]policy.File, error)) *cobra.Command {
	var f policyFlags
	cmd := &cobra.Command{
		Use:   engine,
		Short: "Print " + short,
		Long: engine + ` prints ` + short + `.

Images of the project's repository may run only if whom the config's verify
section trusts has signed them and every statement that it requires, with a
verdict that passed; with --channel, only if the channel was moved onto them, and
with the channel's scan-max-age, only while their scan is young. No registry is
asked. docs/policies.md says what each engine can demand.`,
		Example: "  ai-ship policy " + engine + " --out policies",
		Args:    none,
		RunE:    func(cmd *cobra.Command, _ []string) error { return p.demand(cmd.Context(), f, write) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "ai-ship.yaml", "config `file`; its folder is the project")
	flags.StringVar(&f.registry, "registry", "", "`host` of the registry instead of the image's")
	flags.StringVar(&f.channel, "channel", "", "`channel` that must have been moved onto an image")
	flags.StringVar(&f.out, "out", "", "`folder` to write files into, in place of standard output")
	return cmd
}

// demand writes the policy of the project.
func (p Process) demand(ctx context.Context, f policyFlags, write func(policy.Demand) ([]policy.File, error)) (err error) {
	if f.registry == embedded {
		return misuse(errors.New("--registry embedded: it has no address that a cluster could name"))
	}
	project, err := p.openProject(f.planFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, project.root.Close()) }()
	repo, err := plan.Repository(project.config, f.registry)
	if err != nil {
		return misuse(err)
	}
	n := p.notary(project, f.registry)
	if n.trust == nil {
		return nobodyTrusted()
	}
	d := policy.Demand{Repository: repo.Name(), AnyRepository: n.trust.AnyRepository, Format: n.format()}
	for _, name := range n.trust.Require {
		d.Require = append(d.Require, attest.Type(name))
	}
	if f.channel != "" {
		channel, err := (&shelf{project: project, repo: repo}).channel(f.channel)
		if err != nil {
			return err
		}
		d.Channel, d.ScanMaxAge, d.Alone = channel.Name, channel.ScanMaxAge, len(project.config.Channels) == 1
	}
	if d.Signer, err = n.signs(ctx); err != nil {
		return err
	}
	files, err := write(d)
	if err != nil {
		return misuse(err)
	}
	return p.save(f.out, files)
}

// signs is whose signatures count, as policies say it.
func (n *notary) signs(ctx context.Context) (s policy.Signer, err error) {
	t := n.trust
	s = policy.Signer{Identity: t.Identity, IdentityPattern: t.IdentityRegexp, Issuer: t.Issuer, Logged: t.Logged}
	if n.signing != nil {
		s.Log = n.signing.Rekor
	}
	if t.Key == "" {
		s.Logged = n.signing == nil || !n.signing.NoLog
		s.Stamped = n.signing != nil && (n.signing.NoLog || n.signing.Rekor != "" && !n.signing.RekorV1 || n.signing.Timestamp != "")
	}
	if s.Root, err = n.root(t.TrustedRoot); err != nil || t.Key == "" {
		return s, err
	}
	var key []byte
	if t.Private {
		if key, err = n.public(ctx); err != nil {
			return s, err
		}
	} else if key, err = n.key(t.Key).Public(ctx); err != nil {
		return s, signing(err)
	}
	s.KeyPEM = string(key)
	return s, nil
}

// format is where the project's statements are; a project that only verifies
// does not say.
func (n *notary) format() policy.Format {
	switch {
	case n.signing == nil || n.signing.Bundle && n.signing.Legacy:
		return policy.Both
	case n.signing.Legacy:
		return policy.Legacy
	}
	return policy.Bundle
}

// save writes files into a folder, or prints them one after the other.
func (p Process) save(folder string, files []policy.File) error {
	if folder == "" {
		return p.printAll(files)
	}
	for _, f := range files {
		name := filepath.Join(folder, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return input(fmt.Errorf("writing the policy: %w", err))
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			return input(fmt.Errorf("writing the policy: %w", err))
		}
		fmt.Fprintln(p.Out, name)
	}
	return nil
}

func (p Process) printAll(files []policy.File) error {
	for _, f := range files {
		if filepath.Ext(f.Name) != ".yaml" {
			return misuse(hint.Wrap(fmt.Errorf("the policy is %d files, and %s is no YAML", len(files), f.Name), "give --out FOLDER"))
		}
	}
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(p.Out, "---")
		}
		if _, err := p.Out.Write(f.Data); err != nil {
			return err
		}
	}
	return nil
}
