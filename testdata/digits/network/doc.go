// Package network reads the digits network and its held-out images, and names
// the digit on an image.
//
// The network is a chain of dense layers w1, b1, w2, b2, … in a safetensors
// file, ReLU between them and softmax at the end. Both files are read as
// hostile: bounded, every number checked before it is used.
package network
