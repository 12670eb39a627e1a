package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/draft"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/source"
	"github.com/org/ai-ship/pkg/survey"
)

type initFlags struct {
	dryRun bool
	ci     string
}

func (p Process) init() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Look at a project, and write its first ai-ship.yaml and CI files",
		Long: `init looks at what is in the folder: the server and what it is written with, model
files, a Dockerfile, test reports. Of that it writes ai-ship.yaml, with gates that
the values of now pass, and the files with which CI runs it: a GitHub workflow, a
GitLab pipeline, or both where the remote does not say which. Each line that needs
a decision has a comment.

A file that is there already is kept as it is. Nothing is run, built or sent.` + "\n" + exitHelp(),
		Example: `  ai-ship init
  ai-ship init --dry-run services/ranker
  ai-ship init --ci none`,
		Args: atMostOne("a folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(ciFiles(), f.ci) {
				return misuse(fmt.Errorf("--ci: found %q, expected %s", f.ci, strings.Join(ciFiles(), ", ")))
			}
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return p.begin(cmd.Context(), f, dir)
		},
	}
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "print the files instead of writing them")
	cmd.Flags().StringVar(&f.ci, "ci", "auto", "whose `files` to write beside the config: auto (by the remote), github, gitlab, both or none")
	return cmd
}

func ciFiles() []string { return []string{"auto", "github", "gitlab", "both", "none"} }

// begin surveys the folder, drafts the files, and writes those that are not there.
func (p Process) begin(ctx context.Context, f initFlags, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return misuse(fmt.Errorf("opening the project: %w", err))
	}
	defer root.Close()
	seen, err := survey.Look(ctx, root)
	if err != nil {
		return err
	}
	at, top, err := place(dir)
	if err != nil {
		return err
	}
	d, err := draft.New(seen, at)
	if err != nil {
		return exitError{err, exitInput}
	}
	if _, err := config.Parse(draft.ConfigFile, []byte(d.Config), func(string) string { return "" }); err != nil {
		return hint.Wrap(fmt.Errorf("drafting a config: %w", err), "this is an error of ai-ship: write ai-ship.yaml by hand, and report it with the names of your files")
	}
	files := f.files(d, at, top)
	if f.dryRun {
		p.present(p.Err, d)
		decide(p.Err, d)
		for _, file := range files {
			fmt.Fprintf(p.Out, "# --- %s\n%s\n", file.shown, file.text)
		}
		return nil
	}
	p.present(p.Out, d)
	for _, file := range files {
		if err := p.put(file); err != nil {
			return input(err)
		}
	}
	p.after(d, dir)
	return nil
}

// place is where the folder stands; top is the folder that CI's files go to.
func place(dir string) (at draft.Place, top string, err error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return at, "", err
	}
	if full, err = filepath.EvalSymlinks(full); err != nil {
		return at, "", err
	}
	at.Folder = filepath.Base(full)
	checkout, err := source.Find(full)
	if err != nil || checkout.Top == "" {
		return at, dir, err
	}
	revision, err := source.Open(full)
	if err != nil {
		return at, "", err
	}
	at.Remote, at.Commit, at.Branches = revision.Remote, revision.Commit != "", checkout.Branches
	below, err := filepath.Rel(checkout.Top, full)
	if err != nil {
		return at, "", err
	}
	if below == "." {
		return at, dir, nil
	}
	at.Below = filepath.ToSlash(below)
	return at, filepath.Join(dir, strings.Repeat("../", strings.Count(at.Below, "/")+1)), nil
}

// begun is a file that a project begins with.
type begun struct {
	folder string // it is opened as a root
	name   string // slash-separated, in folder
	shown  string // as the user finds it
	text   string
}

// files are the config, and those of the CI that the remote belongs to.
func (f initFlags) files(d draft.Draft, at draft.Place, top string) []begun {
	github, gitlab := strings.HasPrefix(at.Remote, "https://github."), strings.Contains(at.Remote, "//gitlab.")
	switch f.ci {
	case "github", "gitlab", "none":
		github, gitlab = f.ci == "github", f.ci == "gitlab"
	case "both":
		github, gitlab = true, true
	default:
		if !github && !gitlab {
			github, gitlab = true, true
		}
	}
	project := top
	if at.Below != "" {
		project = filepath.Join(top, filepath.FromSlash(at.Below))
	}
	all := []begun{{project, draft.ConfigFile, filepath.Join(project, draft.ConfigFile), d.Config}}
	if github {
		all = append(all, begun{top, at.WorkflowFile(), filepath.Join(top, at.WorkflowFile()), d.Workflow})
	}
	if gitlab {
		all = append(all, begun{top, draft.GitLabFile, filepath.Join(top, draft.GitLabFile), d.GitLab})
	}
	return all
}

// put writes a file unless there is one.
func (p Process) put(file begun) error {
	root, err := os.OpenRoot(file.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.MkdirAll(path.Dir(file.name), 0o755); err != nil {
		return fmt.Errorf("writing %q: %w", file.shown, err)
	}
	f, err := root.OpenFile(file.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		fmt.Fprintf(p.Out, "kept   %s, which is there already; ai-ship init --dry-run prints what would be in it\n", file.shown)
		return nil
	}
	if err != nil {
		return fmt.Errorf("writing %q: %w", file.shown, err)
	}
	_, err = f.WriteString(file.text)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %q: %w", file.shown, err)
	}
	fmt.Fprintf(p.Out, "wrote  %s\n", file.shown)
	return nil
}

func (p Process) present(w io.Writer, d draft.Draft) {
	for _, found := range d.Found {
		fmt.Fprintf(w, "found  %s\n", found)
	}
}

// decide says what only a person can.
func decide(w io.Writer, d draft.Draft) {
	if len(d.Todo) == 0 {
		return
	}
	fmt.Fprintln(w, "\nto decide:")
	for _, todo := range d.Todo {
		fmt.Fprintf(w, "  - %s\n", todo)
	}
}

// after says what is left to do.
func (p Process) after(d draft.Draft, dir string) {
	decide(p.Out, d)
	fmt.Fprintln(p.Out, "\nnext:")
	if dir != "." {
		fmt.Fprintf(p.Out, "  cd %s\n", dir)
	}
	for _, build := range d.Builds {
		fmt.Fprintf(p.Out, "  %s\n", build)
	}
	for _, next := range []string{"ai-ship doctor", "ai-ship run --dry-run", "ai-ship run --registry embedded   # to a registry on this machine; without it, to the image's"} {
		fmt.Fprintf(p.Out, "  %s\n", next)
	}
}
