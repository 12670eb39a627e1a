// Package pipeline runs the stages in their order: build, scan, gate, publish,
// sign, tag. It has no policy of its own; what may pass is decided by the
// stages, and what each of them needs is a value that only the one before it
// can give.
//
// A project that signs has the digest and what is known of it signed and read
// back between the push and the first tag.
//
// A run that stops leaves every tag where it was. What was found out until
// then is in the Outcome, so that a refusal can be explained in full.
package pipeline
