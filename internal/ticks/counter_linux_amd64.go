package ticks

import (
	"bytes"
	"os"
)

// counter is the processor's time-stamp counter. It is not ordered against what is around
// it: it may be read while a load before it still waits for its cache line.
func counter() uint64

// kernelTrustsCounter says that the kernel's own clock is this counter: it has seen that it
// runs at one rate in all states of all processors, and the same for all of them. A process
// that must not read it (prctl(2), PR_SET_TSC) could not read the kernel's clock either.
func kernelTrustsCounter() bool {
	source, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	return err == nil && bytes.Equal(bytes.TrimSpace(source), []byte("tsc"))
}
