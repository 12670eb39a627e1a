package sigstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/org/ai-ship/pkg/hint"
)

// Audience is whom an identity token must be made out to, to be taken by
// Fulcio as it is usually set up.
const Audience = "sigstore"

// TokenSource gets the OIDC token that says who signs.
type TokenSource interface {
	Token(ctx context.Context) (Secret, error)
}

// Token is a token that is there already: GitLab's SIGSTORE_ID_TOKEN, or any.
type Token struct {
	Value Secret
	From  string // where it came from, for errors: a variable's name
}

// Token implements TokenSource.
func (t Token) Token(context.Context) (Secret, error) {
	if t.Value.empty() {
		return Secret{}, hint.Wrap(fmt.Errorf("reading the identity token: %s is empty", t.From),
			"on GitLab, give the job `id_tokens: {SIGSTORE_ID_TOKEN: {aud: sigstore}}`")
	}
	return t.Value, nil
}

// GitHub asks the runner of a GitHub workflow for a token.
type GitHub struct {
	URL       string // ACTIONS_ID_TOKEN_REQUEST_URL
	Request   Secret // ACTIONS_ID_TOKEN_REQUEST_TOKEN
	Audience  string // "": Audience
	Transport http.RoundTripper
	Retry     Retry
}

// Token implements TokenSource.
func (g GitHub) Token(ctx context.Context) (Secret, error) {
	token, err := g.token(ctx)
	if err != nil {
		return Secret{}, hint.Wrap(fmt.Errorf("getting an identity token: %w", err),
			"give the job `permissions: {id-token: write}`")
	}
	return token, nil
}

func (g GitHub) token(ctx context.Context) (Secret, error) {
	if g.URL == "" || g.Request.empty() {
		return Secret{}, errors.New("ACTIONS_ID_TOKEN_REQUEST_URL or ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set")
	}
	at, err := url.Parse(g.URL)
	if err != nil {
		return Secret{}, errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
	}
	query := at.Query()
	query.Set("audience", Audience)
	if g.Audience != "" {
		query.Set("audience", g.Audience)
	}
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return Secret{}, errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no URL")
	}
	req.Header.Set("Authorization", "bearer "+g.Request.Reveal())
	req.Header.Set("Accept", "application/json")
	client := http.Client{Transport: patient(ctx, "the token endpoint", "see the status page of the CI", g.Transport, g.Retry)}
	resp, err := client.Do(req)
	if err != nil {
		return Secret{}, plainly(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Value string `json:"value"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return Secret{}, &serviceError{"the token endpoint", shown(at), fmt.Errorf("its answer is not JSON: %w", err)}
	}
	if answer.Value == "" {
		return Secret{}, &serviceError{"the token endpoint", shown(at), errors.New("its answer holds no token")}
	}
	return NewSecret(answer.Value), nil
}
