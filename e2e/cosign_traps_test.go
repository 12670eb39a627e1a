//go:build linux

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/ai-ship/pkg/attest"
)

// traps holds what docs/verify.md says in words.
func (s *strangers) traps(t *testing.T, plain, predicate string) {
	for _, trap := range []struct {
		name, program, script, says string
		fails                       bool
	}{
		{name: "an attestation is no signature: cosign 2", program: "cosign2", script: only + keyVerify},
		{name: "an attestation is no signature: cosign 3", program: "cosign3", script: only + keyVerify},
		{name: "an attestation is no signature: ai-ship", program: "cosign3", fails: true,
			script: only + `ai-ship verify --key cosign.pub --any-repository "$IMAGE"`, says: "it has no signature by key sha256:"},
		{name: "stamped attestations of cosign 3 in tags: cosign 3", program: "cosign3", fails: true,
			script: stamped + `cosign verify-attestation --certificate-identity "$IDENTITY" --certificate-oidc-issuer "$ISSUER" \
				--trusted-root trusted_root.json --use-signed-timestamps --insecure-ignore-tlog --type "$TYPE" "$IMAGE"`, says: "expected at least one verified timestamp"},
		{name: "stamped attestations of cosign 3 in tags: ai-ship", program: "cosign3", fails: true,
			script: stamped + `ai-ship verify --identity "$IDENTITY" --issuer "$ISSUER" --trusted-root trusted_root.json "$IMAGE"`,
			says:   "its timestamp does not verify: hashed messages don't match"},
		{name: "cosign 2 copies no bundles", program: "cosign2", fails: true, script: copied + keyVerify, says: "no signatures found"},
		{name: "cosign 3 copies no bundles", program: "cosign3", fails: true, script: copied + keyVerify, says: "no signatures found"},
		{name: "cosign 2 loads no bundles", program: "cosign2", fails: true, script: loaded + keyVerify, says: "no signatures found"},
		{name: "cosign 3 loads no bundles", program: "cosign3", fails: true, script: loaded + keyVerify, says: "failed to upload manifest"},
	} {
		t.Run(trap.name, func(t *testing.T) {
			t.Parallel()
			r, dir := s.registries[withAPI], t.TempDir()
			repo := "traps/" + strings.ReplaceAll(strings.ReplaceAll(trap.name, " ", "-"), ":", "")
			s.equip(t, dir, "")
			writeFile(t, filepath.Join(dir, "predicate.json"), predicate)
			from, image := r.ref("acme/plain", plain), r.ref(repo, plain)
			if strings.Contains(trap.script, "$FROM") {
				digest := r.digest(t, "acme/key-bundle", "staging")
				from, image = r.ref("acme/key-bundle", digest), r.ref(repo, digest)
			} else {
				must(t, shared.program("crane"), "copy", from, r.ref(repo, "plain"))
			}
			out, err := s.sh(t, trap.program, dir, trap.script, "IMAGE="+image, "FROM="+from, "TO="+r.ref(repo, "1.0.0"),
				"TYPE="+attest.Verdict, "FULCIO="+s.rig.Fulcio, "TIMESTAMP="+s.rig.Timestamp)
			if (err != nil) != trap.fails || !strings.Contains(out, trap.says) {
				t.Errorf("fails: %t, want %t and %q\n%s", err != nil, trap.fails, trap.says, out)
			}
		})
	}
}

const (
	only = `echo '{"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"}' > nobody.json
[ "$(cosign version --json | grep -o '"v[23]')" = '"v3' ] && nobody='--signing-config nobody.json' || nobody='--new-bundle-format --tlog-upload=false'
cosign attest --yes --key cosign.key $nobody --type "$TYPE" --predicate predicate.json "$IMAGE"
`
	stamped = `cosign attest --yes --identity-token "$TOKEN" --new-bundle-format=false --use-signing-config=false --tlog-upload=false \
	--fulcio-url "$FULCIO" --timestamp-server-url "$TIMESTAMP" --type "$TYPE" --predicate predicate.json "$IMAGE"
`
	copied = `cosign copy "$FROM" "$TO"
`
	loaded = `cosign save --dir layout "$FROM"
cosign load --dir layout "$TO"
`
	keyVerify = `echo '{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}' > empty.json
cosign verify --key cosign.pub --insecure-ignore-tlog --trusted-root empty.json "$IMAGE"`
)
