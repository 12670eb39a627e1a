package keyless

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Audience is whom Fulcio takes tokens for.
const Audience = "sigstore"

// ActionsBearer is what jobs show to get a token.
const ActionsBearer = "actions-bearer"

// Workload is who asks for a certificate: a job, or a person.
type Workload struct {
	Subject string         // as its certificate will name it
	Issuer  string         // of its tokens
	Claims  map[string]any // in its tokens, beside the issuer, the times and the audience
}

// GitHub is a job of a workflow of the repository, at a ref like refs/heads/main.
func (r *Rig) GitHub(repository, workflow, ref string) Workload {
	owner, _, _ := strings.Cut(repository, "/")
	path := repository + "/.github/workflows/" + workflow + "@" + ref
	sha := strings.Repeat("a", 40)
	return Workload{
		Subject: "https://github.com/" + path,
		Issuer:  r.tokens.url + "/github",
		Claims: map[string]any{
			"sub": "repo:" + repository + ":ref:" + ref, "job_workflow_ref": path, "job_workflow_sha": sha,
			"workflow": "release", "workflow_ref": path, "workflow_sha": sha, "event_name": "push", "ref": ref, "sha": sha,
			"repository": repository, "repository_id": "1", "repository_owner": owner, "repository_owner_id": "2",
			"repository_visibility": "private", "runner_environment": "github-hosted", "run_id": "7", "run_attempt": "1",
		},
	}
}

// GitLab is a job of a project's pipeline, on a branch.
func (r *Rig) GitLab(project, branch string) Workload {
	owner, _, _ := strings.Cut(project, "/")
	config := "gitlab.com/" + project + "//.gitlab-ci.yml@refs/heads/" + branch
	sha := strings.Repeat("b", 40)
	return Workload{
		Subject: "https://" + config,
		Issuer:  r.tokens.url + "/gitlab",
		Claims: map[string]any{
			"sub":          "project_path:" + project + ":ref_type:branch:ref:" + branch,
			"project_path": project, "project_id": "1", "namespace_path": owner, "namespace_id": "2",
			"pipeline_id": "7", "pipeline_source": "push", "job_id": "9", "ref": branch, "ref_type": "branch", "sha": sha,
			"ci_config_ref_uri": config, "ci_config_sha": sha, "project_visibility": "private",
			"runner_id": 3, "runner_environment": "gitlab-hosted",
		},
	}
}

// Person is somebody with an address.
func (r *Rig) Person(email string) Workload {
	return Workload{
		Subject: email,
		Issuer:  r.tokens.url + "/accounts",
		Claims:  map[string]any{"sub": email, "email": email, "email_verified": true},
	}
}

// Token is the workload's, for Audience and ten minutes.
func (r *Rig) Token(w Workload) string { return r.tokens.mint(w, Audience) }

// ActionsEnv is what GitHub sets for the workload's job; asking its URL with its
// bearer and an audience gets a token.
func (r *Rig) ActionsEnv(w Workload) map[string]string {
	r.tokens.job.Store(&w)
	return map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": r.Actions.URL, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ActionsBearer}
}

const keyID = "1"

// issuer signs tokens, RS256, for all issuers.
type issuer struct {
	url string // of its server
	key *rsa.PrivateKey
	job atomic.Pointer[Workload] // to whom Actions hands tokens
}

// newIssuer makes a key that is short, since a long one takes longer than all
// the rest of the rig.
func newIssuer() (*issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	return &issuer{key: key}, err
}

func (i *issuer) mint(w Workload, audience string) string {
	now := time.Now().Unix()
	claims := maps.Clone(w.Claims)
	claims["iss"], claims["aud"], claims["iat"], claims["nbf"], claims["exp"] = w.Issuer, audience, now, now, now+600
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err) // claims are strings, numbers and booleans
	}
	signed := b64([]byte(`{"alg":"RS256","typ":"JWT","kid":"`+keyID+`"}`)) + "." + b64(payload)
	sum := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(rand.Reader, i.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err) // a sound key signs every sum
	}
	return signed + "." + b64(sig)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// ServeHTTP answers discovery and keys below each issuer's path.
func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	url := i.url + "/" + name
	switch {
	case issuers[name] == "":
		http.NotFound(w, r)
	case path == ".well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": url, "jwks_uri": url + "/jwks", "id_token_signing_alg_values_supported": []string{"RS256"},
			"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		})
	case path == "jwks":
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": keyID,
			"n": b64(i.key.N.Bytes()), "e": b64(big.NewInt(int64(i.key.E)).Bytes()),
		}}})
	default:
		http.NotFound(w, r)
	}
}

// actions hands out tokens as GitHub does to its jobs.
type actions struct{ *issuer }

func (a actions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	job, query := a.job.Load(), r.URL.Query()
	switch {
	case !strings.EqualFold(r.Header.Get("Authorization"), "bearer "+ActionsBearer):
		http.Error(w, `{"message":"Unauthorized"}`, http.StatusUnauthorized)
	case job == nil || r.Method != http.MethodGet || query.Get("api-version") != "2.0":
		http.Error(w, `{"message":"Bad Request"}`, http.StatusBadRequest)
	default:
		audience := query.Get("audience")
		if audience == "" {
			audience = "https://github.com/" + fmt.Sprint(job.Claims["repository_owner"])
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"count": 1, "value": a.mint(*job, audience)})
	}
}
