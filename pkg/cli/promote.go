package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/report"
)

type promoteFlags struct {
	imageFlags
	to, from, reason string
}

func (p Process) promote() *cobra.Command {
	var f promoteFlags
	cmd := &cobra.Command{
		Use:   "promote [REF]",
		Short: "Move a channel onto an image that is proven",
		Long: `promote moves a channel, such as production, onto an image that is in the registry
already: REF, or what --from points to, or what the channel that it comes after
points to. It checks the signature and the gates' verdict against the config of
today, the order of the channels, the soak time and the age of the scan; it
refuses an older image than the channel has. The move is recorded and signed.` + "\n" + exitHelp(),
		Example: `  ai-ship promote --to production
  ai-ship promote --to production ghcr.io/acme/digits@sha256:…`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.to == "" {
				return usage(cmd, errors.New("--to is missing: the channel to move"))
			}
			return p.advance(cmd.Context(), f, args)
		},
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.StringVar(&f.to, "to", "", "`channel` to move")
	flags.StringVar(&f.from, "from", "", "`channel` whose image is taken (default: the one that the channel comes after)")
	flags.StringVar(&f.reason, "reason", "", "`text` for the record")
	return cmd
}

func (p Process) advance(ctx context.Context, f promoteFlags, args []string) (err error) {
	wish, err := p.wish(f.to, f.reason)
	if err != nil {
		return err
	}
	s, done, err := p.shelf(ctx, f.imageFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	channel, err := s.channel(f.to)
	if err != nil {
		return err
	}
	subject, err := s.source(ctx, f, channel, args)
	if err != nil {
		return err
	}
	policy, err := plan.Policy(s.config)
	if err != nil {
		return err
	}
	n := p.notary(s.project, f.registry)
	mover, err := n.mover(ctx)
	if err != nil {
		return err
	}
	promoted, err := mover.Promote(ctx, release.Promotion{
		Wish: wish, Subject: subject, After: channel.After, Soak: channel.Soak,
		Demands: attest.Demands(n.trust.Require, &policy),
	})
	if err != nil {
		return err
	}
	return p.moved(s, f, promoted)
}

// source is the image that is promoted.
func (s *shelf) source(ctx context.Context, f promoteFlags, channel plan.Channel, args []string) (name.Digest, error) {
	from := f.from
	switch {
	case len(args) == 1 && from != "":
		return name.Digest{}, misuse(errors.New("an image and --from are given; only one of them can be promoted"))
	case len(args) == 1:
		return s.resolve(ctx, args[0])
	case from == "":
		from = channel.After
	}
	if from == "" {
		return name.Digest{}, misuse(hint.Wrap(fmt.Errorf("nothing says what %s is to be moved onto", f.to), "name the image, or --from CHANNEL"))
	}
	if _, err := s.channel(from); err != nil {
		return name.Digest{}, err
	}
	return s.resolve(ctx, s.repo.Tag(from).Name())
}

// wish is the move, and who asks for it.
func (p Process) wish(channel, reason string) (release.Wish, error) {
	event, err := ci.Detect(p.Getenv)
	if err != nil {
		return release.Wish{}, misuse(err)
	}
	if event.PullRequest > 0 {
		return release.Wish{}, misuse(hint.Wrap(fmt.Errorf("moving channel %q: the run is for a pull request, which never moves a tag", channel),
			"move it in a workflow that a push, a release or a person starts"))
	}
	return release.Wish{Channel: channel, Run: event.RunURL, Reason: reason}, nil
}

func (p Process) rollback() *cobra.Command {
	var f promoteFlags
	cmd := &cobra.Command{
		Use:   "rollback CHANNEL",
		Short: "Move a channel back onto an image that it had before",
		Long: `rollback moves a channel back: onto the image that --to names, or onto the newest
one of the channel's history that can still be proven. It is the only way back to
an older image. The move is recorded and signed.` + "\n" + exitHelp(),
		Example: `  ai-ship rollback production --reason "accuracy dropped on new cameras"
  ai-ship rollback production --to sha256:…`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.goBack(cmd.Context(), f, args[0]) },
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.StringVar(&f.to, "to", "", "`image` of the channel's history: a digest or a tag")
	flags.StringVar(&f.reason, "reason", "", "`text` for the record")
	return cmd
}

func (p Process) goBack(ctx context.Context, f promoteFlags, channel string) (err error) {
	wish, err := p.wish(channel, f.reason)
	if err != nil {
		return err
	}
	s, done, err := p.shelf(ctx, f.imageFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if _, err := s.channel(channel); err != nil {
		return err
	}
	to := ""
	if f.to != "" {
		digest, err := s.resolve(ctx, f.to)
		if err != nil {
			return err
		}
		to = digest.DigestStr()
	}
	n := p.notary(s.project, f.registry)
	mover, err := n.mover(ctx)
	if err != nil {
		return err
	}
	// What it goes back to passed the gates of its day; those of today must not
	// keep anybody from going back.
	promoted, err := mover.Rollback(ctx, s.repo, wish, to, attest.Demands(n.trust.Require, nil))
	if err != nil {
		return err
	}
	return p.moved(s, f, promoted)
}

// moved says what a channel points to now.
func (p Process) moved(s *shelf, f promoteFlags, done release.Promoted) error {
	r := report.Report{
		Passed: true, Generator: p.Version, Repository: s.repo.Name(), Image: s.repo.Name() + "@" + done.To, Digest: done.To,
		Channel: done.Tag, Tags: []string{done.Tag}, Moves: []report.Move{report.Move(done.Move)},
	}
	return errors.Join(report.Moved(p.Out, done, f.json, p.style()), p.tell(output{}, r))
}

func (p Process) history() *cobra.Command {
	var f imageFlags
	cmd := &cobra.Command{
		Use:   "history CHANNEL",
		Short: "Print what a channel pointed to, and check the records",
		Long: `history prints every move of a channel, who made it and why, and checks the chain:
each move has a record signed by somebody whom the config trusts, follows one
before it, and the channel points to the newest. A chain that is not intact is
exit 5.` + "\n" + exitHelp(),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return p.past(cmd.Context(), f, args[0]) },
	}
	f.register(cmd.Flags())
	return cmd
}

func (p Process) past(ctx context.Context, f imageFlags, channel string) (err error) {
	s, done, err := p.shelf(ctx, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if _, err := s.channel(channel); err != nil {
		return err
	}
	reader, err := p.notary(s.project, f.registry).reader(ctx)
	if err != nil {
		return err
	}
	h, err := reader.History(ctx, s.repo, channel)
	if err != nil {
		return err
	}
	var broken error
	if problems := h.Broken(); len(problems) > 0 {
		broken = signing(fmt.Errorf("checking the history of channel %q: %s", channel, problems[0]))
	}
	return errors.Join(report.Past(p.Out, h, f.json, p.style()), broken)
}
