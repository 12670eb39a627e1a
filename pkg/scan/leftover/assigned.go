package leftover

import (
	"bytes"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// value is what stands behind a name.
type value struct {
	name    string // whole, such as DB_PASSWORD
	text    []byte
	from    int  // in the view's text
	literal bool // it is no expression: quoted, or in a place where values need no quotes
}

func (v value) match() match {
	// Of a short value hardly anything may be shown.
	return match{from: v.from, to: v.from + len(v.text), shown: min(maxRead, len(v.text)/8)}
}

// assigned reads what is assigned to the name that the anchor is the end of:
//
//	NAME=value   "name": "value"   name: str = "value"   ENV["NAME"] = 'value'
//	get("NAME", "value")   call(name="value")   --name value (where option)
func assigned(v view, option bool) (value, bool) {
	rest := v.text[len(v.anchor):]
	if len(rest) > 0 && (word(rest[0]) || rest[0] == '-' || rest[0] == '.') {
		return value{}, false // the name goes on
	}
	start := len(v.before)
	for start > 0 && (word(v.before[start-1]) || v.before[start-1] == '-' || v.before[start-1] == '.') {
		start--
	}
	val := value{name: string(v.before[start:]) + v.anchor, literal: v.plain || v.scope&inVars != 0}
	closed := bytes.TrimLeft(rest, "\"']\\")
	sep := bytes.TrimLeft(closed, " \t")
	switch {
	case len(sep) > 0 && (sep[0] == '=' || sep[0] == ':'):
		rest = bytes.TrimLeft(sep, "=:> \t")
		if i := slices.IndexFunc(rest[:min(len(rest), 40)], func(c byte) bool { return !word(c) && !strings.ContainsRune("[]., |", rune(c)) }); i > 0 && sep[0] == ':' && rest[i] == '=' {
			rest = bytes.TrimLeft(rest[i:], "= ")
		}
	case len(sep) > 0 && sep[0] == ',' && len(closed) < len(rest):
		rest = bytes.TrimLeft(sep, ", \t")
	case option && strings.HasPrefix(val.name, "--") && len(sep) < len(rest):
		rest = sep
	default:
		return value{}, false
	}
	const most = 512 // bytes of a value
	val.from = len(v.text) - len(rest)
	val.text = rest[:min(len(rest), most)]
	val.unquote()
	return val, len(val.text) > 0
}

// unquote cuts the value to what its quotes hold; without quotes, to its first
// word.
func (v *value) unquote() {
	b := v.text
	skip := 0
	for skip < len(b) && skip < 2 && strings.IndexByte("bruf\\", b[skip]) >= 0 && bytes.ContainsAny(b[:min(len(b), skip+2)], "\"'") {
		skip++ // prefix of a Python string, or an escaped quote
	}
	if skip < len(b) && strings.IndexByte("\"'`", b[skip]) >= 0 {
		quote := b[skip]
		b, v.from, v.literal = b[skip+1:], v.from+skip+1, true
		if end := bytes.IndexByte(b, quote); end >= 0 {
			b = b[:end]
		}
		v.text = bytes.TrimRight(b, "\\")
		return
	}
	if end := bytes.IndexAny(b, " \t\r\n\"'`,;)\x00"); end >= 0 {
		b = b[:end]
	}
	v.text = b
}

// opaque reports whether b is a key rather than words, a path or an identifier:
// letters and digits mixed, with much variety, in one long run.
func opaque(b []byte) bool {
	const least, bits = 16, 3.2
	digits, letters, run, longest := 0, 0, 0, 0
	for _, c := range b {
		run++
		switch {
		case digit(c):
			digits++
		case letter(c):
			letters++
		default:
			run = 0
		}
		longest = max(longest, run)
	}
	if longest < least && chars(alnum+"+/=").run(b) < len(b) {
		return false
	}
	return len(b) >= least && digits >= 2 && letters >= 2 && entropy(b) >= bits && !placeholder(b) && !template(b)
}

// endings are how names of secrets end; each also in lower case.
func endings() []string {
	words := []string{
		"PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIAL", "CREDENTIALS", "API_KEY", "APIKEY", "ACCESS_KEY", "SECRET_KEY",
		"AUTH_KEY", "PRIVATE_KEY", "ENCRYPTION_KEY", "SIGNING_KEY", "ACCOUNT_KEY", "_PASS", "_PWD",
	}
	all := []string{"Password", "Secret", "Token", "ApiKey", "apiKey", "AccessKey", "accessKey", "SecretKey", "api-key", "auth-key", "access-key"}
	for _, w := range words {
		all = append(all, w, strings.ToLower(w))
	}
	return all
}

// assignments are the rules for values that only their name gives away.
func assignments() []rule {
	const c, h = scan.Critical, scan.High
	both := inText | inVars
	named := func(id, title, name string, fits func(value) bool) rule {
		return rule{
			id: id, title: title, severity: c, anchors: []string{name, strings.ToLower(name)}, scope: both,
			find: func(v view) (match, bool) {
				val, ok := assigned(v, true)
				if !ok || !fits(val) || template(val.text) || placeholder(val.text) {
					return match{}, false
				}
				return val.match(), true
			},
		}
	}
	exactly := func(spec string, n int) func(value) bool {
		in := chars(spec)
		return func(v value) bool {
			return len(v.text) == n && in.run(v.text) == n && random(v.text) && bytes.ContainsAny(v.text, "0123456789")
		}
	}
	long := func(least int, prefix string) func(value) bool {
		return func(v value) bool {
			return v.literal && len(v.text) >= least && random(v.text) && bytes.HasPrefix(v.text, []byte(prefix))
		}
	}
	wandb := named("wandb-key", "Weights & Biases key", "WANDB_API_KEY", exactly(lowHex, 40))
	wandb.anchors = append(wandb.anchors, "wandb.login(key")
	awsSecret := named("aws-secret-access-key", "AWS secret access key", "SECRET_ACCESS_KEY", exactly(alnum+"+/", 40))
	awsSecret.anchors = append(awsSecret.anchors, "SecretAccessKey", "secretAccessKey", "AWS_SECRET_KEY", "aws_secret_key")
	password := func(v value) bool { return v.literal && len(v.text) >= 6 && !common(v.text) }
	return []rule{
		wandb, awsSecret,
		named("aws-session-token", "AWS session token", "AWS_SESSION_TOKEN", long(100, "")),
		named("comet-key", "Comet key", "COMET_API_KEY", exactly(alnum, 25)),
		named("neptune-token", "Neptune token", "NEPTUNE_API_TOKEN", long(40, "eyJ")),
		named("mlflow-credentials", "MLflow credentials", "MLFLOW_TRACKING_PASSWORD", password),
		named("mlflow-credentials", "MLflow credentials", "MLFLOW_TRACKING_TOKEN", password),
		named("kubernetes-client-key", "client key of a Kubernetes cluster", "CLIENT-KEY-DATA", long(60, "")),
		{id: "assigned-secret", title: "value of a name that says secret", severity: h, anchors: endings(), scope: inText, weak: true, find: assignedInText},
		{id: "variable-secret", title: "variable whose name says secret", severity: h, anchors: endings(), scope: inVars, weak: true, find: assignedInVars},
	}
}

// assignedInText wants a literal that looks like a key: in source code names of
// this kind hold expressions, and words.
func assignedInText(v view) (match, bool) {
	if v.scope&inVars != 0 {
		return match{}, false
	}
	val, ok := assigned(v, false)
	if !ok || !val.literal || chars(alnum+"_+/=.~-").run(val.text) < len(val.text) || !opaque(val.text) {
		return match{}, false
	}
	return val.match(), true
}

// assignedInVars takes what it finds for what it says, but for placeholders,
// paths and settings.
func assignedInVars(v view) (match, bool) {
	val, ok := assigned(v, true)
	if !ok || template(val.text) || bytes.Contains(val.text, []byte("://")) || strings.IndexByte("/.~\\-&", val.text[0]) >= 0 {
		return match{}, false
	}
	const least, leastToken = 6, 8 // bytes
	name := strings.ToLower(val.name)
	password := strings.Contains(name, "pass") || strings.Contains(name, "pwd") || strings.Contains(name, "secret")
	m := val.match()
	switch {
	case common(val.text):
		setting := slices.Contains([]string{"true", "false", "none", "null", "yes", "no", "auto", "0", "1"}, strings.ToLower(string(val.text)))
		m.minor, m.shown = true, 0
		return m, password && !setting && !v.file()
	case password:
		return m, len(val.text) >= least
	default:
		return m, len(val.text) >= leastToken && random(val.text)
	}
}

// file reports whether the content is a file's, and not the image's config.
func (p place) file() bool { return p.lower != "" }
