package main

import "github.com/org/ai-ship/testdata/digits/network"

// scores counts images: scores[truth][named].
type scores [network.Classes][network.Classes]int

func classify(net *network.Network, samples []network.Sample) scores {
	var s scores
	var probabilities [network.Classes]float32
	for i := range samples {
		s[samples[i].Digit][net.Predict(&samples[i].Image, &probabilities)]++
	}
	return s
}

// support returns how many images show the digit.
func (s scores) support(digit int) int {
	n := 0
	for _, count := range s[digit] {
		n += count
	}
	return n
}

// named returns how many images were named as the digit, rightly or not.
func (s scores) named(digit int) int {
	n := 0
	for truth := range s {
		n += s[truth][digit]
	}
	return n
}

// accuracy returns the share of images that were named rightly, 0 to 1.
// There is at least one image.
func (s scores) accuracy() float64 {
	right, all := 0, 0
	for digit := range s {
		right += s[digit][digit]
		all += s.support(digit)
	}
	return float64(right) / float64(all)
}

// recall returns the share of the digit's images that were named rightly, and
// whether there are any.
func (s scores) recall(digit int) (float64, bool) {
	support := s.support(digit)
	if support == 0 {
		return 0, false
	}
	return float64(s[digit][digit]) / float64(support), true
}

// f1 returns the mean of the digits' F1, each weighing the same. A digit that
// no image shows and none was named as does not count, as in scikit-learn.
func (s scores) f1() float64 {
	sum, classes := 0.0, 0
	for digit := range s {
		if both := s.support(digit) + s.named(digit); both > 0 {
			sum += 2 * float64(s[digit][digit]) / float64(both)
			classes++
		}
	}
	return sum / float64(classes)
}
