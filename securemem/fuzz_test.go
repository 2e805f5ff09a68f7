package securemem

import (
	"bytes"
	"errors"
	"testing"
)

// model is what a Buffer promises, without memory or locks.
type model struct {
	owners, readers         int
	writer, sealed, expired bool
	content                 []byte
}

// present is nil if new calls may work on the secret.
func (m *model) present() error {
	switch {
	case m.owners == 0:
		return ErrFreed
	case m.expired:
		return ErrExpired
	}
	return nil
}

// read and write are uses and borrows, which bring a sealed secret back.
func (m *model) read() error {
	if err := m.present(); err != nil {
		return err
	}
	if m.writer {
		return ErrState
	}
	m.sealed = false
	return nil
}

func (m *model) write() error {
	if err := m.present(); err != nil {
		return err
	}
	if m.writer || m.readers > 0 {
		return ErrState
	}
	m.sealed = false
	return nil
}

func (m *model) seal() error {
	err := m.write()
	m.sealed = err == nil
	return err
}

func (m *model) expire() error {
	err := m.present()
	if err == nil {
		m.expired, m.sealed = true, false
	}
	return err
}

func (m *model) free() error {
	if m.owners == 0 {
		return ErrFreed
	}
	m.owners--
	m.sealed = m.sealed && m.owners > 0
	return nil
}

func (m *model) close() error {
	switch {
	case m.writer:
		m.writer = false
	case m.readers > 0:
		m.readers--
	default:
		return ErrState
	}
	return nil
}

func (m *model) inSlot() bool {
	return !m.sealed && (m.writer || m.readers > 0 || (m.owners > 0 && !m.expired))
}

// FuzzStates drives three buffers and their models by the same bytes: two for each
// operation, what and where.
func FuzzStates(f *testing.F) {
	f.Add([]byte{0, 5, 1, 7, 2, 0, 5, 0, 3, 0, 5, 0, 4, 0})
	f.Add([]byte{3, 0, 4, 0, 5, 0, 5, 0, 0, 0, 6, 1, 4, 1, 4, 1, 4, 1})
	f.Add([]byte{2, 2, 4, 2, 3, 2, 5, 2, 1, 2, 7, 2, 8, 0, 8, 1, 8, 2})
	f.Add([]byte{9, 0, 9, 1, 9, 2, 11, 1, 8, 0, 8, 1, 9, 0, 11, 0, 3, 0, 9, 2, 4, 2})
	f.Add([]byte{9, 0, 9, 1, 8, 0, 9, 0, 10, 1, 8, 0, 4, 1, 3, 2, 10, 2, 5, 2, 9, 2})
	f.Fuzz(func(t *testing.T, program []byte) {
		before := ReadStats()
		var buffers [3]*Buffer
		var models [3]*model
		for i, flags := range []Flags{0, Fast, NoAccess} {
			n := 1 + i*40
			b, err := From(pattern(n), flags)
			if err != nil {
				t.Fatal(err)
			}
			buffers[i], models[i] = b, &model{owners: 1, content: pattern(n)}
		}
		for ; len(program) >= 2; program = program[2:] {
			what, where := program[0], program[1]
			i := int(where) % 3
			got, want := step(t, what, where, i, &buffers, &models)
			if !errors.Is(got, want) {
				t.Errorf("operation %d on %d: %v, want %v", what%operations, i, got, want)
			}
			for i, b := range buffers {
				if m := models[i]; (b.slot != nil) != m.inSlot() || (b.sealed != nil) != m.sealed {
					t.Fatalf("after operation %d: buffer %d in a slot %t, sealed %t; model %+v", what%operations, i, b.slot != nil, b.sealed != nil, m)
				}
			}
		}
		for i, b := range buffers {
			for models[i].free() == nil {
				free(t, b)
			}
			for models[i].close() == nil {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}
			if b.slot != nil || b.sealed != nil {
				t.Errorf("buffer %d was not wiped at its end", i)
			}
		}
		after := ReadStats()
		if after.Buffers != before.Buffers || after.Sealed != before.Sealed || after.CanaryFailures != before.CanaryFailures {
			t.Errorf("stats %+v, were %+v", after, before)
		}
	})
}

const operations = 12

// step runs one operation on buffer i and its model and returns both answers.
func step(t *testing.T, what, where byte, i int, buffers *[3]*Buffer, models *[3]*model) (got, want error) {
	t.Helper()
	b, m := buffers[i], models[i]
	switch what % operations {
	case 0: // read a range that may pass the end
		off, n := int(where)/3, int(what)/operations
		p := make([]byte, n)
		if got = b.ReadAt(p, off); off+n > len(m.content) {
			return got, ErrRange
		}
		if want = m.read(); want == nil && !bytes.Equal(p, m.content[off:off+n]) {
			t.Errorf("read %x at %d, want %x", p, off, m.content[off:off+n])
		}
	case 1: // write one byte that may be past the end
		off := int(where) / 3
		if got = b.WriteAt([]byte{what}, off); off >= len(m.content) {
			return got, ErrRange
		}
		if want = m.write(); want == nil {
			m.content[off] = what
		}
	case 2: // borrow for writing, and write
		var p []byte
		p, got = b.Open(Write)
		if want = m.write(); want == nil && got == nil {
			m.writer = true
			p[0], m.content[0] = where, where
		}
	case 3: // borrow for reading
		var p []byte
		p, got = b.Open(Read)
		if want = m.read(); want == nil {
			m.readers++
			if !bytes.Equal(p, m.content) {
				t.Errorf("borrowed %x, want %x", p, m.content)
			}
		}
	case 4:
		return b.Free(), m.free()
	case 5:
		return b.Close(), m.close()
	case 6:
		if alive := b.Retain() != nil; alive != (m.owners > 0) {
			t.Errorf("Retain on %d owners: %t", m.owners, alive)
		}
		if m.owners > 0 {
			m.owners++
		}
	case 7:
		_, got = b.HMAC(Hash(1+where%3), m.content, make([]byte, 64))
		want = m.read()
	case 8: // two buffers, entered in the order of their making
		j := (i + 1) % 3
		var same bool
		same, got = Equal(b, buffers[j])
		if want = models[min(i, j)].read(); want == nil {
			want = models[max(i, j)].read()
		}
		if want == nil && same != bytes.Equal(m.content, models[j].content) {
			t.Errorf("equal %t", same)
		}
	case 9:
		return b.Seal(), m.seal()
	case 10:
		return b.ExpireAfter(0), m.expire()
	case 11: // slots that sealed secrets left are taken from them: one, or all
		if where%2 == 0 {
			Trim()
		} else if s := classes[0].popAttached(); s != nil {
			s.giveBack()
		}
	}
	return got, want
}
