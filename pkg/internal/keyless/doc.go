// Package keyless is the world that signs without keys, inside a test's process
// and on loopback: a token issuer, the certificate authority, the certificate
// log, the timestamp authority and the transparency log, with the trusted root
// that vouches for them.
//
// Fulcio is Fulcio, with its checks of tokens and of proofs of possession. The
// logs are small and real: their entries are checked, their proofs are those of
// a growing tree, and a second equal entry is a conflict. Each service can be
// broken, and all of them stopped. Its clock can be set back, so that a
// certificate is expired as soon as it is issued, and nothing else is wrong.
//
// Two rigs know nothing of each other: what one signs, the other's root refuses.
package keyless
