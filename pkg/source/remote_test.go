package source

import (
	"net/url"
	"strings"
	"testing"
)

func TestPageURL(t *testing.T) {
	for _, tc := range []struct{ remote, want string }{
		{"git@github.com:acme/digits.git", "https://github.com/acme/digits"},
		{"github.com:acme/digits", "https://github.com/acme/digits"},
		{"ssh://git@github.com/acme/digits.git", "https://github.com/acme/digits"},
		{"ssh://git@git.example.com:2222/acme/digits.git", "https://git.example.com/acme/digits"},
		{"git+ssh://git@github.com/acme/digits", "https://github.com/acme/digits"},
		{"https://github.com/acme/digits.git", "https://github.com/acme/digits"},
		{"https://github.com/acme/digits/", "https://github.com/acme/digits"},
		{"https://oauth2:secret@gitlab.example.com/acme/team/digits.git", "https://gitlab.example.com/acme/team/digits"},
		{"https://secret@git.example.com:8443/acme/digits", "https://git.example.com:8443/acme/digits"},
		{"https://github.com/acme/digits.git?token=secret#x", "https://github.com/acme/digits"},
		{"http://git.example.com:8080/acme/digits", "https://git.example.com/acme/digits"},
		{"git://Git.Example.com/acme/digits.git", "https://git.example.com/acme/digits"},
		{"HTTPS://github.com/acme/digits", "https://github.com/acme/digits"},
		{"/srv/git/digits.git", ""},
		{"../digits.git", ""},
		{`C:\git\digits`, ""},
		{"C:/git/digits", ""},
		{"file:///srv/git/digits.git", ""},
		{"https://github.com/", ""},
		{"https://github.com/.git", ""},
		{"https://[::1]/acme/digits", ""},
		{"https://%zz/acme", ""},
		{"", ""},
	} {
		if got := pageURL(tc.remote); got != tc.want {
			t.Errorf("pageURL(%q) = %q, want %q", tc.remote, got, tc.want)
		}
	}
}

func FuzzPageURL(f *testing.F) {
	f.Add("git@github.com:acme/digits.git")
	f.Add("https://user:secret@host:1/a//b.git/.git")
	f.Add("ssh://host/%2e%40")
	f.Fuzz(func(t *testing.T, remote string) {
		got := pageURL(remote)
		if got == "" {
			return
		}
		u, err := url.Parse(got)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Errorf("pageURL(%q) = %q (%v), want a plain https URL", remote, got, err)
		}
		if strings.HasSuffix(got, ".git") || strings.HasSuffix(got, "/") {
			t.Errorf("pageURL(%q) = %q, want no .git and no / at its end", remote, got)
		}
	})
}
