package securemem

import (
	"bytes"
	"errors"
	"testing"
)

// model is what a Buffer promises, without memory or locks.
type model struct {
	owners, readers int
	writer          bool
	content         []byte
}

func (m *model) read() error {
	if m.owners == 0 {
		return ErrFreed
	}
	if m.writer {
		return ErrState
	}
	return nil
}

func (m *model) write() error {
	if err := m.read(); err != nil {
		return err
	}
	if m.readers > 0 {
		return ErrState
	}
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

// FuzzStates drives three buffers and their models by the same bytes: two for each
// operation, what and where.
func FuzzStates(f *testing.F) {
	f.Add([]byte{0, 5, 1, 7, 2, 0, 5, 0, 3, 0, 5, 0, 4, 0})
	f.Add([]byte{3, 0, 4, 0, 5, 0, 5, 0, 0, 0, 6, 1, 4, 1, 4, 1, 4, 1})
	f.Add([]byte{2, 2, 4, 2, 3, 2, 5, 2, 1, 2, 7, 2, 8, 0, 8, 1, 8, 2})
	f.Fuzz(func(t *testing.T, program []byte) {
		before := ReadStats()
		var buffers [3]*Buffer
		var models [3]*model
		for i := range buffers {
			n := 1 + i*40
			buffers[i] = newPattern(t, n)
			models[i] = &model{owners: 1, content: pattern(n)}
		}
		for ; len(program) >= 2; program = program[2:] {
			i := int(program[1]) % 3
			step(t, program[0], program[1], buffers[i], models[i], buffers[(i+1)%3], models[(i+1)%3])
		}
		for i, b := range buffers {
			for ; models[i].owners > 0; models[i].owners-- {
				free(t, b)
			}
			for models[i].close() == nil {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			}
			if b.slot != nil {
				t.Errorf("buffer %d was not wiped at its end", i)
			}
		}
		after := ReadStats()
		if after.Buffers != before.Buffers || after.CanaryFailures != before.CanaryFailures {
			t.Errorf("stats %+v, were %+v", after, before)
		}
	})
}

func step(t *testing.T, op, arg byte, b *Buffer, m *model, other *Buffer, otherModel *model) {
	t.Helper()
	var got, want error
	switch op % 9 {
	case 0: // read a range that may pass the end
		off, n := int(arg)/3, int(op)/9
		p := make([]byte, n)
		got = b.ReadAt(p, off)
		if want = m.read(); off+n > len(m.content) {
			want = ErrRange
		}
		if want == nil && !bytes.Equal(p, m.content[off:off+n]) {
			t.Errorf("read %x at %d, want %x", p, off, m.content[off:off+n])
		}
	case 1: // write one
		off := int(arg) / 3
		got = b.WriteAt([]byte{op}, off)
		if want = m.write(); off >= len(m.content) {
			want = ErrRange
		}
		if want == nil {
			m.content[off] = op
		}
	case 2: // borrow for writing, and write
		var p []byte
		p, got = b.Open(Write)
		if want = m.write(); want == nil && got == nil {
			m.writer = true
			p[0], m.content[0] = arg, arg
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
		got, want = b.Free(), nil
		if m.owners == 0 {
			want = ErrFreed
		} else {
			m.owners--
		}
	case 5:
		got, want = b.Close(), m.close()
	case 6:
		if alive := b.Retain() != nil; alive != (m.owners > 0) {
			t.Errorf("Retain on %d owners: %t", m.owners, alive)
		}
		if m.owners > 0 {
			m.owners++
		}
	case 7:
		_, got = b.HMAC(Hash(1+arg%3), m.content, make([]byte, 64))
		want = m.read()
	case 8:
		var same bool
		same, got = Equal(b, other)
		// Which of two errors comes first is not promised.
		if want = m.read(); want == nil || (otherModel.read() != nil && errors.Is(got, otherModel.read())) {
			want = otherModel.read()
		}
		if want == nil && same != bytes.Equal(m.content, otherModel.content) {
			t.Errorf("equal %t", same)
		}
	}
	if !errors.Is(got, want) {
		t.Errorf("operation %d: %v, want %v", op%9, got, want)
	}
}
