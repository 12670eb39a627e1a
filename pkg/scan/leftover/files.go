package leftover

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// name is a rule for files that should not ship whatever they hold.
type name struct {
	id, title string
	severity  scan.Severity
	bases     []string // of the path, in lower case
	suffixes  []string // of the path, in lower case, behind a slash or from its start
	exts      []string
	folders   []string // anywhere in the path; reported once, as the folder
}

const maxData = 10 << 20 // bytes; a smaller table is no training data

func names() []name {
	const c, h, m = scan.Critical, scan.High, scan.Medium
	return []name{
		{id: "netrc-file", title: "file with logins", severity: h, bases: []string{".netrc", "_netrc"}},
		{id: "pypirc-file", title: "file with logins of package indexes", severity: h, bases: []string{".pypirc"}},
		{id: "docker-config-file", title: "file with logins of registries", severity: h, bases: []string{".dockercfg", ".dockerconfigjson"}, suffixes: []string{".docker/config.json", "containers/auth.json"}},
		{id: "aws-credentials-file", title: "file with AWS credentials", severity: h, suffixes: []string{".aws/credentials"}, folders: []string{".aws/sso", ".aws/cli"}},
		{id: "gcloud-credentials-file", title: "file with Google credentials", severity: h, bases: []string{"application_default_credentials.json"}, folders: []string{".config/gcloud"}},
		{id: "azure-credentials-file", title: "file with Azure credentials", severity: h, folders: []string{".azure"}},
		{id: "kube-config-file", title: "file with credentials of clusters", severity: h, suffixes: []string{".kube/config"}},
		{id: "kaggle-file", title: "file with Kaggle credentials", severity: h, bases: []string{"kaggle.json"}},
		{id: "huggingface-token-file", title: "file with Hugging Face tokens", severity: c, suffixes: []string{".cache/huggingface/token", ".cache/huggingface/stored_tokens", ".huggingface/token"}},
		{id: "mlflow-credentials-file", title: "file with MLflow credentials", severity: h, suffixes: []string{".mlflow/credentials"}},
		{id: "tracker-credentials-file", title: "file with credentials of an experiment tracker", severity: h, bases: []string{".comet.config"}, suffixes: []string{".config/wandb/settings"}},
		{id: "git-credentials-file", title: "file with git credentials", severity: h, bases: []string{".git-credentials"}, suffixes: []string{".config/git/credentials", ".config/gh/hosts.yml"}},
		{id: "database-password-file", title: "file with database passwords", severity: h, bases: []string{".pgpass", ".my.cnf", ".mylogin.cnf"}},
		{id: "client-credentials-file", title: "file with credentials of a client", severity: h, bases: []string{".s3cfg", ".boto", ".databrickscfg", "rclone.conf", ".vault-token"}, suffixes: []string{".streamlit/secrets.toml", ".modal.toml"}},
		{id: "ssh-key-file", title: "file of a private SSH key", severity: h, bases: []string{"id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk"}},
		{id: "key-store", title: "store of keys", severity: h, exts: []string{".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"}},
		{id: "terraform-state", title: "Terraform state, which holds secrets in clear", severity: h, exts: []string{".tfstate"}, bases: []string{"terraform.tfstate.backup"}},
		{id: "ssh-known-hosts", title: "list of SSH hosts or keys", severity: m, bases: []string{"known_hosts", "known_hosts.old", "authorized_keys"}, suffixes: []string{".ssh/config"}},
		{id: "git-folder", title: "history of the source", severity: m, folders: []string{".git", ".hg", ".svn"}},
		{id: "shell-history", title: "history of commands", severity: m, bases: []string{
			".bash_history", ".zsh_history", ".sh_history", ".ash_history", ".history", ".python_history", ".psql_history", ".mysql_history",
			".sqlite_history", ".node_repl_history", ".rediscli_history", "fish_history", ".lesshst", ".viminfo",
		}, suffixes: []string{".ipython/profile_default/history.sqlite"}},
		{id: "password-hashes", title: "file with hashes of passwords", severity: m, bases: []string{".htpasswd"}},
		{id: "terraform-variables", title: "values of Terraform variables", severity: m, bases: []string{"terraform.tfvars"}},
	}
}

// found is the part of the path that the rule means, "" when it means another
// file.
func (n name) found(p string) string {
	lower := strings.ToLower(p)
	base := path.Base(lower)
	for _, f := range n.folders {
		if i := strings.Index("/"+lower, "/"+f+"/"); i >= 0 {
			return p[:i+len(f)]
		}
	}
	if slices.Contains(n.bases, base) || slices.Contains(n.exts, path.Ext(base)) ||
		slices.ContainsFunc(n.suffixes, func(s string) bool { return strings.HasSuffix("/"+lower, "/"+s) }) {
		return p
	}
	return ""
}

// dotenv reports whether a file sets an environment; samples of one are meant
// to ship.
func dotenv(base string) bool {
	if base == ".envrc" || path.Ext(base) == ".env" {
		return true
	}
	rest, ok := strings.CutPrefix(base, ".env.")
	return ok && !slices.ContainsFunc([]string{"example", "sample", "template", "dist", "default", "schema", "tmpl"}, func(s string) bool {
		return strings.Contains(rest, s)
	})
}

// named are the findings that a file's name and size alone give, with the path
// each is about.
func named(f scan.File, all []name) []scan.Finding {
	var found []scan.Finding
	add := func(id, title string, severity scan.Severity, where string) {
		if installed(f) {
			severity = scan.Low // an installed package brings it along
		}
		found = append(found, scan.Finding{ID: id, Title: title, Severity: severity, Path: where})
	}
	for _, n := range all {
		if where := n.found(f.Path); where != "" && (f.Size > 0 || where != f.Path) {
			add(n.id, n.title, n.severity, where)
		}
	}
	base := strings.ToLower(path.Base(f.Path))
	if dotenv(base) && f.Size > 0 {
		add("dotenv-file", "file that sets an environment", scan.High, f.Path)
	}
	if f.Kind != "model" && !installed(f) && f.Size > maxData && table(base) {
		add("training-data", "data of the size of a training set", scan.Low, f.Path)
	}
	return found
}

// table reports whether a file holds rows, by its name.
func table(base string) bool {
	base = strings.TrimSuffix(strings.TrimSuffix(base, ".gz"), ".zst")
	return slices.Contains([]string{
		".csv", ".tsv", ".parquet", ".arrow", ".feather", ".tfrecord", ".tfrecords", ".jsonl", ".ndjson", ".avro", ".orc", ".recordio", ".lmdb", ".mdb",
	}, path.Ext(base)) || strings.Contains(base, ".tfrecord-")
}

// plain reports whether values need no quotes in a file of this name, in lower
// case: settings and scripts, and dot files, rather than source code.
func plain(lower string) bool {
	base := path.Base(lower)
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "dockerfile") || strings.HasSuffix(lower, ".mlflow/credentials") ||
		strings.HasSuffix(lower, ".aws/credentials") || slices.Contains([]string{
		"", ".txt", ".md", ".log", ".env", ".ini", ".cfg", ".conf", ".config", ".properties", ".yaml", ".yml", ".sh", ".bash", ".zsh", ".tfvars",
	}, path.Ext(base))
}

// variables reports whether a file, in lower case, sets or tells variables.
func variables(lower string) bool {
	base := path.Base(lower)
	return dotenv(base) || strings.HasSuffix(base, "_history") || base == ".history"
}

// fileContents are the rules that hold in files of one name only.
func fileContents() []rule {
	const c, m = scan.Critical, scan.Medium
	base := func(names ...string) func(string) bool {
		return func(lower string) bool { return slices.Contains(names, path.Base(lower)) }
	}
	secret := func(v view) (match, bool) {
		val, ok := assigned(v, false)
		m := val.match()
		m.shown = 0
		return m, ok && len(val.text) >= 4 && !template(val.text) && !common(val.text)
	}
	both := inText | inVars
	return []rule{
		{id: "netrc-password", title: "password of a login", severity: c, anchors: []string{"password"}, scope: both, file: base(".netrc", "_netrc"), find: netrc},
		{id: "pypirc-password", title: "password of a package index", severity: c, anchors: []string{"password"}, scope: both, file: base(".pypirc"), find: secret},
		{id: "docker-config-auth", title: "login of a registry", severity: c, anchors: []string{"\"auth\"", "\"identitytoken\"", "\"registrytoken\""}, scope: both, find: secret, file: func(lower string) bool {
			return base(".dockercfg", ".dockerconfigjson", "auth.json")(lower) || strings.HasSuffix("/"+lower, "/.docker/config.json")
		}},
		{id: "kaggle-key", title: "Kaggle key", severity: c, anchors: []string{"\"key\""}, scope: both, file: base("kaggle.json"), find: secret},
		{id: "npmrc-token", title: "token of a package index", severity: c, anchors: []string{"_authToken", "_auth", "_password"}, scope: both, file: base(".npmrc"), find: secret},
		{id: "comet-key", title: "Comet key", severity: c, anchors: []string{"api_key"}, scope: both, file: base(".comet.config"), find: secret},
		{id: "notebook-outputs", title: "notebook with output", severity: m, anchors: []string{"\"outputs\""}, scope: inText, once: true, weak: true, file: func(lower string) bool {
			return path.Ext(lower) == ".ipynb"
		}, find: outputs},
	}
}

// netrc finds the word behind password.
func netrc(v view) (match, bool) {
	rest := v.text[len(v.anchor):]
	trimmed := bytes.TrimLeft(rest, " \t\r\n")
	secret := trimmed
	if i := bytes.IndexAny(secret, " \t\r\n"); i >= 0 {
		secret = secret[:i]
	}
	from := len(v.text) - len(trimmed)
	return match{from: from, to: from + len(secret)}, len(trimmed) < len(rest) && len(secret) > 0 && starts(v.before) && !template(secret) && !common(secret)
}

// outputs finds a cell with output: a key of the JSON with a list that is not
// empty. In a string the quotes would be escaped.
func outputs(v view) (match, bool) {
	rest := bytes.TrimLeft(v.text[len(v.anchor):], " \t\r\n:[")
	list := bytes.Contains(v.text[len(v.anchor):len(v.text)-len(rest)], []byte("["))
	return match{to: len(v.anchor)}, list && len(rest) > 0 && rest[0] != ']' && !bytes.HasSuffix(v.before, []byte(`\`))
}
