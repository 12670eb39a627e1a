package leftover_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

func TestNamesOfFiles(t *testing.T) {
	for path, want := range map[string]string{
		"root/.netrc":                                 "high netrc-file",
		"root/.pypirc":                                "high pypirc-file",
		"root/.docker/config.json":                    "high docker-config-file",
		"root/.aws/credentials":                       "high aws-credentials-file",
		"root/.config/gcloud/credentials.db":          "high gcloud-credentials-file root/.config/gcloud",
		"app/application_default_credentials.json":    "high gcloud-credentials-file",
		"root/.azure/msal_token_cache.json":           "high azure-credentials-file root/.azure",
		"root/.kube/config":                           "high kube-config-file",
		"app/Kaggle.json":                             "high kaggle-file",
		"root/.cache/huggingface/token":               "critical huggingface-token-file",
		"root/.mlflow/credentials":                    "high mlflow-credentials-file",
		"root/.comet.config":                          "high tracker-credentials-file",
		"root/.git-credentials":                       "high git-credentials-file",
		"root/.pgpass":                                "high database-password-file",
		"app/.streamlit/secrets.toml":                 "high client-credentials-file",
		"app/.env":                                    "high dotenv-file",
		"app/.env.production":                         "high dotenv-file",
		"app/prod.env":                                "high dotenv-file",
		".envrc":                                      "high dotenv-file",
		"root/.ssh/id_ed25519":                        "high ssh-key-file",
		"app/server.p12":                              "high key-store",
		"infra/terraform.tfstate":                     "high terraform-state",
		"root/.ssh/known_hosts":                       "medium ssh-known-hosts",
		".git/config":                                 "medium git-folder .git",
		"app/.git/objects/pack/pack-1.pack":           "medium git-folder app/.git",
		"root/.bash_history":                          "medium shell-history",
		"root/.local/share/fish/fish_history":         "medium shell-history",
		"app/.htpasswd":                               "medium password-hashes",
		"infra/terraform.tfvars":                      "medium terraform-variables",
		"app/id_rsa.pub":                              "",
		"app/.env.example":                            "",
		"app/environment.py":                          "",
		"app/.gitignore":                              "",
		"app/git/x":                                   "",
		"usr/lib/python3/dist-packages/p/known_hosts": "low ssh-known-hosts",
	} {
		findings := scanned(t, target(t, v1.ConfigFile{}, file(path, "x"), file(path, "x")))
		if strings.Count(want, " ") == 1 {
			want += " " + path
		}
		var expected []string
		if want != "" {
			expected = []string{want}
		}
		if diff := cmp.Diff(expected, ids(findings)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		if empty := ids(scanned(t, target(t, v1.ConfigFile{}, file(path, "")))); len(empty) > 0 && !strings.Contains(want, "credentials-file") && !strings.Contains(want, "git-folder") {
			t.Errorf("an empty %s: %q", path, empty)
		}
	}
}

func TestTrainingData(t *testing.T) {
	large := func(kind, path string) scan.File {
		return scan.File{Path: path, Kind: kind, Size: 11 << 20, Open: func() (scan.Content, error) { return sparse(11 << 20), nil }}
	}
	findings := scanned(t, target(t, v1.ConfigFile{},
		large("app", "app/train.csv"), large("app", "app/train.parquet"), large("app", "app/a.tfrecord-00001-of-00002"), large("app", "app/b.jsonl.gz"),
		large("model", "models/x.arrow"), large("python", "usr/lib/python3/dist-packages/p/x.csv"), large("app", "app/weights.bin"), file("app/small.csv", "1,2")))
	want := []string{"low training-data app/train.csv", "low training-data app/train.parquet", "low training-data app/a.tfrecord-00001-of-00002", "low training-data app/b.jsonl.gz"}
	if diff := cmp.Diff(want, ids(findings)); diff != "" {
		t.Error(diff)
	}
}

func TestNotebooks(t *testing.T) {
	run := `{"cells": [{"outputs": [{"name": "stdout", "text": ["1"]}]}, {"outputs": [{}]}]}`
	findings := scanned(t, target(t, v1.ConfigFile{}, file("app/run.ipynb", run), file("app/run.json", run), fileOf("python", "app/p/run.ipynb", run)))
	want := []string{"medium notebook-outputs app/run.ipynb", "low notebook-outputs app/p/run.ipynb"}
	if diff := cmp.Diff(want, ids(findings)); diff != "" {
		t.Error(diff)
	}
}

func TestInstalledPackages(t *testing.T) {
	m := newMaker()
	token := "hf_" + m.key(letters, 34)
	address := "https://bot:" + m.key(alnum, 12) + "@pypi.acme.dev/p"
	const site = "usr/local/lib/python3.11/site-packages/"
	for path, want := range map[string]string{
		site + "p/client.py":                   "low basic-auth-url,critical huggingface-token",
		site + "p/tests/client.py":             "low basic-auth-url,low huggingface-token",
		site + "p/testing_utils.py":            "low basic-auth-url,low huggingface-token",
		site + "p-1.dist-info/direct_url.json": "critical basic-auth-url,critical huggingface-token",
		"app/tests/client.py":                  "critical basic-auth-url,critical huggingface-token",
	} {
		findings := scanned(t, target(t, v1.ConfigFile{}, fileOf("app", path, address+"\n"+token+"\n")))
		var got []string
		for _, f := range findings.Secrets {
			got = append(got, f.Severity.String()+" "+f.ID)
		}
		if diff := cmp.Diff(strings.Split(want, ","), got); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}

func TestSecretsInNames(t *testing.T) {
	m := newMaker()
	token := "hf_" + m.key(letters, 34)
	secret := canary{id: "huggingface-token", secret: token}
	var config v1.ConfigFile
	config.Config.Env = []string{"odd name " + token, token + "=1"}
	config.Config.Labels = map[string]string{"l/" + token + "/x": "1"}
	findings := scanned(t, target(t, config, file("app/"+token+"/.env", "A=1"), unreadable("app/"+token+".txt", token)))
	hidden(t, written(t, findings), []canary{secret})
	got := ids(findings)
	for _, want := range []string{
		"critical huggingface-token image config: env", "critical huggingface-token image config: env hf_" + token[3:4] + "…",
		"critical huggingface-token image config: label l/hf_" + token[3:4] + "…/x",
		"critical huggingface-token app/hf_" + token[3:4] + "…/.env", "high dotenv-file app/hf_" + token[3:4] + "…/.env",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("no finding %q in %q", want, got)
		}
	}
	if len(findings.Incomplete) != 1 || findings.Incomplete[0].ID != "unreadable-file" {
		t.Errorf("incomplete: %+v", findings.Incomplete)
	}
}
