package mlflow

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/org/ai-ship/pkg/hint"
	"github.com/org/ai-ship/pkg/plain"
)

const maxQuoted = 300 // characters of a server's text that get into a message

// Error is an answer that was not the one asked for, or that none came. It
// holds no credentials.
type Error struct {
	Address       string // scheme, host and path of the request
	Status        int    // of HTTP; 0 where no answer came
	Code, Message string // MLflow's error_code and message, or of another answer its beginning
	Err           error  // why there is no answer, or no whole one; nil otherwise

	text    string        // of Err, without secrets
	wait    time.Duration // Retry-After, -1 for none
	lasting bool          // no further attempt can help
}

func (e *Error) Error() string {
	text := "GET " + e.Address
	if e.Status != 0 && e.Err == nil {
		text += strings.TrimRight(fmt.Sprintf(": %d %s", e.Status, http.StatusText(e.Status)), " ")
	}
	for _, part := range []string{e.Code, e.Message, e.text} {
		if part != "" {
			text += ": " + part
		}
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

func (e *Error) because(err error, s session) *Error {
	e.Err, e.text = err, s.clean(err.Error())
	return e
}

func (e *Error) final() *Error {
	e.lasting = true
	return e
}

// refused notes what the server says about a status that is not 200.
func (e *Error) refused(body []byte, s session) {
	var answer struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &answer); err == nil && answer.Code != "" {
		e.Code, e.Message = s.clean(answer.Code), s.clean(answer.Message)
		return
	}
	if text := strings.TrimSpace(string(body)); !strings.HasPrefix(text, "<") { // a page says nothing in 300 characters
		e.Message = s.clean(text)
	}
}

// clean makes a stranger's text fit for one line of a message.
func (s session) clean(text string) string {
	return shorten(strings.Join(strings.Fields(plain.Text(s.secrets.Replace(text))), " "))
}

func shorten(text string) string {
	if runes := []rune(text); len(runes) > maxQuoted {
		return string(runes[:maxQuoted-1]) + "…"
	}
	return text
}

// explain adds what the user can do about an error.
func (s session) explain(e *Error, tried int) error {
	var err error = e
	if tried > 1 {
		err = fmt.Errorf("%w (tried %d times)", e, tried)
	}
	switch {
	case e.Status == http.StatusUnauthorized && s.authorization == "":
		return hint.Wrap(err, "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN")
	case e.Status == http.StatusUnauthorized && strings.HasPrefix(s.authorization, "Basic "):
		return hint.Wrap(err, "the server does not accept this user name and password (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD)")
	case e.Status == http.StatusUnauthorized:
		return hint.Wrap(err, "the server does not accept this token (MLFLOW_TRACKING_TOKEN): it may have expired")
	case e.Status == http.StatusForbidden:
		return hint.Wrap(err, "this user may not read it: ask for the permission READ on the experiment or the registered model")
	case e.Code != "" && (e.Status == http.StatusNotFound || e.Status == http.StatusBadRequest):
		return hint.Wrap(err, "look it up in the MLflow server's pages: has it another name there, was it deleted, is MLFLOW_TRACKING_URI the right server")
	case errors.Is(e.Err, errRedirect):
		return hint.Wrap(err, "credentials are not sent to another server; if this one wants a login, set MLFLOW_TRACKING_TOKEN, or else correct MLFLOW_TRACKING_URI")
	case e.Status == http.StatusNotFound, e.lasting:
		return hint.Wrap(err, wrongServer)
	case e.Err != nil:
		return hint.Wrap(err, "is the server running, and is MLFLOW_TRACKING_URI right")
	}
	return err
}
