# METADATA
# title: What ai-ship signs
# description: >-
#   The image is signed, and every statement that is demanded of it is there and
#   says what it must.
package ai_ship

import rego.v1

# Statements of a type about this image, and about nothing else.
statements(type) := [s |
	some attestation in input.attestations
	s := attestation.statement
	s.predicateType == type
	count(s.subject) == 1
	endswith(input.image.ref, concat("", ["@sha256:", s.subject[0].digest.sha256]))
	s.subject[0].name == "ghcr.io/acme/digits"
]

# METADATA
# title: There is a statement: signature
# custom:
#   short_name: signature_missing
deny contains result if {
	count(statements("https://sigstore.dev/cosign/sign/v1")) == 0
	result := {"code": "ai_ship.signature_missing", "msg": "no statement https://sigstore.dev/cosign/sign/v1 is signed by whom the policy trusts"}
}

# METADATA
# title: There is a statement: verdict
# custom:
#   short_name: verdict_missing
deny contains result if {
	count(statements("https://ai-ship.dev/attestation/verdict/v1")) == 0
	result := {"code": "ai_ship.verdict_missing", "msg": "no statement https://ai-ship.dev/attestation/verdict/v1 is signed by whom the policy trusts"}
}

# METADATA
# title: The gates passed
# custom:
#   short_name: verdict_refused
deny contains result if {
	some s in statements("https://ai-ship.dev/attestation/verdict/v1")
	not s.predicate.passed == true
	result := {"code": "ai_ship.verdict_refused", "msg": "the gates' verdict refuses it"}
}
