package securemem

// clearVectors sets the vector registers to zero. The assembly of the crypto packages
// leaves keys in them, and the next signal that the thread gets writes them to memory.
func clearVectors()
