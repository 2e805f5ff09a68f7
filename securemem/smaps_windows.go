package securemem

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// readMappings asks the kernel about every slot.
func readMappings() *MappingStatus {
	live.mu.Lock()
	defer live.mu.Unlock()
	var m MappingStatus
	for s := range live.slots {
		m.add(s.mem)
	}
	return &m
}

// add counts a slot. Nothing keeps its pages out of a dump here, and no process is
// forked.
func (m *MappingStatus) add(mem []byte) {
	first := uintptr(unsafe.Pointer(unsafe.SliceData(mem)))
	m.Slots++
	m.NoFork++
	for _, guard := range []uintptr{first - 1, first + uintptr(len(mem))} {
		var area windows.MemoryBasicInformation
		if windows.VirtualQuery(guard, &area, unsafe.Sizeof(area)) == nil && area.Protect == windows.PAGE_NOACCESS {
			m.GuardPages++
		}
	}
	page := windows.PSAPI_WORKING_SET_EX_INFORMATION{VirtualAddress: windows.Pointer(unsafe.Pointer(unsafe.SliceData(mem)))}
	if windows.QueryWorkingSetEx(windows.CurrentProcess(), uintptr(unsafe.Pointer(&page)), uint32(unsafe.Sizeof(page))) == nil &&
		page.VirtualAttributes.Valid() && page.VirtualAttributes.Locked() {
		m.Locked++
	}
}

// checkMappings asks the kernel whether a slot is what it should be. That it is locked
// VirtualLock has answered: Wine's kernel cannot tell.
func checkMappings(s *slot) error {
	var m MappingStatus
	m.add(s.mem)
	if m.GuardPages != 2 {
		return fmt.Errorf("%d guard pages", m.GuardPages)
	}
	return nil
}
