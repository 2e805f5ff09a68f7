package securemem

import "golang.org/x/sys/cpu"

// clearVectors sets the vector registers to zero. The assembly of the crypto packages
// leaves keys in them, and the next signal that the thread gets writes them to memory.
func clearVectors() {
	if cpu.X86.HasAVX {
		clearWideVectors()
	} else {
		clearNarrowVectors()
	}
}

// clearWideVectors clears the registers in their whole width, 512 bits where there are
// so many.
func clearWideVectors()

// clearNarrowVectors clears 128 bits of each, which are all there are without AVX.
func clearNarrowVectors()
