package unit

// Unit is the dimension of a quantity, named after the one unit it is held in.
type Unit string

const (
	None    Unit = ""      // a plain number: its unit is not known
	Seconds Unit = "s"     // time
	Bytes   Unit = "B"     // memory and storage
	Ratio   Unit = "ratio" // 0.95 for 95 %
)

// Quantity is a finite number in one of the units above.
type Quantity struct {
	Value float64
	Unit  Unit
}
