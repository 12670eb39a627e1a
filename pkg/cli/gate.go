package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/model"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/plan"
	"github.com/org/ai-ship/pkg/report"
	"github.com/org/ai-ship/pkg/testreport"
	"github.com/org/ai-ship/pkg/tree"
	"github.com/org/ai-ship/pkg/unit"
)

type gateFlags struct {
	config   string
	size     string
	unpacked string
	baseline string
	list     bool
	json     bool
	out      string
}

func (p Process) gate() *cobra.Command {
	var f gateFlags
	cmd := &cobra.Command{
		Use:   "gate [REPORT...]",
		Short: "Evaluate the gates on test reports, without an image",
		Long: `gate holds test reports, and a size if it is told one, to the gates of the
config. It builds, scans and pushes nothing, so the gates on vulnerabilities,
models and secrets are not held here. The config needs no image, base or app.

Without arguments it reads the config's reports. A REPORT is a file, a pattern,
or runs:/ID, models:/NAME/VERSION or models:/NAME@ALIAS of the MLflow server at
MLFLOW_TRACKING_URI.

With --list it evaluates nothing, needs no config, and prints everything that the
reports offer as gates that the values of now would pass, to copy from.` + "\n" + exitHelp(),
		Example: `  ai-ship gate
  ai-ship gate --size 1.1GB reports/evaluation.xml
  ai-ship gate --list reports/*.json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.list {
				return p.offers(cmd.Context(), f, args)
			}
			return p.judge(cmd.Context(), f, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.config, "config", "c", "ai-ship.yaml", "config `file`; its folder is the project")
	flags.StringVar(&f.size, "size", "", "compressed `size` of the image, such as 1.1GB, for the size gates")
	flags.StringVar(&f.unpacked, "unpacked", "", "unpacked `size` of the image")
	flags.StringVar(&f.baseline, "baseline", "", "report.json `file` of an earlier run to compare with, instead of gates.baseline")
	flags.BoolVar(&f.list, "list", false, "print what the reports offer")
	flags.BoolVar(&f.json, "json", false, "print one JSON document on standard output")
	flags.StringVar(&f.out, "out", "", "`folder` for the report's files (default ai-ship-out in the project)")
	return cmd
}

// judge evaluates the config's gates.
func (p Process) judge(ctx context.Context, f gateFlags, args []string) error {
	dir := filepath.Dir(f.config)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return misuse(fmt.Errorf("opening the project: %w", err))
	}
	defer root.Close()
	c, err := readGates(root, filepath.Base(f.config), p.Getenv)
	if err != nil {
		return misuse(err)
	}
	policy, err := plan.Policy(c)
	if err != nil {
		return err
	}
	policy.Scan = nil // there is no image to scan
	evidence, err := f.evidence(root, c)
	if err != nil {
		return err
	}
	entries := c.Reports
	if len(args) > 0 {
		entries = args
	}
	measured := pipeline.Measured{Project: root, Tracker: p.tracker(), Reports: entries, Policy: policy}
	if len(args) > 0 {
		measured.Outside = dir
	}
	if evidence.Reports, err = measured.Read(ctx); err != nil {
		return err
	}
	verdict := gate.Evaluate(policy, evidence)
	refused := pipeline.Refusal(verdict)
	if refused != nil && policy.Size.Any() && evidence.Size.Compressed == 0 {
		refused = hint.Wrap(refused, "tell the size gates a size with --size")
	}
	r := report.Report{
		Passed: verdict.Passed, Exit: exitCode(ctx, refused), Gates: verdict.Results, Reports: pipeline.Reports(evidence.Reports),
		Size: report.Size{Compressed: evidence.Size.Compressed, Unpacked: evidence.Size.Unpacked},
	}
	if b := evidence.Baseline; b != nil {
		r.Baseline = &report.Baseline{Ref: b.Ref, Compressed: b.Compressed}
	}
	return errors.Join(refused, p.write(output{json: f.json, out: f.out, project: dir}, r))
}

// readGates reads a config that need not be able to build anything.
func readGates(root *os.Root, name string, getenv func(string) string) (*config.Config, error) {
	data, err := config.Read(root, name)
	if err != nil {
		return nil, err
	}
	return config.ParseGates(name, data, getenv)
}

// evidence is what the gates know beside the reports.
func (f gateFlags) evidence(root *os.Root, c *config.Config) (e gate.Evidence, err error) {
	if e.Size.Compressed, err = bytesOf("size", f.size); err != nil {
		return e, err
	}
	if e.Size.Unpacked, err = bytesOf("unpacked", f.unpacked); err != nil {
		return e, err
	}
	if e.Baseline, err = baseline(root, c.Gates.Baseline, f.baseline); err != nil {
		return e, err
	}
	e.NewestModelPath, e.NewestModel, err = newestModel(root, c)
	return e, err
}

// bytesOf reads a size from the command line; nothing is 0, for not known.
func bytesOf(flag, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	q, err := unit.Parse(text)
	if err == nil && (q.Unit != unit.Bytes || q.Value < 1 || q.Value > 1<<50) {
		err = fmt.Errorf("expected a size in bytes, found %q", text)
	}
	if err != nil {
		return 0, misuse(hint.Wrap(fmt.Errorf("--%s: %w", flag, err), "such as 1.1GB or 900MiB"))
	}
	return int64(q.Value), nil
}

// baseline reads the report that later ones are compared with: the command
// line's file, else the config's; nil when there is neither.
func baseline(root *os.Root, inProject, onCommandLine string) (*gate.Baseline, error) {
	file, open := onCommandLine, func() (fs.File, error) { return os.Open(onCommandLine) }
	if file == "" {
		file, open = inProject, func() (fs.File, error) { return root.Open(inProject) }
	}
	if file == "" {
		return nil, nil //nolint:nilnil // no file is no baseline
	}
	f, err := open()
	if err != nil {
		return nil, misuse(hint.Wrap(fmt.Errorf("reading baseline %q: %w", file, err), "keep the report.json of a run that went well there"))
	}
	defer f.Close()
	r, err := report.Read(f)
	if err != nil {
		return nil, misuse(fmt.Errorf("reading baseline %q: %w", file, err))
	}
	b := r.AsBaseline(file)
	return &b, nil
}

// newestModel is the config's model file that was modified last. A project that
// has its reports and not its models, as in a job of its own, has none.
func newestModel(root *os.Root, c *config.Config) (string, time.Time, error) {
	t, err := tree.New(root)
	if err != nil {
		return "", time.Time{}, err
	}
	var files []tree.File
	for _, m := range c.Models {
		some, err := t.Files(tree.Copy{From: m.From, To: m.To, Model: true})
		if err == nil {
			files = append(files, some...)
		}
	}
	name, modified, _ := model.Newest(files)
	return name, modified, nil
}

// offers prints what the reports offer.
func (p Process) offers(ctx context.Context, f gateFlags, args []string) error {
	dir := filepath.Dir(f.config)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return misuse(fmt.Errorf("opening the project: %w", err))
	}
	defer root.Close()
	measured := pipeline.Measured{Project: root, Tracker: p.tracker(), Reports: args, Outside: dir}
	if len(args) == 0 {
		c, err := readGates(root, filepath.Base(f.config), p.Getenv)
		if err != nil {
			return misuse(hint.Wrap(err, "or name the reports: ai-ship gate --list REPORT..."))
		}
		measured.Reports, measured.Outside = c.Reports, ""
	}
	var reports []testreport.Report
	if reports, err = measured.Read(ctx); err != nil {
		return err
	}
	if len(reports) == 0 {
		return misuse(errors.New("no report to list; name some, or set reports: in the config"))
	}
	offers := gate.Offers(reports)
	if f.json {
		return report.OffersJSON(p.Out, offers)
	}
	return report.Offers(p.Out, reports, offers)
}
