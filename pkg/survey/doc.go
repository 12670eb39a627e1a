// Package survey looks at a project's folder and says what is in it: a server,
// what it is written with, model files, test reports. It is what a first
// config is made of.
//
// It reads only, through the root that it is given, follows no symbolic link,
// runs nothing, and stays within named limits: what lies beyond them is left
// out, and said in Survey.Left. What a file is, it takes from the content where
// that tells. A file that cannot be read or parsed is passed over: a survey is
// a proposal, and whoever ships looks at everything again.
package survey
