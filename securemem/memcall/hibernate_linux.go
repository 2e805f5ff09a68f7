package memcall

import (
	"os"
	"strings"
	"sync"
)

// canHibernate reports whether this machine could hibernate: the kernel can, and
// there is swap on something that keeps its content. Any live secretmem switches
// hibernation off for the whole machine, which is not a guest's to decide.
var canHibernate = sync.OnceValue(func() bool {
	states, err := os.ReadFile("/sys/power/state")
	if err != nil {
		return false
	}
	swaps, err := os.ReadFile("/proc/swaps")
	if err != nil {
		return false
	}
	return hibernates(string(states), string(swaps))
})

func hibernates(states, swaps string) bool {
	return hasWord(states, "disk") && hasDiskSwap(swaps)
}

func hasWord(text, word string) bool {
	for w := range strings.FieldsSeq(text) {
		if w == word {
			return true
		}
	}
	return false
}

// hasDiskSwap reads /proc/swaps: a head line, then one line for each swap.
func hasDiskSwap(swaps string) bool {
	_, lines, _ := strings.Cut(swaps, "\n")
	for line := range strings.Lines(lines) {
		if name := strings.TrimSpace(line); name != "" && !strings.HasPrefix(name, "/dev/zram") {
			return true
		}
	}
	return false
}
