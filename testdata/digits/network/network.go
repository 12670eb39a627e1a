package network

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// What the network takes and gives.
const (
	Pixels   = 64 // of an image, 8 rows of 8, from the top left
	MaxPixel = 16 // a pixel's largest value; its smallest is 0
	Classes  = 10 // digits 0 to 9
)

// maxWidth bounds a layer's outputs, so that Predict can work on the stack.
const maxWidth = 256

// Image holds the pixels of one image, row by row, each 0 to MaxPixel.
type Image [Pixels]float32

// layer is dense: out[o] = bias[o] + Σ weights[o*inputs+i]·in[i].
type layer struct {
	inputs  int
	weights []float32
	bias    []float32
}

// Network is a trained network. It never changes, so that any number of
// goroutines may use it at once.
type Network struct {
	layers []layer
	sha256 string
}

// Load reads the network from the safetensors file at path. See Read.
func Load(path string) (*Network, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("loading network: %w", err)
	}
	defer file.Close()
	network, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("loading network %q: %w", path, err)
	}
	return network, nil
}

// Read reads the network from a safetensors file of the tensors w1, b1, w2,
// b2 and so on, and of nothing else. Weights have the shape [outputs, inputs],
// biases [outputs]; the first layer takes Pixels, the last gives Classes.
// See ReadTensors for the file's limits.
func Read(r io.Reader) (*Network, error) {
	file, err := readBounded(r)
	if err != nil {
		return nil, err
	}
	tensors, err := parseTensors(file)
	if err != nil {
		return nil, err
	}
	layers, err := chain(tensors)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file)
	return &Network{layers: layers, sha256: hex.EncodeToString(sum[:])}, nil
}

// chain makes layers of the tensors and proves that each fits the one before.
func chain(tensors map[string]Tensor) ([]layer, error) {
	var layers []layer
	inputs := Pixels
	for i := 1; 2*(i-1) < len(tensors); i++ {
		w, b := fmt.Sprintf("w%d", i), fmt.Sprintf("b%d", i)
		weights, ok := tensors[w]
		if !ok {
			return nil, fmt.Errorf("%d tensors and no %q: want w1, b1, w2, b2 and so on, nothing else", len(tensors), w)
		}
		bias, ok := tensors[b]
		if !ok {
			return nil, fmt.Errorf("tensor %q has no bias %q", w, b)
		}
		if len(weights.Shape) != 2 || weights.Shape[1] != inputs || weights.Shape[0] > maxWidth {
			return nil, fmt.Errorf("tensor %q has the shape %v, want [up to %d, %d]", w, weights.Shape, maxWidth, inputs)
		}
		outputs := weights.Shape[0]
		if !slices.Equal(bias.Shape, []int{outputs}) {
			return nil, fmt.Errorf("tensor %q has the shape %v, want [%d]", b, bias.Shape, outputs)
		}
		layers = append(layers, layer{inputs: inputs, weights: weights.Data, bias: bias.Data})
		inputs = outputs
	}
	if len(layers) == 0 || inputs != Classes {
		return nil, fmt.Errorf("%d layers that give %d values, want %d", len(layers), inputs, Classes)
	}
	return layers, nil
}

// SHA256 returns the hex digest of the file that the network was read from.
func (n *Network) SHA256() string { return n.sha256 }

// Parameters returns how many trained numbers the network has.
func (n *Network) Parameters() int {
	count := 0
	for _, l := range n.layers {
		count += len(l.weights) + len(l.bias)
	}
	return count
}

// Predict names the digit on the image. It writes the probability of each
// digit to probabilities, which sum to 1, and allocates nothing.
func (n *Network) Predict(image *Image, probabilities *[Classes]float32) int {
	var buffers [2][maxWidth]float32
	for i, pixel := range image {
		buffers[0][i] = pixel / MaxPixel
	}
	width, last := Pixels, len(n.layers)-1
	for i := range n.layers {
		l := &n.layers[i]
		out := buffers[(i+1)%2][:len(l.bias)]
		l.apply(buffers[i%2][:width], out)
		if i < last {
			rectify(out)
		}
		width = len(out)
	}
	return softmax(buffers[(last+1)%2][:Classes], probabilities)
}

func (l *layer) apply(in, out []float32) {
	for o := range out {
		row := l.weights[o*l.inputs : (o+1)*l.inputs]
		sum := l.bias[o]
		for i, weight := range row {
			// The conversion forbids the compiler to fuse multiply and add, which
			// some processors do and others don't: the same sum on all of them.
			sum += float32(weight * in[i])
		}
		out[o] = sum
	}
}

func rectify(values []float32) {
	for i, value := range values {
		values[i] = max(value, 0)
	}
}

// softmax turns logits into probabilities and returns the largest one's index,
// the first of equal ones.
func softmax(logits []float32, probabilities *[Classes]float32) int {
	best := 0
	for i, logit := range logits {
		if logit > logits[best] {
			best = i
		}
	}
	sum := float32(0)
	for i, logit := range logits {
		probabilities[i] = float32(math.Exp(float64(logit - logits[best])))
		sum += probabilities[i]
	}
	for i := range probabilities {
		probabilities[i] /= sum
	}
	return best
}
