package leftover_test

import (
	"encoding/base64"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

// canary is one planted secret.
type canary struct {
	id     string // of the rule that must find it
	text   string // what is planted
	secret string // the part that must not be printed
	path   string // of the file, where it matters
	only   bool   // in that file: elsewhere it means nothing
}

func canaries() []canary {
	m := newMaker()
	var all []canary
	add := func(id, before, secret, after string) {
		all = append(all, canary{id: id, text: before + secret + after, secret: secret})
	}
	in := func(id, path, before, secret, after string) {
		all = append(all, canary{id: id, text: before + secret + after, secret: secret, path: path, only: true})
	}
	for _, p := range []struct{ id, prefix, chars string }{
		{"huggingface-org-token", "api_org_", letters}, {"huggingface-token", "hf_", letters}, {"npm-token", "npm_", alnum + "ab"},
		{"github-token", "ghp_", alnum}, {"replicate-token", "r8_", alnum}, {"databricks-token", "dapi", hexes},
	} {
		n := map[string]int{"hf_": 34, "api_org_": 34, "ghp_": 36, "npm_": 36, "r8_": 37, "dapi": 32}[p.prefix]
		add(p.id, "", p.prefix+m.key(p.chars, n), "")
	}
	add("openai-key", "", "sk-proj-"+m.key(alnum, 74)+"T3BlbkFJ"+m.key(alnum, 74), "")
	add("openai-key", "", "sk-"+m.key(alnum, 20)+"T3BlbkFJ"+m.key(alnum, 20), "")
	add("anthropic-key", "", "sk-ant-api03-"+m.key(alnum, 93)+"AA", "")
	add("openrouter-key", "", "sk-or-v1-"+m.key(hexes, 64), "")
	add("sk-key", "", "sk-"+m.key(hexes, 32), "")
	add("groq-key", "", "gsk_"+m.key(alnum, 52), "")
	add("nvidia-key", "", "nvapi-"+m.key(alnum, 64), "")
	add("langsmith-key", "", "lsv2_pt_"+m.key(hexes, 32)+"_"+m.key(hexes, 10), "")
	add("google-api-key", "", "AIza"+m.key(alnum, 35), "")
	add("aws-access-key-id", "", "AKIA"+m.key(caps, 16), "")
	add("aws-secret-access-key", "AWS_SECRET_ACCESS_KEY=", m.key(base64s, 40), "")
	add("aws-session-token", "AWS_SESSION_TOKEN=", m.key(base64s, 200), "")
	add("gcp-service-account", `{"type": "service_account", "private_key_id": "`, m.key(hexes, 40), `"}`)
	add("azure-storage-key", "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=", m.key(base64s, 86)+"==", ";EndpointSuffix=core.windows.net")
	add("azure-sas", "https://acme.blob.core.windows.net/c?sv=2022-11-02&sp=r&sig=", m.key(alnum, 40)+"%2B%3D", "")
	add("azure-client-secret", "", m.key(alnum, 3)+"8Q~"+m.key(alnum, 34), "")
	add("gitlab-token", "", "glpat-"+m.key(alnum, 20), "")
	add("pypi-token", "pypi-", "AgE"+m.key(alnum, 160), "")
	add("slack-token", "", "xoxb-"+m.key(digits, 12)+"-"+m.key(alnum, 24), "")
	add("slack-webhook", "https://hooks.slack.com/services/", "T"+m.key(caps, 8)+"/B"+m.key(caps, 8)+"/"+m.key(alnum, 24), "")
	add("discord-webhook", "https://discord.com/api/webhooks/", m.key(digits, 18)+"/"+m.key(alnum, 68), "")
	for _, kind := range []string{"PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "ENCRYPTED PRIVATE KEY"} {
		text, body := m.armour(kind)
		all = append(all, canary{id: "private-key", text: text, secret: body})
	}
	text, body := m.armour("PRIVATE KEY")
	all = append(all, canary{id: "private-key", text: `{"private_key": "` + strings.ReplaceAll(text, "\n", `\n`) + `"}`, secret: body})
	add("putty-private-key", "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPublic-Lines: 2\n"+m.key(base64s, 64)+"\nPrivate-Lines: 1\n", m.key(base64s, 47)+"=", "\n")
	enc := base64.RawURLEncoding
	add("jwt", "", enc.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`))+"."+enc.EncodeToString([]byte(`{"sub":"svc-acme","scope":"push pull","exp":1999999999}`))+"."+m.key(alnum, 43), "")
	add("basic-auth-url", "PIP_EXTRA_INDEX_URL=https://builder:", m.key(alnum, 16), "@pypi.acme.dev/simple")
	add("basic-auth-url", "https://", m.key(alnum, 30), "@git.acme.dev/org/repo.git")
	add("database-url", "postgresql+psycopg2://svc:", m.key(alnum, 14), "@db.acme.dev:5432/prod")
	add("database-url", "redis://:", m.key(alnum, 14), "@cache:6379/0")
	add("bearer-token", `curl -H "Authorization: Bearer `, m.key(alnum, 40), `" api.acme.dev`)
	add("wandb-key", "WANDB_API_KEY=", m.key(hexes, 40), "")
	add("comet-key", "COMET_API_KEY=", m.key(alnum, 25), "")
	add("neptune-token", "NEPTUNE_API_TOKEN=", "eyJ"+m.key(alnum, 120), "=")
	add("mlflow-credentials", "MLFLOW_TRACKING_PASSWORD=", m.key(alnum, 18), "")
	add("age-key", "", "AGE-SECRET-KEY-1"+m.key(caps, 58), "")
	in("netrc-password", "root/.netrc", "machine api.wandb.ai\n  login user\n  password ", m.key(hexes, 40), "\n")
	in("pypirc-password", "root/.pypirc", "[pypi]\nusername = bot\npassword = ", m.key(alnum, 20), "\n")
	in("docker-config-auth", "root/.docker/config.json", `{"auths": {"ghcr.io": {"auth": "`, base64.StdEncoding.EncodeToString([]byte("bot:"+m.key(alnum, 20))), `"}}}`)
	in("kaggle-key", "root/.kaggle/kaggle.json", `{"username":"bot","key":"`, m.key(hexes, 32), `"}`)
	in("npmrc-token", "app/.npmrc", "//npm.acme.dev/:_authToken=", m.key(alnum, 30), "\n")
	in("comet-key", "root/.comet.config", "[comet]\napi_key = ", m.key(alnum, 25), "\n")
	in("mlflow-credentials", "root/.mlflow/credentials", "[mlflow]\nmlflow_tracking_username = bot\nmlflow_tracking_password = ", m.key(alnum, 16), "\n")
	in("aws-secret-access-key", "root/.aws/credentials", "[default]\naws_secret_access_key = ", m.key(base64s, 40), "\n")
	in("variable-secret", "app/.env", "DEBUG=1\nexport DB_PASSWORD='", m.key(alnum, 10), "'\n")
	in("variable-secret", "root/.bash_history", "export SERVICE_TOKEN=", m.key(alnum, 24), "\npython serve.py\n")
	in("assigned-secret", "app/config.yaml", "service:\n  api_key: ", m.key(alnum, 32), "\n")
	in("assigned-secret", "app/client.py", "import os\n\nAPI_TOKEN: str = \"", m.key(alnum, 32), "\"\n")
	in("wandb-key", "app/train.py", "import wandb\n\nwandb.login(key=\"", m.key(hexes, 40), "\")\n")
	in("wandb-key", "app/setup.py", "import os\nos.environ[\"WANDB_API_KEY\"] = '", m.key(hexes, 40), "'\n")
	in("kubernetes-client-key", "root/.kube/config", "users:\n- user:\n    client-key-data: ", m.key(base64s, 200), "\n")
	in("huggingface-token", "app/run.ipynb", `{"cells": [{"outputs": [{"text": ["token\nhf_`, m.key(letters, 34), `\n"]}]}]}`)
	return all
}

// hidden requires that no part of a secret is printed beyond its first four
// characters.
func hidden(t *testing.T, out string, all []canary) {
	t.Helper()
	for _, c := range all {
		n := len(c.secret)
		for _, part := range []string{c.secret[n/3 : 2*n/3], c.secret[:5], c.secret[n-5:]} {
			if strings.Contains(out, part) {
				t.Errorf("%s: %q of the secret is printed", c.id, part)
			}
		}
	}
}

func TestCanariesInFiles(t *testing.T) {
	all := canaries()
	kinds := map[string]bool{}
	var files []scan.File
	for i, c := range all {
		kinds[c.id] = true
		if c.path == "" {
			c.path = fmt.Sprintf("app/f%d.txt", i)
		}
		files = append(files, file(path.Join(fmt.Sprint(i), c.path), "first line\n"+c.text+"\n"))
	}
	findings := scanned(t, target(t, v1.ConfigFile{}, files...))
	for i, c := range all {
		if !slices.ContainsFunc(findings.Secrets, func(f scan.Finding) bool {
			return f.ID == c.id && f.Path == files[i].Path && f.Severity >= scan.High && f.Line > 1 && f.Source != "" && f.Offset == 0
		}) {
			t.Errorf("%s is not found in %s", c.id, files[i].Path)
		}
	}
	hidden(t, written(t, findings), all)
	const least = 25
	if len(kinds) < least {
		t.Errorf("%d kinds of canaries, expected %d", len(kinds), least)
	}
}

func TestCanariesInConfig(t *testing.T) {
	var all []canary
	var config v1.ConfigFile
	kinds := map[string]bool{}
	config.Config.Labels = map[string]string{}
	for i, c := range canaries() {
		if c.only {
			continue
		}
		all = append(all, c)
		kinds[c.id] = true
		variable := c.text
		if name, _, ok := strings.Cut(c.text, "="); !ok || strings.ToUpper(name) != name || len(name) > 40 || strings.HasPrefix(name, "-") {
			variable = fmt.Sprintf("CANARY_%d=%s", i, c.text)
		}
		name, value, _ := strings.Cut(variable, "=")
		config.Config.Env = append(config.Config.Env, variable)
		config.Config.Labels[name] = value
		config.Config.Cmd = append(config.Config.Cmd, "--x", variable)
		config.Config.Entrypoint = append(config.Config.Entrypoint, variable)
		config.Config.OnBuild = append(config.Config.OnBuild, "ENV "+variable)
		config.History = append(config.History, v1.History{CreatedBy: "RUN |1 " + variable + " /bin/sh -c true # buildkit"})
	}
	config.Config.Shell = []string{"sh", all[0].text}
	config.Config.Healthcheck = &v1.HealthConfig{Test: []string{"CMD-SHELL", all[1].text}}
	findings := scanned(t, target(t, config))
	has := func(id, where string, line int) bool {
		return slices.ContainsFunc(findings.Secrets, func(f scan.Finding) bool { return f.ID == id && f.Path == where && f.Line == line })
	}
	for i, c := range all {
		name, _, _ := strings.Cut(config.Config.Env[i], "=")
		for _, where := range []string{"env " + name, "label " + name, "cmd", "entrypoint"} {
			if !has(c.id, "image config: "+where, 0) {
				t.Errorf("%s is not found in %s", c.id, where)
			}
		}
		if !has(c.id, "image config: history", i+1) {
			t.Errorf("%s is not found in line %d of the history", c.id, i+1)
		}
		if !has(c.id, "image config: onbuild", 0) {
			t.Errorf("%s is not found in onbuild", c.id)
		}
	}
	if !has(all[0].id, "image config: shell", 0) || !has(all[1].id, "image config: healthcheck", 0) {
		t.Error("shell or healthcheck was not searched")
	}
	hidden(t, written(t, findings), all)
	const least = 25
	if len(kinds) < least {
		t.Errorf("%d kinds of canaries, expected %d", len(kinds), least)
	}
}
