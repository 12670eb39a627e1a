package cli

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/spf13/pflag"

	"github.com/org/ai-ship/pkg/attest"
	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/sign"
	"github.com/org/ai-ship/pkg/source"
)

// stateDir is where a project keeps what ai-ship knows of it on this machine.
const stateDir = ".ai-ship"

// outDir is where a project finds the reports of its last run.
const outDir = "ai-ship-out"

// planFlags are the flags of every command that makes a plan.
type planFlags struct {
	config   string
	registry string
	channel  string
	version  string
	allowed  []string // events
}

func (f *planFlags) register(flags *pflag.FlagSet) {
	flags.StringVarP(&f.config, "config", "c", "ai-ship.yaml", "config `file`; its folder is the project")
	flags.StringVar(&f.registry, "registry", "", "`host` of the registry instead of the image's, or embedded: a registry of this project's own under .ai-ship/registry")
	flags.StringVar(&f.channel, "channel", "", "move this `channel`, whatever its on: rules say")
	flags.StringSliceVar(&f.allowed, "allow-event", nil, "run in this `event` of a pull request although it hands out the repository's secrets: pull_request_target, workflow_run or issue_comment")
	flags.StringVar(&f.version, "version", "", "`version` of the image instead of the config's")
}

// project is a folder with a config in it.
type project struct {
	dir    string
	root   *os.Root
	config *config.Config
	file   attest.File    // the config
	has    bool           // the config is a file
	keys   authn.Keychain // of its registry, and of others
}

// path is where a file of the config's lies, which is named from the project.
func (p *project) path(file string) string {
	if file = filepath.FromSlash(file); filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(p.dir, file)
}

// openProject reads the config. The caller closes the root.
func (p Process) openProject(f planFlags) (*project, error) {
	dir := filepath.Dir(f.config)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, misuse(fmt.Errorf("opening the project: %w", err))
	}
	name := filepath.Base(f.config)
	data, err := config.Read(root, name)
	var c *config.Config
	if err == nil {
		c, err = config.Parse(name, data, p.Getenv)
	}
	if err != nil {
		root.Close()
		return nil, misuse(err)
	}
	if f.version != "" {
		c.Version.From = f.version
	}
	p.job.project = dir
	keys, err := p.keychain(f.registry, c.Image)
	if err != nil {
		root.Close()
		return nil, err
	}
	file := attest.File{Name: name, SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
	return &project{dir: dir, root: root, config: c, file: file, has: true, keys: keys}, nil
}

// ask gathers what the environment knows.
func (p Process) ask(project *project, f planFlags) (plan.Ask, error) {
	event, err := ci.Detect(p.Getenv)
	if err != nil {
		return plan.Ask{}, misuse(err)
	}
	if e := event.Privileged; e != "" && !slices.Contains(f.allowed, e) {
		return plan.Ask{}, misuse(hint.Wrap(fmt.Errorf("the event %s would build the files of pull request %d, a stranger's, with the repository's secrets", e, event.PullRequest),
			"start the workflow on: pull_request, or take the risk with --allow-event "+e))
	}
	revision, err := source.Open(project.dir)
	if err != nil {
		return plan.Ask{}, err
	}
	created, err := sourceDate(p.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return plan.Ask{}, misuse(err)
	}
	return plan.Ask{
		Config: project.config, File: project.file, Event: event, Revision: revision,
		Channel: f.channel, Registry: f.registry, Created: created,
	}, nil
}

// sourceDate reads SOURCE_DATE_EPOCH as reproducible-builds.org defines it.
func sourceDate(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, fmt.Errorf("environment variable SOURCE_DATE_EPOCH=%q: expected seconds since 1970", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func (p Process) makePlan(ctx context.Context, project *project, ask plan.Ask, trusted sign.Verifier) (plan.Plan, error) {
	return plan.New(ctx, ask, plan.Sources{Project: project.root, Keychain: project.keys, Verifier: trusted})
}
