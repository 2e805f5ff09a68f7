package securemem

import (
	"bufio"
	"fmt"
	"os"
	"sort"
	"strings"
	"unsafe"
)

// area is one mapping as the kernel shows it.
type area struct {
	lo, hi   uintptr
	noAccess bool
	flags    string // VmFlags, each with a space before and behind
}

// readAreas parses /proc/self/smaps.
func readAreas() ([]area, error) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var areas []area
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := lines.Text()
		var a area
		var access string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &a.lo, &a.hi, &access); n == 3 {
			a.noAccess = strings.HasPrefix(access, "---")
			areas = append(areas, a)
		} else if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && len(areas) > 0 {
			areas[len(areas)-1].flags = " " + strings.TrimSpace(flags) + " "
		}
	}
	return areas, lines.Err()
}

// at returns the mapping that holds p, or nil.
func at(areas []area, p uintptr) *area {
	i := sort.Search(len(areas), func(i int) bool { return areas[i].hi > p })
	if i == len(areas) || areas[i].lo > p {
		return nil
	}
	return &areas[i]
}

func (a *area) has(flag string) bool { return a != nil && strings.Contains(a.flags, " "+flag+" ") }

// readMappings asks the kernel about every slot, or returns nil.
func readMappings() *MappingStatus {
	live.mu.Lock()
	defer live.mu.Unlock()
	areas, err := readAreas()
	if err != nil {
		return nil
	}
	var m MappingStatus
	for s := range live.slots {
		m.add(areas, s.mem)
	}
	return &m
}

func (m *MappingStatus) add(areas []area, mem []byte) {
	first := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	behind := first + uintptr(len(mem))
	pages := at(areas, first)
	m.Slots++
	for _, guard := range []*area{at(areas, first-1), at(areas, behind)} {
		if guard != nil && guard.noAccess {
			m.GuardPages++
		}
	}
	m.Locked += count01(pages.has("lo"))
	m.NoCoreDump += count01(pages.has("dd"))
	m.NoFork += count01(pages.has("dc") || pages.has("wf"))
}

func count01(b bool) int {
	if b {
		return 1
	}
	return 0
}

// checkMappings asks the kernel whether a slot is what it should be.
func checkMappings(s *slot) error {
	areas, err := readAreas()
	if err != nil {
		return err
	}
	var m MappingStatus
	m.add(areas, s.mem)
	switch {
	case m.GuardPages != 2:
		return fmt.Errorf("%d guard pages", m.GuardPages)
	case s.locked && m.Locked == 0:
		return fmt.Errorf("not locked (flag lo)")
	case m.NoCoreDump == 0:
		return fmt.Errorf("not kept out of core dumps (flag dd)")
	case m.NoFork == 0:
		return fmt.Errorf("not kept from forked children (flag dc or wf)")
	}
	return nil
}
