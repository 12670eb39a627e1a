package draft_test

import (
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/draft"
	"github.com/org/ai-ship/pkg/survey"
)

// FuzzNew holds the drafts to what they promise whatever the folder says: the
// config is read, and so are CI's files.
func FuzzNew(f *testing.F) {
	f.Add("main.py", "models/m.onnx", "python:3.11", "uvicorn main:app", "https://github.com/acme/digits", "services/x", "develop")
	f.Add("a b/c'd\".py", "} # x\n", "", "a\nb: c", "https://example.com/%zz", "..", "x\ny")
	f.Add("${X}.py", "${Y}", "$Z:1", "${A}", "", "", "")
	f.Fuzz(func(t *testing.T, server, model, from, command, remote, below, branch string) {
		s := survey.Survey{
			Files: 2, Process: command,
			Servers: []survey.Server{{Kind: survey.ASGI, Path: server, App: "app"}},
			Models:  []survey.Model{{Path: model, Format: "onnx", Risk: command, Convert: from}},
			Python:  survey.Python{Version: "3.11", Requirements: "requirements.txt", Modules: []string{server}},
		}
		if from != "" {
			s.Dockerfile = &survey.Dockerfile{
				From: from, Workdir: server, Command: []string{command}, Ports: []string{"80"},
				Env: map[string]string{branch: command}, Copies: []survey.Copy{{From: server, To: "/" + model}},
			}
		}
		d, err := draft.New(s, draft.Place{Folder: server, Remote: remote, Below: below, Branches: []string{branch}})
		if err != nil {
			return
		}
		if _, err := config.Parse("ai-ship.yaml", []byte(d.Config), func(string) string { return "" }); err != nil {
			t.Errorf("%v\n%s", err, d.Config)
		}
		for _, text := range []string{d.Workflow, d.GitLab} {
			var parsed map[string]any
			if err := yaml.Unmarshal([]byte(text), &parsed); err != nil || len(parsed) == 0 {
				t.Errorf("%v\n%s", err, text)
			}
		}
	})
}
