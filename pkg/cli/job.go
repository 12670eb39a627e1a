package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/ci"
	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/gate"
	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/pipeline"
	"github.com/org/ai-ship/pkg/report"
)

// job is the CI job that a command runs in, and what it has been told.
type job struct {
	*ci.Job
	out, err *ci.Guard
	told     bool   // the summary and the outputs are written
	project  string // folder of the project that was opened; "" for none yet
}

// secret are the variables whose values no log may show: those that we read,
// and those that a CI sets in every job.
func secret() []string {
	return []string{
		"AI_SHIP_REGISTRY_PASSWORD", "AI_SHIP_GITHUB_TOKEN", "COSIGN_PRIVATE_KEY", "COSIGN_PASSWORD", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "VAULT_TOKEN",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "DOCKER_AUTH_CONFIG",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "INPUT_PASSWORD", "INPUT_GITHUB-TOKEN",
		"SIGSTORE_ID_TOKEN", "CI_JOB_TOKEN", "CI_REGISTRY_PASSWORD", "CI_DEPENDENCY_PROXY_PASSWORD", "CI_DEPLOY_PASSWORD", "GITLAB_TOKEN",
	}
}

// enter puts the CI's guards before the streams, after it has told the CI what
// to hide. Workflow commands go to standard error: standard output may be a
// document.
func (p *Process) enter() {
	j := &job{Job: ci.NewJob(p.Getenv, p.Err)}
	for _, variable := range secret() {
		j.Mask(p.Getenv(variable))
	}
	if password := p.Getenv("AI_SHIP_REGISTRY_PASSWORD"); password != "" {
		j.Mask(p.Getenv("AI_SHIP_REGISTRY_USERNAME") + ":" + password)
	}
	j.out, j.err = j.Guard(p.Out), j.Guard(p.Err)
	p.job, p.Out, p.Err = j, j.out, j.err
}

// leave tells the CI how a command ended, as far as it was not told yet.
func (p Process) leave(cmd *cobra.Command, code int, failed error) error {
	var err error
	if !p.job.told && reports(cmd) {
		r := report.Report{Passed: failed == nil, Exit: code, Generator: p.Version}
		if failed != nil {
			r.Error, r.Hints = failed.Error(), hint.Of(failed)
		}
		err = p.early(cmd, r)
	}
	if failed != nil && !errors.Is(failed, pipeline.ErrRefused) {
		p.job.Annotate(p.annotations(cmd, failed)...)
	}
	return errors.Join(err, p.job.out.Flush(), p.job.err.Flush())
}

// reports says whether a command is one that a CI is told of.
func reports(cmd *cobra.Command) bool {
	switch cmd.Name() {
	case "run", "scan", "gate", "verify", "promote", "rollback":
		return true
	}
	return false
}

// early reports a command that ended before it had anything to report but that.
func (p Process) early(cmd *cobra.Command, r report.Report) error {
	to := output{project: p.job.project}
	// At home a mistake leaves nothing behind, but who is interrupted may look for it.
	kept := p.job.Provider() != ci.Local || r.Exit == exitInterrupted
	if kept && to.project != "" && (cmd.Name() == "run" || cmd.Name() == "scan") {
		to.out = cmd.Flag("out").Value.String()
		if err := report.WriteFiles(to.folder(), r); err != nil {
			return err
		}
		to.written = true
	}
	return p.tell(to, r)
}

// tell gives the CI a report: as the step's summary, as outputs, and a remark
// for each gate that somebody has to look at.
func (p Process) tell(to output, r report.Report) error {
	p.job.told = true
	var summary bytes.Buffer
	if err := report.Markdown(&summary, r); err != nil {
		return err
	}
	var remarks []ci.Annotation
	for _, g := range r.Gates {
		switch {
		case !g.Passed:
			remarks = append(remarks, ci.Annotation{Level: ci.Error, Title: "gate " + g.Name, Message: g.Reason})
		case g.Outcome == gate.Warned:
			remarks = append(remarks, ci.Annotation{Level: ci.Warning, Title: "gate " + g.Name, Message: g.Reason})
		}
	}
	p.job.Annotate(remarks...)
	values, err := outputs(to, r)
	return errors.Join(err, p.job.Summary(summary.Bytes()), p.job.Outputs(to.folder(), values), p.job.Artifact(r.Image))
}

// annotations are an error, at its line where it has one.
func (p Process) annotations(cmd *cobra.Command, failed error) []ci.Annotation {
	var wrong config.Errors
	flag := cmd.Flag("config")
	if flag == nil || !errors.As(failed, &wrong) {
		message := failed.Error()
		for _, h := range hint.Of(failed) {
			message += "\nhint: " + h
		}
		return []ci.Annotation{{Level: ci.Error, Title: "ai-ship", Message: message}}
	}
	var all []ci.Annotation
	for _, e := range wrong {
		a := ci.Annotation{Level: ci.Error, Title: e.Path, Message: e.Message, File: p.inRepository(flag.Value.String()), Line: e.Line, Column: e.Column}
		if e.Hint != "" {
			a.Message += "\nhint: " + e.Hint
		}
		all = append(all, a)
	}
	return all
}

// inRepository is a file as the CI knows it: relative to the checkout.
func (p Process) inRepository(file string) string {
	absolute, err := filepath.Abs(file)
	if workspace := p.Getenv("GITHUB_WORKSPACE"); err == nil && workspace != "" {
		if relative, err := filepath.Rel(workspace, absolute); err == nil && filepath.IsLocal(relative) {
			return filepath.ToSlash(relative)
		}
	}
	return filepath.ToSlash(file)
}

// hideLogins tells the CI the credentials that Docker's config has for the
// registries of images. Those that cannot be read will be an error where they
// are used.
func (p Process) hideLogins(ctx context.Context, images ...string) {
	if p.job.Provider() == ci.Local {
		return
	}
	for _, image := range images {
		ref, err := name.ParseReference(image)
		if err != nil {
			continue
		}
		found, err := authn.Resolve(ctx, authn.DefaultKeychain, ref.Context())
		if err != nil {
			continue
		}
		if login, err := authn.Authorization(ctx, found); err == nil {
			p.job.Mask(login.Password, login.Auth, login.IdentityToken, login.RegistryToken)
			if login.Password != "" {
				p.job.Mask(base64.StdEncoding.EncodeToString([]byte(login.Username + ":" + login.Password)))
			}
		}
	}
}

// advise adds the line that the workflow lacks, where a permission does.
func (p Process) advise(err error) error {
	if err == nil || p.job.Provider() != ci.GitHub || !refusedAccess(err) || !strings.Contains(err.Error(), "ghcr.io") {
		return err
	}
	return hint.Wrap(err, "add the line `packages: write` to the permissions of the workflow's job, and give it the token with `github-token`")
}
