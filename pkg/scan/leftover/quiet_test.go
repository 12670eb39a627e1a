package leftover_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/org/ai-ship/pkg/scan"
)

// ordinary are files in which nothing is to be found.
func ordinary() map[string]string {
	m := newMaker()
	files := map[string]string{
		"app/serve.py": `import os
from fastapi import FastAPI

API_KEY = os.environ["API_KEY"]
TOKEN = os.getenv("HF_TOKEN", "")
password = get_password_from_vault_v2(user="svc", path=secret_path_2024)
tokenizer.pad_token = tokenizer.eos_token = "<|endoftext|>"
DATABASE_URL = f"postgresql://{user}:{password}@{host}/db"
INDEX = "https://%s:%s@pypi.acme.dev/simple" % (user, password)
LOCAL = "postgresql://postgres:postgres@localhost:5432/test"
PROXY = "http://user:pass@proxy.acme.dev:8080"
REMOTE = "git@github.com:org/repo.git"
hf_hub_download(repo_id="org/model")
hf_this_is_an_identifier_that_is_longer_than_thirty_four_bytes = 1
hf_abcdefghijklmnopqrstuvwxyzabcdefghijkl = 2
class sk_learnEstimatorWithAVeryLongNameIndeed(object): ...
BEGIN = b"-----BEGIN PRIVATE KEY-----"
PUBLIC = """-----BEGIN PUBLIC KEY-----
` + m.key(base64s, 64) + `
-----END PUBLIC KEY-----"""
SESSION_TOKEN_URL = "https://auth.acme.dev/oauth2/token"
secret_key = settings.secret_key
authorization = "Bearer " + token
Bearer = "Bearer abcdefghijklmnopqrstuvwxyz"
`,
		"app/README.md": "export HF_TOKEN=hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n" +
			"export HF_TOKEN=hf_your_token\nexport OPENAI_API_KEY=sk-proj-your-key-goes-here-0123456789\n" +
			"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n" +
			"PASSWORD=changeme\npip install --index-url https://<user>:<token>@pypi.acme.dev/simple\n" +
			"https://x-access-token:${{ secrets.GITHUB_TOKEN }}@github.com/org/repo\nhttps://user:S3cr3tV4lue99@example.com/\n" +
			"ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nglpat-xxxxxxxxxxxxxxxxxxxx\nAccountKey=" + "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==\n" +
			"https://" + m.key(hexes, 32) + "@o1.ingest.sentry.io/1\nssh://" + m.key(hexes, 24) + "@ssh.acme.dev\n",
		"app/jwt.md": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c\neyJhbGciOiJub25lIn0.eyJhIjoxfQ.x eyJub3QiOiJhIHRva2VuIn0",
		"app/key.py": "KEY = '''-----BEGIN RSA PRIVATE KEY-----\nMIIEow...\n-----END RSA PRIVATE KEY-----'''\n" +
			"AGAIN = '-----BEGIN PRIVATE KEY-----\\n<key>\\n-----END PRIVATE KEY-----'\nPuTTY-User-Key-File-2: without a key",
		"app/.env.example": "DB_PASSWORD=" + m.key(letters, 8) + "\n",
		"app/empty.ipynb":  `{"cells": [{"cell_type": "code", "outputs": [], "source": ["print('\"outputs\": [1]')"]}]}`,
		"app/kaggle.py":    `{"key": "` + m.key(hexes, 32) + `"}`,
		"app/small.csv":    strings.Repeat("1,2,3\n", 1000),
		"app/.netrc.md":    "password is asked for\n",
		"app/.env":         "",
		"app/known.hosts":  "x",
		"app/settings.sh":  "export GPG_KEY=" + strings.ToUpper(m.key(hexes, 40)) + "\nTOKEN=$(cat /run/secrets/token)\nPASSWORD_FILE=/run/secrets/password\n",
	}
	var sums, lock strings.Builder
	for i := range 500 {
		sum := sha256.Sum256(fmt.Append(nil, i))
		fmt.Fprintf(&sums, "%s  wheels/pkg-%d.whl\n", hex.EncodeToString(sum[:]), i)
		fmt.Fprintf(&lock, "\"node_modules/p%d\": {\"integrity\": \"sha512-%s==\", \"resolved\": \"https://registry.acme.dev/p/-/p-1.tgz\"},\n", i, base64.StdEncoding.EncodeToString(sum[:]))
	}
	files["app/SHA256SUMS"], files["app/package-lock.json"] = sums.String(), lock.String()
	files["app/image.txt"] = m.key(base64s, 200_000)
	files["app/urlsafe.txt"] = m.key(alnum+"-_", 200_000)
	header := `{"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}`
	files["models/w.safetensors"] = string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + m.key("\x00\x01\xfe\xffabc_-", 100_000)
	files["models/w.gguf"] = "GGUF\x03\x00\x00\x00" + m.key("\x00\x01\xfe\xffabc_-", 100_000)
	return files
}

func TestOrdinaryFilesRaiseNoAlarm(t *testing.T) {
	var files []scan.File
	for path, text := range ordinary() {
		files = append(files, file(path, text))
	}
	findings := scanned(t, target(t, v1.ConfigFile{}, files...))
	for _, f := range findings.Secrets {
		t.Errorf("%s (%s) in %s:%d: %s", f.ID, f.Severity, f.Path, f.Line, f.Title)
	}
	if len(findings.Incomplete)+len(findings.Skipped) > 0 {
		t.Errorf("incomplete: %v, skipped: %v", findings.Incomplete, findings.Skipped)
	}
}

func TestOrdinaryConfigRaisesNoAlarm(t *testing.T) {
	var config v1.ConfigFile
	config.Config.Env = []string{
		"PATH=/usr/local/bin:/usr/bin", "GPG_KEY=" + strings.ToUpper(newMaker().key(hexes, 40)), "PYTHON_SHA256=" + newMaker().key(hexes, 64),
		"TOKENIZERS_PARALLELISM=false", "HF_TOKEN=", "PAD_TOKEN=<pad>", "EOS_TOKEN=[SEP]", "API_TOKEN_FILE=/run/secrets/token",
		"DB_PASSWORD_FILE=/run/secrets/pw", "USE_AUTH_TOKEN=true", "TOKEN_URL=https://auth.acme.dev/token", "NO_SECRET=none", "ENABLE_PASSWORD=true", "KEY=1", "broken",
	}
	config.Config.Labels = map[string]string{"org.opencontainers.image.source": "https://github.com/org/repo", "token": "no"}
	config.Config.Cmd = []string{"python", "/app/serve.py", "--token", "--port", "8000"}
	config.History = []v1.History{
		{CreatedBy: "/bin/sh -c #(nop)  CMD [\"bash\"]"}, {EmptyLayer: true},
		{CreatedBy: "RUN /bin/sh -c set -eux; wget -O python.tar.xz \"https://www.python.org/ftp/python/${PYTHON_VERSION%%[a-z]*}/Python.tar.xz\"; echo \"$PYTHON_SHA256 *python.tar.xz\" | sha256sum -c -"},
		{CreatedBy: "RUN |1 HF_TOKEN /bin/sh -c --mount=type=secret,id=hf HF_TOKEN=$(cat /run/secrets/hf) python get.py"},
	}
	if got := ids(scanned(t, target(t, config))); len(got) > 0 {
		t.Errorf("findings: %q", got)
	}
}
