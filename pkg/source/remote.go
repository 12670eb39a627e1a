package source

import (
	"net/url"
	"regexp"
	"strings"
)

// pageURL turns a remote's URL into the https URL of the repository's page:
// no credentials, no query, no .git. The port is kept for https only, because
// that of another protocol does not answer there. A path, and whatever names
// no host, gives "": it says nothing outside this machine.
func pageURL(remote string) string {
	host, path, ok := splitSCP(remote)
	if !ok {
		u, err := url.Parse(remote)
		if err != nil {
			return ""
		}
		switch strings.ToLower(u.Scheme) {
		case "https":
			host = u.Host
		case "http", "ssh", "git+ssh", "ssh+git", "git":
			host = u.Hostname()
		}
		path = u.Path
	}
	path = trimPath(path)
	if path == "" || !regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?$`).MatchString(host) {
		return ""
	}
	page := url.URL{Scheme: "https", Host: strings.ToLower(host), Path: "/" + path}
	return page.String()
}

// splitSCP reads git's short form of ssh, [user@]host:path. A single letter
// before the colon is a drive.
func splitSCP(remote string) (host, path string, ok bool) {
	m := regexp.MustCompile(`^(?:[^/:@]+@)?([A-Za-z0-9][A-Za-z0-9.-]+):(.*)$`).FindStringSubmatch(remote)
	if m == nil || strings.HasPrefix(m[2], "//") {
		return "", "", false
	}
	return m[1], m[2], true
}

func trimPath(path string) string {
	for {
		trimmed := strings.TrimSuffix(strings.Trim(path, "/"), ".git")
		if trimmed == path {
			return path
		}
		path = trimmed
	}
}
