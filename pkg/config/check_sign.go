package config

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// keyServices are the schemes of keys that are not files. Every other scheme is
// refused here: for one that it does not know, sigstore's library would run a
// program of that name.
func keyServices() []string {
	return []string{"env://", "awskms://", "gcpkms://", "azurekms://", "hashivault://"}
}

func (k *checker) sign() {
	s := k.config.Sign
	if s == nil || k.bad["sign"] || k.bad["sign.keyless"] || k.bad["sign.key"] {
		return
	}
	switch {
	case s.Keyless && s.Key != "":
		k.fail("sign.key", "expected exactly one of keyless and key, found both", "remove one of them")
	case !s.Keyless && s.Key == "":
		k.fail("sign", "expected exactly one of keyless and key, found neither", "write keyless: true, or remove sign to ship unsigned")
	case s.Key != "" && k.has("sign.fulcio"):
		k.fail("sign.fulcio", "a key needs no certificate", "remove it, or write keyless: true in place of key")
	}
	k.key("sign.key", s.Key)
	k.inside("sign.trusted-root", s.TrustedRoot, s.TrustedRoot)
	k.url("sign.fulcio", s.Fulcio)
	k.url("sign.timestamp", s.Timestamp)
	if s.Rekor != "none" {
		k.url("sign.rekor", s.Rekor)
	}
}

func (k *checker) verify() {
	v := k.config.Verify
	if v == nil || k.bad["verify"] {
		return
	}
	identity := v.Identity != "" || v.IdentityRegexp != ""
	switch {
	case v.Identity != "" && v.IdentityRegexp != "":
		k.fail("verify.identity-regexp", "expected one of identity and identity-regexp, found both", "remove one of them")
	case v.Key != "" && (identity || v.Issuer != ""):
		k.fail("verify.key", "expected a key or an identity with its issuer, found both", "remove one of them")
	case identity && v.Issuer == "":
		k.fail("verify", "an identity needs its issuer: anybody may have an identity of that name elsewhere", "add issuer, such as https://token.actions.githubusercontent.com")
	case v.Issuer != "" && !identity:
		k.fail("verify.issuer", "an issuer alone vouches for everybody that it knows", "add identity or identity-regexp")
	case v.Key == "" && !identity && (k.config.Sign == nil || k.config.Sign.Keyless):
		k.fail("verify", "expected a key, or an identity with its issuer, found neither", "say whose signatures count")
	}
	k.key("verify.key", v.Key)
	k.pattern("verify.identity-regexp", v.IdentityRegexp)
	k.inside("verify.trusted-root", v.TrustedRoot, v.TrustedRoot)
	for i, r := range v.Require {
		at := item("verify.require", i)
		if names := Statements(); k.ok(at) && !slices.Contains(names, r) && !strings.Contains(r, "://") {
			k.fail(at, fmt.Sprintf("expected a predicate type or one of %s, found %q", strings.Join(names, ", "), clip(r)), didYouMean(clip(r), names))
		}
	}
}

// Statements are the short names of the statements that ai-ship makes.
func Statements() []string {
	return []string{"verdict", "test-result", "sbom", "provenance", "vulnerabilities", "models"}
}

// key records a key whose scheme is not known, or that lies outside of the project.
func (k *checker) key(at, key string) {
	scheme, _, ok := strings.Cut(key, "://")
	switch {
	case !k.ok(at):
	case !ok:
		k.inside(at, key, key)
	case !slices.Contains(keyServices(), scheme+"://"):
		k.fail(at, fmt.Sprintf("unknown key service %q", clip(scheme)), "expected a file or one of "+strings.Join(keyServices(), ", "))
	}
}

// pattern records a pattern that is none, or that everybody matches.
func (k *checker) pattern(at, text string) {
	if !k.ok(at) {
		return
	}
	re, err := regexp.Compile("^(?:" + text + ")$")
	switch {
	case err != nil:
		k.fail(at, fmt.Sprintf("expected a regular expression, found %q", clip(text)), "see https://github.com/google/re2/wiki/Syntax")
	case re.MatchString("") || re.MatchString("https://example.com/nobody"):
		k.fail(at, fmt.Sprintf("the pattern %q matches anybody", clip(text)), "name the repository and the workflow")
	}
}

func (k *checker) url(at, text string) {
	if !k.ok(at) {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		k.fail(at, fmt.Sprintf("expected a URL, found %q", clip(text)), "such as https://fulcio.example.com")
	case u.User != nil:
		k.fail(at, "the URL holds credentials", "take them out")
	}
}
