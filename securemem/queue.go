package securemem

import (
	"sync"

	"github.com/bitcoin-sprint/libsprint/internal/list"
)

// queue is a list of wiped slots. First in, first out: a slot rests as long as it can,
// so that a stale pointer meets pages without access, and the secret that was sealed
// last finds its slot again.
type queue struct {
	mu    sync.Mutex
	slots list.List[*slot]
}

func (q *queue) push(s *slot) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.slots.PushBack(&s.place)
}

func (q *queue) pop() *slot {
	q.mu.Lock()
	defer q.mu.Unlock()
	first := q.slots.Front()
	if first == nil {
		return nil
	}
	q.slots.Remove(first)
	first.Value.sealed = nil
	return first.Value
}

// attach is push for the slot of a sealed secret.
func (q *queue) attach(s *slot, b *Buffer) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.sealed = b
	q.slots.PushBack(&s.place)
}

// detach takes out the slot that was attached to b; false if it was taken meanwhile.
func (q *queue) detach(s *slot, b *Buffer) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.sealed != b {
		return false
	}
	s.sealed = nil
	q.slots.Remove(&s.place)
	return true
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.slots.Len()
}
