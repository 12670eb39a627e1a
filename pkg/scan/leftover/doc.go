// Package leftover finds what should have stayed at home: credentials in our
// own files, in the image's environment, labels, commands and history, and
// files that were never meant to ship, such as .env, .git, shell histories,
// notebooks with output and training data.
//
// What is looked at: every file of Target.Files, the names of these files, and
// the image's config with the history lines of its base. What the base's layers
// hold is not read here.
//
// Text is read in full up to 64 MiB, as a stream, whatever the length of its
// lines. Of binary files, model weights included, the first MiB and the last
// 64 KiB are searched, for tokens and private keys only. What was left out is in
// Findings.Skipped; what could not be read in Findings.Incomplete, as
// unreadable-file. Archives are not opened.
//
// Severity is critical for credentials that look live and for private keys, high
// for what is probably one (a token of unclear kind, a file that usually holds
// some), medium for files that reveal something, low for training data and
// default passwords.
//
// What comes with an installed package (python layers, site-packages,
// node_modules) is published already. There, files that a name gives away,
// everything in tests, examples and documentation, and what documentation is
// full of (addresses with a password, tokens of unclear kind) are low. Tokens of a
// known kind and private keys keep their severity, and so does everything in
// direct_url.json, which the installer writes.
//
// Placeholders are no findings: values that say so themselves ("changeme",
// "your-key", "<token>", "AKIAIOSFODNN7EXAMPLE"), templates ("${TOKEN}"), values
// with hardly any variety ("hf_xxx"), and examples known from documentation.
// One exception: a default password in the environment or the history is
// reported as low.
//
// A finding never holds a secret: it shows at most the first four characters,
// also where a file's name or a variable's name contains one.
package leftover
