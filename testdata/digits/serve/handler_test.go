package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/org/ai-ship/testdata/digits/network"
)

const (
	modelPath   = "../models/digits.safetensors"
	heldoutPath = "../data/heldout.csv"
)

func load(t testing.TB) (*network.Network, []network.Sample) {
	t.Helper()
	net, err := network.Load(modelPath)
	if err != nil {
		t.Fatal(err)
	}
	samples, err := network.LoadSamples(heldoutPath)
	if err != nil {
		t.Fatal(err)
	}
	return net, samples
}

func newServer(t *testing.T, net *network.Network) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(newHandler(net))
	t.Cleanup(server.Close)
	return server
}

// post sends the body to /predict and decodes the answer, which must have the
// status wanted, into out.
func post(t *testing.T, server *httptest.Server, body string, status int, out any) {
	t.Helper()
	response, err := server.Client().Post(server.URL+"/predict", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status || response.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("status %d (%s) with %s, want %d", response.StatusCode, response.Header.Get("Content-Type"), raw, status)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		t.Fatalf("answer %s: %v", raw, err)
	}
}

func encode(t *testing.T, value any) string {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestPredictAnswersAsTheNetworkDoes(t *testing.T) {
	net, samples := load(t)
	server := newServer(t, net)
	var images []network.Image
	var want predictions
	right := 0
	for _, sample := range samples {
		images = append(images, sample.Image)
		var direct prediction
		direct.Digit = net.Predict(&sample.Image, &direct.Probabilities)
		want.Predictions = append(want.Predictions, direct)

		var got prediction
		post(t, server, encode(t, map[string]network.Image{"image": sample.Image}), http.StatusOK, &got)
		if got != direct {
			t.Fatalf("served %+v, direct %+v", got, direct)
		}
		if got.Digit == sample.Digit {
			right++
		}
	}
	if right != 439 || len(samples) != 450 {
		t.Errorf("%d of %d right through the server, want 439 of 450", right, len(samples))
	}
	var got predictions
	post(t, server, encode(t, map[string][]network.Image{"images": images}), http.StatusOK, &got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all images at once: -want +got\n%s", diff)
	}
}

func list(pixels int, value string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(value+",", pixels), ",") + "]"
}

func TestPredictRefuses(t *testing.T) {
	net, _ := load(t)
	server := newServer(t, net)
	good := list(64, "1")
	for _, tc := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"empty", "", 400, "body is no"},
		{"no JSON", "digit", 400, "body is no"},
		{"cut", `{"image":[1,2`, 400, "unexpected EOF"},
		{"a list", good, 400, "body is no"},
		{"null", "null", 400, `neither "image" nor "images"`},
		{"no image", "{}", 400, `neither "image" nor "images"`},
		{"both", `{"image":` + good + `,"images":[` + good + `]}`, 400, `both "image" and "images"`},
		{"unknown field", `{"picture":` + good + `}`, 400, "picture"},
		{"something after", `{"image":` + good + `}{}`, 400, "goes on after the object"},
		{"junk after", `{"image":` + good + `}]`, 400, "goes on after the object"},
		{"too few pixels", `{"image":` + list(63, "1") + `}`, 400, `"image" has 63 pixels, want 64`},
		{"too many pixels", `{"image":` + list(65, "1") + `}`, 400, `"image" has 65 pixels, want 64`},
		{"pixel above 16", `{"image":` + list(64, "16.5") + `}`, 400, `"image[0]" is 16.5, want a number 0 to 16`},
		{"pixel below 0", `{"image":` + list(64, "-1") + `}`, 400, `"image[0]" is -1`},
		{"pixel null", `{"image":` + list(64, "null") + `}`, 400, `"image[0]" is null`},
		{"pixel a text", `{"image":` + list(64, `"1"`) + `}`, 400, "body is no"},
		{"pixel out of range", `{"image":` + list(64, "1e99") + `}`, 400, "body is no"},
		{"no images", `{"images":[]}`, 400, `"images" has 0 images, want 1 to 1000`},
		{"too many images", `{"images":` + list(1001, "[]") + `}`, 400, `"images" has 1001 images`},
		{"second image bad", `{"images":[` + good + `,[1]]}`, 400, `"images[1]" has 1 pixels`},
		{"second image null", `{"images":[` + good + `,null]}`, 400, `"images[1]" has 0 pixels`},
		{"body too long", `{"images":[` + strings.Repeat(good+",", 9000) + good + `]}`, 413, "longer than 1048576 bytes"},
		{"space too long", `{"image":` + good + `}` + strings.Repeat(" ", 1<<20), 413, "longer than 1048576 bytes"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got problem
			post(t, server, tc.body, tc.status, &got)
			if !strings.Contains(got.Error, tc.want) {
				t.Errorf("error %q, want it to say %q", got.Error, tc.want)
			}
		})
	}
}

func TestPredictRefusesABodyThatBreaksOff(t *testing.T) {
	net, _ := load(t)
	request := httptest.NewRequest(http.MethodPost, "/predict", iotest.ErrReader(io.ErrUnexpectedEOF))
	recorder := httptest.NewRecorder()
	newHandler(net).ServeHTTP(recorder, request)
	if want := `{"error":"reading body: unexpected EOF"}`; recorder.Code != 400 || strings.TrimSpace(recorder.Body.String()) != want {
		t.Errorf("status %d with %s, want 400 with %s", recorder.Code, recorder.Body, want)
	}
}

func TestRoutes(t *testing.T) {
	net, _ := load(t)
	server := newServer(t, net)
	for _, tc := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/healthz", 200, `{"status":"ok","model_sha256":"` + net.SHA256() + `"}`},
		{"POST", "/healthz", 405, ""},
		{"GET", "/predict", 405, ""},
		{"GET", "/", 404, ""},
	} {
		t.Run(tc.method+tc.path, func(t *testing.T) {
			request, err := http.NewRequestWithContext(t.Context(), tc.method, server.URL+tc.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != tc.status || !strings.Contains(string(body), tc.want) {
				t.Errorf("status %d with %s, want %d with %s", response.StatusCode, body, tc.status, tc.want)
			}
		})
	}
}

// Weights may be finite and their sum not.
func TestPredictWithAbsurdWeights(t *testing.T) {
	header := `{"w1":{"dtype":"F32","shape":[10,64],"data_offsets":[0,2560]},` +
		`"b1":{"dtype":"F32","shape":[10],"data_offsets":[2560,2600]}}`
	file := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	for range 650 {
		file = binary.LittleEndian.AppendUint32(file, math.Float32bits(math.MaxFloat32))
	}
	net, err := network.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var got problem
	post(t, newServer(t, net), fmt.Sprintf(`{"image":%s}`, list(64, "16")), http.StatusInternalServerError, &got)
	if !strings.Contains(got.Error, "no finite probabilities") {
		t.Errorf("error %q", got.Error)
	}
}

// FuzzAsk: what is accepted is made of images that Predict can take.
func FuzzAsk(f *testing.F) {
	f.Add(`{"image":` + list(64, "1") + `}`)
	f.Add(`{"images":[` + list(64, "16") + `,` + list(64, "0.5") + `]}`)
	f.Add(`{"image":[null]}`)
	f.Fuzz(func(t *testing.T, body string) {
		images, several, err := ask([]byte(body))
		if err != nil {
			return
		}
		if len(images) == 0 || len(images) > maxImages || (!several && len(images) != 1) {
			t.Errorf("%d images, several %v", len(images), several)
		}
		for _, image := range images {
			for _, pixel := range image {
				if !(pixel >= 0 && pixel <= network.MaxPixel) {
					t.Errorf("pixel %v", pixel)
				}
			}
		}
	})
}
