package grid

// ProofOf is what a service proves of a set that was read.
func ProofOf(s Set) Proof { return s.prove(DefaultTolerance()) }

// PlainRings reads coordinates the fast way.
func PlainRings(raw []byte, most int) ([][]Point, bool) { return plainRings(raw, most) }
