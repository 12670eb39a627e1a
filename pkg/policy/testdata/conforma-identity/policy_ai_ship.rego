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

# METADATA
# title: There is a statement: sbom
# custom:
#   short_name: sbom_missing
deny contains result if {
	count(statements("https://cyclonedx.org/bom")) == 0
	result := {"code": "ai_ship.sbom_missing", "msg": "no statement https://cyclonedx.org/bom is signed by whom the policy trusts"}
}

# METADATA
# title: There is a statement: promotion
# custom:
#   short_name: promotion_missing
deny contains result if {
	count([s | some s in statements("https://ai-ship.dev/attestation/promotion/v1"); s.predicate.channel == "production"; s.predicate.to == concat(":", ["sha256", s.subject[0].digest.sha256])]) == 0
	result := {"code": "ai_ship.promotion_missing", "msg": "no record signed by whom the policy trusts says that production was moved onto it"}
}

# METADATA
# title: There is a statement: vulnerabilities
# custom:
#   short_name: vulnerabilities_missing
deny contains result if {
	count([s | some s in statements("https://in-toto.io/attestation/vulns/v0.2"); time.now_ns() - time.parse_rfc3339_ns(s.predicate.metadata.scanFinishedOn) <= 86400000000000]) == 0
	result := {"code": "ai_ship.vulnerabilities_missing", "msg": "no scan signed by whom the policy trusts is younger than 24h"}
}
