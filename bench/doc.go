// Bench measures ai-ship next to its peers: the same model, the same base, the
// same registry, one run. README.md says what each case does and what each
// column counts.
package main
