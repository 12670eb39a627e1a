package leftover

import (
	"bytes"
	"slices"
	"strings"

	"github.com/org/ai-ship/pkg/scan"
)

// urls are the rules for credentials in addresses: package indexes, git remotes,
// proxies, databases.
func urls() []rule {
	return []rule{
		{
			id: "database-url", title: "database address with a password", severity: scan.Critical,
			anchors: []string{"://"}, scope: inText | inVars, weak: true, find: urlOf(database),
		},
		{
			id: "basic-auth-url", title: "address with credentials", severity: scan.Critical,
			anchors: []string{"://"}, scope: inText | inVars, weak: true, find: urlOf(transfer),
		},
	}
}

// database reports whether a scheme, its driver cut off, is that of a database
// or a queue.
func database(scheme string) bool {
	scheme, _, _ = strings.Cut(scheme, "+")
	return slices.Contains([]string{
		"postgres", "postgresql", "mysql", "mysql2", "mariadb", "mongodb", "redis", "rediss", "amqp", "amqps", "mssql", "sqlserver",
		"oracle", "clickhouse", "clickhouses", "cockroachdb", "snowflake", "redshift", "trino", "presto", "cassandra", "neo4j", "bolt",
		"db2", "hive", "influxdb", "couchdb", "couchbase", "elasticsearch", "opensearch", "nats", "kafka", "memcached", "milvus", "qdrant", "duckdb",
	}, scheme)
}

// transfer reports whether a scheme, without what is put before or behind it, is
// one by which files and code are fetched, or a proxy's.
func transfer(scheme string) bool {
	before, after, _ := strings.Cut(scheme, "+")
	known := []string{"http", "https", "ftp", "ftps", "sftp", "git", "ssh", "ws", "wss", "smtp", "smtps", "imap", "imaps", "ldap", "ldaps", "socks4", "socks5", "socks5h", "rtsp", "mqtt", "mqtts", "s3"}
	return slices.Contains(known, before) || slices.Contains(known, after)
}

// urlOf finds scheme://user:password@host, and https://token@host. The secret is
// never shown.
func urlOf(kind func(scheme string) bool) func(view) (match, bool) {
	schemeChars := chars(alnum + "+.-")
	stops := chars("\x01- \"'<>`\\/?#,;)") // control characters and blanks among them
	stops[0] = true
	return func(v view) (match, bool) {
		scheme := strings.ToLower(string(v.before[len(v.before)-schemeChars.runBack(v.before):]))
		scheme = strings.TrimLeft(scheme, "0123456789+.-")
		if !kind(scheme) {
			return match{}, false
		}
		const most = 512 // bytes of user, password and host
		authority := v.text[len(v.anchor):min(len(v.text), len(v.anchor)+most)]
		if i := slices.IndexFunc(authority, func(c byte) bool { return stops[c] }); i >= 0 {
			authority = authority[:i]
		}
		at := bytes.LastIndexByte(authority, '@')
		if at <= 0 || !host(authority[at+1:]) {
			return match{}, false
		}
		user, password, both := bytes.Cut(authority[:at], []byte(":"))
		from := len(v.anchor)
		if both && len(password) > 0 && string(password) != "x-oauth-basic" {
			from += len(user) + 1
			return match{from: from, to: from + len(password)}, secretIn(user, password)
		}
		const least = 20 // bytes of a token that stands for user and password
		return match{from: from, to: from + len(user)}, strings.Contains(scheme, "http") && len(user) >= least && !template(user) && !placeholder(user) && opaque(user) &&
			!bytes.Contains(authority[at:], []byte("sentry.io")) // what is there is public
	}
}

func host(b []byte) bool {
	name, _, _ := bytes.Cut(bytes.ToLower(b), []byte(":"))
	return len(name) > 0 && (letter(name[0]) || digit(name[0]) || name[0] == '[') &&
		!bytes.HasPrefix(name, []byte("example.")) && !bytes.Contains(name, []byte(".example"))
}

func secretIn(user, password []byte) bool {
	const least = 4 // bytes of a password that is no mere letter for one
	return len(password) >= least && !template(user) && !placeholder(user) && !template(password) && !common(password) && !bytes.EqualFold(user, password)
}
