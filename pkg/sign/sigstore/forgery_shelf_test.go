package sigstore_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/ai-ship/pkg/sign"
)

// junk puts n referrers beside the digest that look like signatures.
func (s *scene) junk(n int) {
	for i := range n {
		s.attach([]byte(fmt.Sprintf(`{"n":%d}`, i)), sign.SignaturePredicate)
	}
}

// list is a registry's list of referrers.
func list(entries ...string) []byte {
	return []byte(`{"schemaVersion":2,"mediaType":"` + string(types.OCIImageIndex) + `","manifests":[` + strings.Join(entries, ",") + `]}`)
}

func entry(mediaType types.MediaType, digest string, size int) string {
	return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"artifactType":%q}`, mediaType, digest, size, bundleType)
}

// shelves are referrers and lists of them that lie, or that wear a reader out.
func shelves() []forgery {
	changed := func(change func(*manifest)) func(*scene) {
		return func(s *scene) {
			for predicateType, predicate := range both {
				s.attach(s.json(s.seal(s.statement(predicateType, predicate), keyed)), predicateType, change)
			}
		}
	}
	// listing answers the referrers API; its list may use the honest bundles' digests.
	listing := func(answer func(s *scene, verdict, signature string) http.HandlerFunc) func(*scene) {
		return func(s *scene) {
			at := map[string]string{}
			for predicateType, predicate := range both {
				at[predicateType] = s.attach(s.json(s.seal(s.statement(predicateType, predicate), keyed)), predicateType).DigestStr()
			}
			s.lie("referrers/"+s.digest.DigestStr(), answer(s, at[verdict], at[sign.SignaturePredicate]))
		}
	}
	manifestOf := func(mediaType types.MediaType) func(digest string) []byte {
		return func(digest string) []byte { return list(entry(mediaType, digest, 500)) }
	}
	zeros := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
			for chunk := make([]byte, 1<<20); n > 0; n -= len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}
	}
	blob := func(s *scene) string { // of one referrer that is alone
		var digest string
		s.attach(s.json(s.seal(s.statement(sign.SignaturePredicate, "{}"), keyed)), sign.SignaturePredicate, func(m *manifest) { digest = m.Layers[0].Digest.String() })
		return digest
	}
	return []forgery{
		{name: "400 junk referrers", trust: byKey, want: `unknown field "n"`, plant: func(s *scene) { s.junk(400) }},
		{name: "10,001 referrers", trust: byKey, unknown: true, want: "more than 10000 referrers", plant: listing(func(s *scene, _, _ string) http.HandlerFunc {
			entries := make([]string, 10_001)
			for i := range entries {
				entries[i] = entry(types.OCIManifestSchema1, fmt.Sprintf("sha256:%064x", i), 500)
			}
			return body(string(types.OCIImageIndex), list(entries...))
		})},
		{name: "list without end", trust: byKey, unknown: true, want: "pages", plant: listing(func(*scene, string, string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Link", "<"+r.URL.Path+`>; rel="next"`)
				body(string(types.OCIImageIndex), list())(w, r)
			}
		})},
		{name: "list that goes on at another host", trust: byKey, unknown: true, want: `refusing to follow its Link header to "registry.example"`, plant: listing(func(*scene, string, string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Link", `<http://registry.example/list>; rel="next"`)
				body(string(types.OCIImageIndex), list())(w, r)
			}
		})},
		{name: "list that moved to another host", trust: byKey, unknown: true, want: `refusing to follow to "registry.example"`, plant: listing(func(*scene, string, string) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://registry.example/", http.StatusFound)
			}
		})},
		{name: "list of 17 MB", trust: byKey, unknown: true, want: "larger than 16777216 bytes", plant: listing(func(*scene, string, string) http.HandlerFunc { return zeros(17 << 20) })},
		{name: "list cut short", trust: byKey, unknown: true, want: "no OCI index", plant: listing(func(_ *scene, a, _ string) http.HandlerFunc {
			whole := manifestOf(types.OCIManifestSchema1)(a)
			return body(string(types.OCIImageIndex), whole[:len(whole)-3])
		})},
		{name: "list that is a page for people", trust: byKey, want: "it has no signature by", plant: listing(func(*scene, string, string) http.HandlerFunc {
			return body("text/html", []byte("<p>welcome"))
		})},
		{name: "list that leaves the verdict out", signed: true, trust: byKey, want: "it has no statement " + verdict, plant: listing(func(_ *scene, _, signature string) http.HandlerFunc {
			return body(string(types.OCIImageIndex), manifestOf(types.OCIManifestSchema1)(signature))
		})},
		{name: "list that names itself", trust: byKey, want: "its manifest has digest", plant: func(s *scene) {
			self := "sha256:" + strings.Repeat("ab", 32)
			raw := list(entry(types.OCIImageIndex, self, 500))
			s.lie("referrers/"+s.digest.DigestStr(), body(string(types.OCIImageIndex), raw))
			s.lie("manifests/"+self, body(string(types.OCIImageIndex), raw))
		}},
		{name: "list of indexes", trust: byKey, want: "it has no signature by", plant: func(s *scene) {
			s.lie("referrers/"+s.digest.DigestStr(), body(string(types.OCIImageIndex), list(entry(types.OCIImageIndex, s.digest.DigestStr(), 500))))
		}},
		{name: "fallback tag that names the image itself", trust: byKey, want: "it has no signature by", plant: func(s *scene) {
			s.lie("referrers/"+s.digest.DigestStr(), http.NotFound)
			s.lie("manifests/sha256-"+hexOf(s.digest), body(string(types.OCIImageIndex), list(entry(types.OCIImageIndex, s.digest.DigestStr(), 500))))
		}},
		{name: "registry that fails", trust: byKey, unknown: true, want: "507 Insufficient Storage", plant: listing(func(*scene, string, string) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInsufficientStorage) }
		})},
		{name: "manifest of 5 MB", trust: byKey, want: "its manifest is larger than 4194304 bytes", plant: func(s *scene) {
			s.attach(s.json(s.seal(s.statement(sign.SignaturePredicate, "{}"), keyed)), sign.SignaturePredicate, func(m *manifest) { m.Padding = strings.Repeat("x", 5<<20) })
		}},
		{name: "manifest that is not its digest's", trust: byKey, want: "its manifest has digest", plant: func(s *scene) {
			other := s.scene(s.t)
			other.honest(keyed)
			at := s.attach([]byte("{}"), sign.SignaturePredicate)
			s.lie("manifests/"+at.DigestStr(), body(string(types.OCIManifestSchema1), []byte(`{"schemaVersion":2}`)))
		}},
		{name: "manifest that is gone", trust: byKey, want: "its manifest is gone", plant: func(s *scene) {
			at := s.attach([]byte("{}"), sign.SignaturePredicate)
			s.lie("manifests/"+at.DigestStr(), http.NotFound)
		}},
		{name: "manifest about another digest", trust: byKey, want: "its manifest refers to another digest", plant: func(s *scene) {
			at := s.attach(s.json(s.seal(s.statement(sign.SignaturePredicate, "{}"), keyed)), sign.SignaturePredicate, func(m *manifest) {
				m.Subject.Digest = v1.Hash{Algorithm: "sha256", Hex: hexOf(s.platform)}
			})
			s.lie("referrers/"+s.digest.DigestStr(), body(string(types.OCIImageIndex), list(entry(types.OCIManifestSchema1, at.DigestStr(), 500))))
		}},
		{name: "manifest of two layers", trust: byKey, want: "2 layers", plant: changed(func(m *manifest) { m.Layers = append(m.Layers, m.Layers[0]) })},
		{name: "manifest of no layers", trust: byKey, want: "it has no signature by", plant: changed(func(m *manifest) { m.Layers = nil })},
		{name: "layer of another kind", trust: byKey, want: "it has no signature by", plant: changed(func(m *manifest) { m.Layers[0].MediaType = "application/json" })},
		{name: "layer larger than its manifest says", trust: byKey, want: "its bundle has ", plant: changed(func(m *manifest) { m.Layers[0].Size = 10 })},
		{name: "layer smaller than its manifest says", trust: byKey, want: "its bundle has ", plant: changed(func(m *manifest) { m.Layers[0].Size++ })},
		{name: "layer that claims a terabyte", trust: byKey, want: "its bundle is larger than", plant: changed(func(m *manifest) { m.Layers[0].Size = 1 << 40 })},
		{name: "layer that claims less than nothing", trust: byKey, want: "not -1 as its manifest says", plant: changed(func(m *manifest) { m.Layers[0].Size = -1 })},
		{name: "bundle of 65 MB", trust: byKey, want: "its bundle is larger than 67108864 bytes", plant: func(s *scene) {
			digest := ""
			s.attach([]byte("{}"), sign.SignaturePredicate, func(m *manifest) { digest, m.Layers[0].Size = m.Layers[0].Digest.String(), 65<<20 })
			s.lie("blobs/"+digest, zeros(65<<20))
		}},
		{name: "bundle that is gone", trust: byKey, want: "its bundle is gone", plant: func(s *scene) { s.lie("blobs/"+blob(s), http.NotFound) }},
		{name: "bundle that is not its digest's", trust: byKey, unknown: true, want: "error verifying sha256 checksum", plant: func(s *scene) {
			raw := s.json(s.seal(s.statement(sign.SignaturePredicate, "{}"), keyed))
			digest := ""
			s.attach(raw, sign.SignaturePredicate, func(m *manifest) { digest = m.Layers[0].Digest.String() })
			s.lie("blobs/"+digest, body("application/octet-stream", append(bytes.TrimSuffix(raw, []byte("}")), ' ')))
		}},
	}
}
