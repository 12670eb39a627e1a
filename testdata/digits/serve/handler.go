package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/org/ai-ship/testdata/digits/network"
)

// Limits of a request.
const (
	maxBody   = 1 << 20 // bytes
	maxImages = 1000
)

// question is the body of POST /predict: one image or several, each of 64
// pixels 0 to 16, row by row. A pointer tells a null from a zero.
type question struct {
	Image  []*float32   `json:"image"`
	Images [][]*float32 `json:"images"`
}

// prediction answers for one image; Probabilities are of the digits 0 to 9.
type prediction struct {
	Digit         int                      `json:"digit"`
	Probabilities [network.Classes]float32 `json:"probabilities"`
}

// predictions answers for several, in the order of the question.
type predictions struct {
	Predictions []prediction `json:"predictions"`
}

type health struct {
	Status      string `json:"status"`
	ModelSHA256 string `json:"model_sha256"`
}

type problem struct {
	Error string `json:"error"`
}

// newHandler serves GET /healthz and POST /predict. Every answer of these two
// is JSON, problems as {"error": …}.
func newHandler(net *network.Network) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, health{Status: "ok", ModelSHA256: net.SHA256()})
	})
	mux.HandleFunc("POST /predict", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			answer(w, http.StatusRequestEntityTooLarge, problem{fmt.Sprintf("body is longer than %d bytes", maxBody)})
			return
		}
		if err != nil {
			answer(w, http.StatusBadRequest, problem{fmt.Sprintf("reading body: %v", err)})
			return
		}
		images, several, err := ask(body)
		switch {
		case err != nil:
			answer(w, http.StatusBadRequest, problem{err.Error()})
		case several:
			answer(w, http.StatusOK, predictions{predict(net, images)})
		default:
			answer(w, http.StatusOK, predict(net, images)[0])
		}
	})
	return mux
}

func predict(net *network.Network, images []network.Image) []prediction {
	list := make([]prediction, len(images))
	for i := range images {
		list[i].Digit = net.Predict(&images[i], &list[i].Probabilities)
	}
	return list
}

// ask reads the question: at least one image, and whether it came in a list.
func ask(body []byte) (images []network.Image, several bool, err error) {
	var q question
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&q); err != nil {
		return nil, false, fmt.Errorf(`body is no {"image": [64 numbers]} or {"images": [[64 numbers], …]}: %w`, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("one object is read")
		}
		return nil, false, fmt.Errorf("body goes on after the object: %w", err)
	}
	several = q.Images != nil
	switch {
	case several && q.Image != nil:
		return nil, false, errors.New(`body has both "image" and "images", want one of them`)
	case !several && q.Image == nil:
		return nil, false, errors.New(`body has neither "image" nor "images", want one of them`)
	case !several:
		image, err := toImage("image", q.Image)
		return []network.Image{image}, false, err
	case len(q.Images) == 0 || len(q.Images) > maxImages:
		return nil, false, fmt.Errorf(`"images" has %d images, want 1 to %d`, len(q.Images), maxImages)
	}
	images = make([]network.Image, len(q.Images))
	for i, pixels := range q.Images {
		if images[i], err = toImage(fmt.Sprintf("images[%d]", i), pixels); err != nil {
			return nil, false, err
		}
	}
	return images, true, nil
}

// toImage checks the pixels; name says in an error where they stand.
func toImage(name string, pixels []*float32) (network.Image, error) {
	var image network.Image
	if len(pixels) != network.Pixels {
		return image, fmt.Errorf("%q has %d pixels, want %d", name, len(pixels), network.Pixels)
	}
	for i, pixel := range pixels {
		place := fmt.Sprintf("%s[%d]", name, i)
		if pixel == nil {
			return image, fmt.Errorf("%q is null, want a number 0 to %d", place, network.MaxPixel)
		}
		if *pixel < 0 || *pixel > network.MaxPixel {
			return image, fmt.Errorf("%q is %v, want a number 0 to %d", place, *pixel, network.MaxPixel)
		}
		image[i] = *pixel
	}
	return image, nil
}

// answer encodes before it writes the status, because weights of absurd size
// give probabilities that JSON has no word for.
func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	encoded, err := json.Marshal(body)
	if err != nil {
		status, encoded = http.StatusInternalServerError, []byte(`{"error":"the network gave no finite probabilities"}`)
	}
	w.WriteHeader(status)
	// The client may be gone; there is nobody left to tell.
	_, _ = w.Write(append(encoded, '\n'))
}
