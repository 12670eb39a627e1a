// Package release owns versions, tags and channels: which tags an event
// earns, and moving them, last of all, onto a digest that a Proof permits.
//
// No registry offers compare-and-swap on a tag, so a lost race is detected,
// by reading the tag back, and never prevented.
//
// # Which tags an event earns
//
// NewPlan follows the rules of docker/metadata-action for semver tags, and is
// stricter about which release may move a shared tag:
//
//	event                       version          tags, in the order they move
//	tag v1.2.3                  1.2.3            1.2.3 v1.2.3 1.2 1 latest sha-0123456
//	tag 1.2.3                   1.2.3            1.2.3 1.2 1 latest sha-0123456
//	tag v0.3.1                  0.3.1            0.3.1 v0.3.1 0.3 latest sha-0123456
//	tag v1.1.9, 1.2.0 is there  1.1.9            1.1.9 v1.1.9 1.1 sha-0123456
//	tag v1.2.3-rc.1             1.2.3-rc.1       1.2.3-rc.1 v1.2.3-rc.1 sha-0123456
//	tag v1.2.3+cu12             1.2.3-cu12       1.2.3-cu12 v1.2.3-cu12 1.2 1 latest sha-0123456
//	tag v1.2.3, suffix gpu      1.2.3-gpu        1.2.3-gpu v1.2.3-gpu 1.2-gpu 1-gpu sha-0123456-gpu
//	tag model/2024              model-2024       model-2024 sha-0123456
//	branch feature/x            feature-x-0123456  sha-0123456 feature-x-0123456
//	commit alone                sha-0123456      sha-0123456
//	pull request                pr-0123456       none
//
// An explicit version stands in for the git tag; the commit's tags are added
// to it. The channels that the event moves come after all of these, so that a
// channel never moves before what it names is complete.
//
//   - A float (1.2, 1) moves only when no higher stable version of its line is
//     among the existing tags, latest only when none at all is. There is no
//     float 0: before 1.0.0 every minor version may break its users.
//   - A version with a pre-release part earns its own tags and nothing else.
//   - A suffix marks a variant of the image. All its tags carry it, those of
//     the commit too, because two variants of a commit would overwrite each
//     other; it is compared with its own family of tags only and never earns
//     latest. A tag X.Y.Z-S is the stable version X.Y.Z of family S, and to
//     every other family a pre-release, which moves nothing.
//   - For the same reason a release known only by a tag with build metadata
//     (1.2.3-cu12) does not hold back the floats of a lower one.
//   - Text that is no full version (1.2, nightly) becomes a tag as it is, with
//     characters that a tag cannot have replaced by a dash.
//   - No such tag may have a channel's name or be latest: only its own rule
//     moves a shared name.
//
// # What Apply promises
//
// Nothing is written before the digest and every image of an index have
// answered. Tags move in the order given. When one fails, those before it have
// moved and stay: none is moved back, because somebody may already have pulled
// it, and because putting it back would be one more race. As channels are the
// last, a run that failed has moved no channel onto a digest whose version tag
// is missing.
package release
