package testreport_test

import "testing"

func TestReadCobertura(t *testing.T) {
	contains(t, "coverage.xml", "cobertura",
		"coverage 0.3936ratio @ coverage/@line-rate = line-rate",
		"branch_coverage 0.3333ratio @ coverage/@branch-rate = branch-rate",
		"package_coverage {package=tests} 0.3936ratio @ coverage/packages[1]/package[1]/@line-rate = tests.line-rate",
		"package_branch_coverage {package=tests} 0.3333ratio @ coverage/packages[1]/package[1]/@branch-rate = tests.branch-rate")
	reads(t, "cobertura", []struct{ name, text, want string }{
		{"DOCTYPE and text", `<!DOCTYPE coverage SYSTEM "http://cobertura.example/coverage-04.dtd"><coverage line-rate="1.0">text<package line-rate="0.5"/></coverage>`,
			"coverage 1ratio @ coverage/@line-rate = line-rate\n"},
		{"no branch was measured, which is written as 0", `<coverage line-rate="0.5" branch-rate="0" branches-valid="0"><packages><package name="a" line-rate="0.25" branch-rate="0"/></packages></coverage>`,
			"coverage 0.5ratio @ coverage/@line-rate = line-rate\n" +
				"branch_coverage invalid:a rate of no branchratio @ coverage/@branch-rate = branch-rate\n" +
				"package_coverage {package=a} 0.25ratio @ coverage/packages[1]/package[1]/@line-rate = a.line-rate\n" +
				"package_branch_coverage {package=a} invalid:a rate of no branchratio @ coverage/packages[1]/package[1]/@branch-rate = a.branch-rate\n"},
		{"no line was measured, which is written as 1", `<coverage line-rate="1" lines-valid="0"/>`, "coverage invalid:a rate of no lineratio @ coverage/@line-rate = line-rate\n"},
		{"percent", `<coverage line-rate="91.2" branch-rate="x"/>`,
			"coverage invalid:\"91.2\", which is no rate from 0 to 1ratio @ coverage/@line-rate = line-rate\n" +
				"branch_coverage invalid:\"x\", which is no rate from 0 to 1ratio @ coverage/@branch-rate = branch-rate\n"},
		{"NaN", `<coverage line-rate="NaN"/>`, "coverage invalid:NaNratio @ coverage/@line-rate = line-rate\n"},
	})
	refuses(t, []refusal{
		{"a", `<coverage generated="1"><project/></coverage>`, "line 1: is XML with root coverage but without its line-rate, expected Cobertura's format"},
		{"a", "<coverage line-rate=\"1\">\n<packages>", "line 2: is no well-formed XML: unexpected EOF"},
		{"a", `<!DOCTYPE c [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><coverage line-rate="1">&c;</coverage>`, "line 1: is no well-formed XML: invalid character entity &c;"},
	})
}
