// Package unit reads and prints the quantities that people write in configs
// and reports: 100ms, 1.1GB, 2GiB, 95%, 0.95.
//
// Inside ai-ship there is one unit a dimension: seconds, bytes, ratio. A
// Quantity always carries one of these, so two quantities either compare or
// are of different dimensions; nothing is ever guessed from a magnitude.
package unit
