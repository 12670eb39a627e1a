package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/doctor"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/release"
	"github.com/org/ai-ship/pkg/source"
)

// checkTime is how long one check may take.
const checkTime = 10 * time.Second

type doctorFlags struct {
	planFlags
	scanDB string
	json   bool
}

func (p Process) doctor() *cobra.Command {
	var f doctorFlags
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether everything that a run needs is there and works",
		Long: `doctor looks at what surrounds the project: config, CI event, git, reports and the
gates on them, credentials, the registry and whether it may be pushed to, the base,
the vulnerability database, keys or the identity to sign with, clock, disk and
memory. Each line is ok, or says what to do; a warning lets a run go on. Nothing is
built, written or left behind. A check ends after 10 seconds.

It ends with the code that a run would end with.` + "\n" + exitHelp(),
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.diagnose(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	f.register(flags)
	flags.StringVar(&f.scanDB, "scan-db", "", "vulnerability `database` instead of the config's, as run takes it")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output")
	return cmd
}

// diagnose runs the checks that apply.
func (p Process) diagnose(ctx context.Context, f doctorFlags) (err error) {
	c := &consultation{p: p, flags: f}
	defer func() { err = errors.Join(err, c.close()) }()
	results := doctor.Examine(ctx, c.checks(ctx), checkTime, func(r doctor.Result) {
		if !f.json {
			_ = r.Text(p.Out) // a closed pipe is no reason to stop looking
		}
	})
	code := exitCode(ctx, doctor.First(results))
	if f.json {
		if err := doctor.JSON(p.Out, results, code); err != nil {
			return err
		}
	}
	if code == exitShipped {
		return nil
	}
	failed := 0
	for _, r := range results {
		if r.Status == doctor.Fail {
			failed++
		}
	}
	return exitError{fmt.Errorf("%d of %d checks failed", failed, len(results)), code}
}

// consultation is what the checks share.
type consultation struct {
	p       Process
	flags   doctorFlags
	project *project
	repo    name.Repository
	stop    func() error // the embedded registry
}

func (c *consultation) close() error {
	var err error
	if c.stop != nil {
		err = c.stop()
	}
	if c.project != nil {
		err = errors.Join(err, c.project.root.Close())
	}
	return err
}

// checks are those that apply: without a config nothing is known of registries.
func (c *consultation) checks(ctx context.Context) []doctor.Check {
	dir := filepath.Dir(c.flags.config)
	docker := c.docker()
	project, wrong := c.p.openProject(c.flags.planFlags)
	checks := []doctor.Check{
		{Name: "config", Look: c.config(wrong)},
		{Name: "event", Look: c.event},
		{Name: "git", Look: c.git},
	}
	last := []doctor.Check{
		{Name: "disk", Look: doctor.Disk(filepath.Join(dir, stateDir))},
		{Name: "temporary", Look: doctor.Disk(os.TempDir())},
		{Name: "machine", Look: doctor.Machine},
	}
	if wrong != nil {
		return append(append(checks, doctor.Check{Name: "docker", Look: docker.Config}), last...)
	}
	c.project = project
	if c.flags.scanDB != "" {
		project.config.Scan.DB = c.flags.scanDB
	}
	checks = append(checks, doctor.Check{Name: "reports", Look: c.reports}, doctor.Check{Name: "docker", Look: docker.Config})
	checks = append(checks, c.registry(ctx, docker)...)
	checks = append(checks,
		doctor.Check{Name: "base", Look: c.base},
		doctor.Check{Name: "database", Look: c.database},
		doctor.Check{Name: "signing", Look: c.signing},
	)
	return append(checks, last...)
}

// docker is where this process's credentials come from, as the keychain finds them.
func (c *consultation) docker() doctor.Docker {
	folder := c.p.Getenv("DOCKER_CONFIG")
	if folder == "" {
		folder = filepath.Join(c.p.Getenv("HOME"), ".docker")
	}
	return doctor.Docker{Folder: folder, LookPath: exec.LookPath, Keychain: authn.DefaultKeychain}
}

func (c *consultation) config(wrong error) func(context.Context) (doctor.Finding, error) {
	return func(context.Context) (doctor.Finding, error) {
		if wrong != nil {
			return doctor.Finding{}, wrong
		}
		if strings.HasPrefix(c.project.config.Image, "ghcr.io/acme/") && c.flags.registry == "" {
			return doctor.Finding{Found: c.flags.config + " is valid, and its image is still the example's", Advice: "set image: to the repository that you push to"}, nil
		}
		return doctor.Finding{Found: c.flags.config + " is valid"}, nil
	}
}

// event is what started this, and what it moves.
func (c *consultation) event(context.Context) (doctor.Finding, error) {
	e, err := ci.Detect(c.p.Getenv)
	if err != nil {
		return doctor.Finding{}, misuse(err)
	}
	switch {
	case e.Provider == ci.Local:
		return doctor.Finding{Found: "no CI: git says which branch and version this is"}, nil
	case e.PullRequest > 0:
		return doctor.Finding{Found: fmt.Sprintf("%s, pull request %d: no tag moves", e.Provider, e.PullRequest)}, nil
	case e.Tag != "":
		return doctor.Finding{Found: fmt.Sprintf("%s, tag %s", e.Provider, e.Tag)}, nil
	}
	return doctor.Finding{Found: fmt.Sprintf("%s, branch %s", e.Provider, e.Branch)}, nil
}

// git is the commit that the image will name.
func (c *consultation) git(ctx context.Context) (doctor.Finding, error) {
	dir := filepath.Dir(c.flags.config)
	revision, err := source.Open(dir)
	if err != nil {
		return doctor.Finding{}, err
	}
	if revision.Commit == "" {
		if c.project != nil && c.project.config.Version.From == "git" {
			return doctor.Finding{}, misuse(hint.Wrap(errors.New("there is no commit to take a version from"), "commit, or set version: in "+c.flags.config))
		}
		return doctor.Finding{Found: "no commit: the image will not say what it was made of", Advice: "commit before you ship"}, nil
	}
	checkout, err := source.Find(dir)
	if err != nil {
		return doctor.Finding{}, err
	}
	text := "commit " + revision.Commit[:7]
	if revision.Branch != "" {
		text += " on " + revision.Branch
	}
	if revision.Remote != "" {
		text += ", " + revision.Remote
	}
	if checkout.Top == "" { // a bare repository
		return doctor.Finding{Found: text}, nil
	}
	changed, err := checkout.Changed(ctx)
	if err != nil {
		return doctor.Finding{}, err
	}
	if len(changed) > 0 {
		return doctor.Finding{
			Found:  fmt.Sprintf("%s; changed since: %s", text, firstFew(changed)),
			Advice: "commit what shall be shipped: the image says that it is made of this commit",
		}, nil
	}
	return doctor.Finding{Found: text}, nil
}

func firstFew(names []string) string {
	const most = 3
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// registry are the checks on the image's registry.
func (c *consultation) registry(ctx context.Context, docker doctor.Docker) []doctor.Check {
	fail := func(err error) []doctor.Check {
		return []doctor.Check{{Name: "registry", Look: func(context.Context) (doctor.Finding, error) { return doctor.Finding{}, err }}}
	}
	host := c.flags.registry
	if host == embedded {
		if _, err := os.Stat(registryDir(c.project.dir)); errors.Is(err, fs.ErrNotExist) {
			return []doctor.Check{{Name: "registry", Look: func(context.Context) (doctor.Finding, error) {
				return doctor.Finding{Found: "the embedded one, which the first run makes"}, nil
			}}}
		}
		var err error
		if host, c.stop, err = serve(ctx, c.project); err != nil {
			return fail(err)
		}
		c.flags.registry = host
	}
	var err error
	if c.repo, err = plan.Repository(c.project.config, host); err != nil {
		return fail(misuse(err))
	}
	r := doctor.Registry{Repo: c.repo, Keychain: c.project.keys, Now: time.Now}
	return []doctor.Check{
		{Name: "login", Look: docker.Login(c.repo.Registry)},
		{Name: "registry", Look: c.tags},
		{Name: "push", Look: r.Upload},
		{Name: "referrers", Look: r.Referrers},
		{Name: "clock", Look: func(ctx context.Context) (doctor.Finding, error) { return c.clock(ctx, r) }},
	}
}

func (c *consultation) tags(ctx context.Context) (doctor.Finding, error) {
	tags, err := release.Registry{Keychain: c.project.keys}.Existing(ctx, c.repo)
	if err != nil {
		return doctor.Finding{}, hint.Wrap(err, "see whether image: names the right repository, and docker login "+c.repo.RegistryStr()+" went well")
	}
	return doctor.Finding{Found: fmt.Sprintf("%s answers; it has %d tags", c.repo.Name(), len(tags))}, nil
}

// clock matters to those who sign without a key: their certificates live for minutes.
func (c *consultation) clock(ctx context.Context, r doctor.Registry) (doctor.Finding, error) {
	skew, err := r.Clock(ctx)
	if err != nil {
		return doctor.Finding{Found: "not compared: " + err.Error()}, nil
	}
	text := fmt.Sprintf("%s off the clock of %s", skew.Abs(), r.Repo.RegistryStr())
	const advice = "set this machine's clock, by NTP"
	switch {
	case skew.Abs() <= doctor.MaxSkew:
		return doctor.Finding{Found: text}, nil
	case c.project.config.Sign != nil && c.project.config.Sign.Keyless:
		return doctor.Finding{}, signing(hint.Wrap(errors.New(text+": signing without a key would be refused"), advice))
	}
	return doctor.Finding{Found: text, Advice: advice}, nil
}
