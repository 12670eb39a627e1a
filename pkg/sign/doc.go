// Package sign says what a digest's signatures and statements are, and what they
// permit: a Signer signs a digest, never a tag; a Verifier finds what is said
// about one; Prove makes a Proof of that, and only a Proof lets the release
// stage move a tag, so that the types keep the order of the pipeline.
//
// The cryptography is the engines', which live below this package. What is
// decided here is pure: which statements are demanded, that every one of them
// must agree, and that an attestation alone is no signature.
package sign
