package modelfile

import "strings"

// ggufSize is how many bytes a value of a type has; 0 for texts, arrays and what
// is unknown.
func ggufSize(kind uint64) int {
	switch kind {
	case 0, 1, 7:
		return 1
	case 2, 3:
		return 2
	case 4, 5, 6:
		return 4
	case 10, 11, 12:
		return 8
	}
	return 0
}

// ggufFileType is the name of general.file_type; empty when it is unknown.
func ggufFileType(n uint64) string {
	const names = "F32 F16 Q4_0 Q4_1 - - - Q8_0 Q5_0 Q5_1 Q2_K Q3_K_S Q3_K_M Q3_K_L Q4_K_S Q4_K_M Q5_K_S Q5_K_M Q6_K " +
		"IQ2_XXS IQ2_XS Q2_K_S IQ3_XS IQ3_XXS IQ1_S IQ4_NL IQ3_S IQ3_M IQ2_S IQ2_M IQ4_XS IQ1_M BF16 - - - TQ1_0 TQ2_0 MXFP4_MOE"
	all := strings.Fields(names)
	if n >= uint64(len(all)) || all[n] == "-" {
		return ""
	}
	return all[n]
}

// ggml is a type of tensor: a block of elements takes some bytes.
type ggml struct {
	name         string
	block, bytes int64
}

// ggmlType is a tensor's type by its number (ggml/include/ggml.h, and the sizes
// in ggml/src/ggml-common.h); block is 0 when it is unknown.
func ggmlType(kind uint64) ggml {
	all := [...]ggml{
		{"F32", 1, 4}, {"F16", 1, 2}, {"Q4_0", 32, 18}, {"Q4_1", 32, 20}, {}, {},
		{"Q5_0", 32, 22}, {"Q5_1", 32, 24}, {"Q8_0", 32, 34}, {"Q8_1", 32, 36},
		{"Q2_K", 256, 84}, {"Q3_K", 256, 110}, {"Q4_K", 256, 144}, {"Q5_K", 256, 176},
		{"Q6_K", 256, 210}, {"Q8_K", 256, 292}, {"IQ2_XXS", 256, 66}, {"IQ2_XS", 256, 74},
		{"IQ3_XXS", 256, 98}, {"IQ1_S", 256, 50}, {"IQ4_NL", 32, 18}, {"IQ3_S", 256, 110},
		{"IQ2_S", 256, 82}, {"IQ4_XS", 256, 136}, {"I8", 1, 1}, {"I16", 1, 2}, {"I32", 1, 4},
		{"I64", 1, 8}, {"F64", 1, 8}, {"IQ1_M", 256, 56}, {"BF16", 1, 2},
		{"Q4_0_4_4", 32, 18}, {"Q4_0_4_8", 32, 18}, {"Q4_0_8_8", 32, 18},
		{"TQ1_0", 256, 54}, {"TQ2_0", 256, 66},
		{"IQ4_NL_4_4", 32, 18}, {"IQ4_NL_4_8", 32, 18}, {"IQ4_NL_8_8", 32, 18}, {"MXFP4", 32, 17},
	}
	if kind >= uint64(len(all)) {
		return ggml{}
	}
	return all[kind]
}
