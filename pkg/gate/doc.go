// Package gate decides: policy and evidence in, verdict out. It is pure: it
// reads no file, no clock and no network, so every verdict can be replayed
// from the report that records it.
//
// Gates fail closed. A metric that is missing, not a number, ambiguous, of
// another dimension than its limit, or from a report older than the model is
// refused with its reason and with the sentence of what would have passed.
package gate
