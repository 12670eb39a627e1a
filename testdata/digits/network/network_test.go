package network_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/org/ai-ship/testdata/digits/network"
)

const (
	modelPath   = "../models/digits.safetensors"
	heldoutPath = "../data/heldout.csv"
)

// What train.py printed when it wrote the committed files.
const (
	heldoutImages = 450
	rightImages   = 439
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

func TestAccuracyOnHeldOutImages(t *testing.T) {
	net, samples := load(t)
	right := 0
	var probabilities [network.Classes]float32
	for i, sample := range samples {
		digit := net.Predict(&sample.Image, &probabilities)
		if digit == sample.Digit {
			right++
		}
		sum := 0.0
		for class, p := range probabilities {
			if p < 0 || p > probabilities[digit] {
				t.Errorf("image %d: probability of %d is %v, of the digit %d that was named %v", i, class, p, digit, probabilities[digit])
			}
			sum += float64(p)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("image %d: probabilities sum to %v", i, sum)
		}
	}
	if len(samples) != heldoutImages || right != rightImages {
		t.Errorf("%d of %d images right, want %d of %d", right, len(samples), rightImages, heldoutImages)
	}
}

// The probabilities are the ones that numpy computes from the same two files.
func TestPredictAgreesWithTraining(t *testing.T) {
	net, samples := load(t)
	want := [network.Classes]float64{
		0.00010690431, 0.54551631, 0.00016357568, 7.9714603e-08, 0.0015470650,
		0.34086969, 0.096446052, 0.0026702019, 0.012679963, 6.5372078e-08,
	}
	var got [network.Classes]float32
	if digit := net.Predict(&samples[0].Image, &got); digit != 1 {
		t.Errorf("digit %d, want 1", digit)
	}
	for class := range want {
		if math.Abs(float64(got[class])-want[class]) > 1e-5 {
			t.Errorf("probability of %d is %v, want %v", class, got[class], want[class])
		}
	}
}

func TestNetworkDescribesItself(t *testing.T) {
	net, _ := load(t)
	file, err := os.ReadFile(modelPath)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(file)
	if want := hex.EncodeToString(sum[:]); net.SHA256() != want {
		t.Errorf("SHA256 = %s, want %s", net.SHA256(), want)
	}
	if want := 64*64 + 64 + 64*10 + 10; net.Parameters() != want {
		t.Errorf("Parameters = %d, want %d", net.Parameters(), want)
	}
}

func TestPredictAllocatesNothing(t *testing.T) {
	net, samples := load(t)
	var probabilities [network.Classes]float32
	if n := testing.AllocsPerRun(100, func() { net.Predict(&samples[0].Image, &probabilities) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// tensorFile writes zero tensors side by side, in the order given.
func tensorFile(t *testing.T, names []string, shapes [][]int) []byte {
	t.Helper()
	header, offset := map[string]any{}, 0
	for i, name := range names {
		size := 4
		for _, dimension := range shapes[i] {
			size *= dimension
		}
		header[name] = map[string]any{"dtype": "F32", "shape": shapes[i], "data_offsets": []int{offset, offset + size}}
		offset += size
	}
	encoded, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	return container(string(encoded), make([]byte, offset))
}

func TestReadTakesAnyDepth(t *testing.T) {
	file := tensorFile(t, []string{"w1", "b1", "w2", "b2", "w3", "b3"},
		[][]int{{256, 64}, {256}, {2, 256}, {2}, {10, 2}, {10}})
	net, err := network.Read(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var probabilities [network.Classes]float32
	if digit := net.Predict(&network.Image{}, &probabilities); digit != 0 || probabilities[9] != 0.1 {
		t.Errorf("zero weights: digit %d with %v, want 0 with 0.1 for each", digit, probabilities)
	}
}

func TestReadRefusesShapes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		names  []string
		shapes [][]int
		want   string
	}{
		{"no layer", nil, nil, "0 layers"},
		{"no w1", []string{"b1", "w2"}, [][]int{{10}, {10, 64}}, `no "w1"`},
		{"no bias", []string{"w1"}, [][]int{{10, 64}}, `no bias "b1"`},
		{"a tensor that is no layer's", []string{"w1", "b1", "mean"}, [][]int{{10, 64}, {10}, {64}}, `no "w2"`},
		{"weights with one dimension", []string{"w1", "b1"}, [][]int{{640}, {10}}, `"w1" has the shape [640]`},
		{"weights transposed", []string{"w1", "b1"}, [][]int{{64, 10}, {64}}, "[up to 256, 64]"},
		{"layer too wide", []string{"w1", "b1"}, [][]int{{257, 64}, {257}}, "[257 64]"},
		{"bias too short", []string{"w1", "b1"}, [][]int{{10, 64}, {9}}, "want [10]"},
		{"layers do not fit", []string{"w1", "b1", "w2", "b2"}, [][]int{{5, 64}, {5}, {10, 6}, {10}}, "[up to 256, 5]"},
		{"not ten digits", []string{"w1", "b1"}, [][]int{{9, 64}, {9}}, "give 9 values, want 10"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			net, err := network.Read(bytes.NewReader(tensorFile(t, tc.names, tc.shapes)))
			if err == nil || !strings.Contains(err.Error(), tc.want) || net != nil {
				t.Errorf("Read = %v, %v; want an error that says %q", net, err, tc.want)
			}
		})
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if _, err := network.Load(missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("Load: %v, want %v with the path", err, fs.ErrNotExist)
	}
	if _, err := network.LoadSamples(missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("LoadSamples: %v, want %v with the path", err, fs.ErrNotExist)
	}
	if _, err := network.Load(heldoutPath); err == nil || !strings.Contains(err.Error(), heldoutPath) {
		t.Errorf("Load of a CSV file: %v, want the path in it", err)
	}
	if _, err := network.LoadSamples(modelPath); err == nil || !strings.Contains(err.Error(), modelPath) {
		t.Errorf("LoadSamples of weights: %v, want the path in it", err)
	}
}

func BenchmarkPredict(b *testing.B) {
	net, samples := load(b)
	var probabilities [network.Classes]float32
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		net.Predict(&samples[i%len(samples)].Image, &probabilities)
	}
}
